#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "capture_make.h"
#include "source/pcapng_clock.h"

#define SECOND UINT64_C(1000000000)
#define US     UINT64_C(1700000000123456)

static struct result r;

static void read_made(struct make *m)
{
	result_of(m->b.data, m->b.len, &r);
	buf_done(&m->b);
	*m = (struct make){.big = m->big};
}

static void begin_packet(struct make *m, uint32_t type, uint32_t caplen)
{
	make_begin(m, type);
	if (type == 6) {
		make_u32(m, 0);
	} else {
		make_u16(m, 0);
		make_u16(m, 3); /* drops */
	}
	make_u64(m, 0);
	make_u32(m, caplen);
	make_u32(m, caplen);
	for (uint32_t i = 0; i < caplen; i++)
		buf_char(&m->b, (char)make_byte(caplen, i));
	while ((m->b.len - m->block) % 4)
		buf_char(&m->b, 0);
}

/* A sound file up to a block of `type`, which the caller ends. */
static void start(struct make *m, uint32_t type)
{
	make_section(m);
	make_interface(m, 1, NULL);
	make_packet(m, 0, US, 60);
	make_begin(m, type);
}

static void both_orders(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct make m = {.big = big};

		make_section(&m);
		make_interface(&m, 1, "eth0");
		make_packet(&m, 0, US, 60);
		make_packet(&m, 0, US - 5, 61);
		read_made(&m);
		assert_int_equal(r.status, SOURCE_END);
		assert_int_equal(r.count, 2);
		assert_int_equal(r.frames[0].ts_ns, US * 1000);
		assert_int_equal(r.frames[1].ts_ns, (US - 5) * 1000);
		assert_int_equal(r.frames[1].caplen, 61);
		assert_int_equal(r.frames[1].len, 71);
		assert_string_equal(r.interfaces[0].name, "eth0");
	}
}

static void sections_of_both_orders_and_many_interfaces(void **state)
{
	struct make m = {0};

	(void)state;
	make_section(&m);
	make_interface(&m, 1, "eth0");
	make_interface(&m, 276, "any");
	make_interface(&m, 101, "tun\x1b[2J");
	make_packet(&m, 2, US, 20);
	make_packet(&m, 0, US, 60);
	m.big = true;
	make_section(&m);
	make_interface(&m, 276, "any");
	make_interface(&m, 1, "any");
	make_packet(&m, 0, US, 40);
	make_packet(&m, 1, US, 41);
	read_made(&m);
	assert_int_equal(r.status, SOURCE_END);
	assert_int_equal(r.count, 4);
	assert_int_equal(r.interface_count, 4);
	assert_string_equal(r.interfaces[2].name, "tun\\x1b[2J");
	assert_int_equal(r.frames[0].interface, 2);
	assert_int_equal(r.frames[0].linktype, 101);
	assert_int_equal(r.frames[1].interface, 0);
	assert_int_equal(r.frames[2].interface, 1); /* the same "any" as before */
	assert_int_equal(r.frames[2].linktype, 276);
	assert_int_equal(r.frames[3].interface, 3); /* another link type */
}

static void interface_with_clock(struct make *m, uint8_t resolution, int64_t offset)
{
	struct make value = {.big = m->big};

	make_section(m);
	make_begin(m, 1);
	make_u32(m, m->big ? 0x00010000 : 1);
	make_u32(m, 0);
	make_option(m, 9, &resolution, 1);
	make_u64(&value, (uint64_t)offset);
	make_option(m, 14, value.b.data, 8);
	make_end(m);
	buf_done(&value.b);
}

static void clocks(void **state)
{
	static const struct {
		uint8_t resolution;
		int64_t offset;
		uint64_t units, ns;
	} cases[] = {
		{6, 0, 1500000, 1500000000},
		{9, 0, 1700000000123456789, 1700000000123456789},
		{3, 0, 1700000000123, 1700000000123000000},
		{0, 0, 1700000000, 1700000000 * SECOND},
		{12, 0, 1700000000123456, 1700000000123},
		{6, 100, 1500000, 101500000000},
		{6, -1, 1500000, 500000000},
		{6, -2, 1500000, 0}, /* before 1970 */
		{0x80 | 1, 0, 3, 1500000000},
		{0x80 | 10, 0, 1024 + 512, 1500000000},
		{0x80 | 32, 0, UINT64_C(5) << 32 | 0x80000000, 5500000000},
		{0x80 | 63, 0, UINT64_C(3) << 62, 1500000000},
		{0x80, 0, 7, 7 * SECOND},
		{0, 0, UINT64_MAX, UINT64_MAX},
		{6, 0, UINT64_MAX, UINT64_MAX},
		{0x80 | 20, INT64_MAX, 1, UINT64_MAX},
		{6, INT64_MIN, 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct make m = {.big = i & 1};

		interface_with_clock(&m, cases[i].resolution, cases[i].offset);
		make_packet(&m, 0, cases[i].units, 4);
		read_made(&m);
		assert_int_equal(r.status, SOURCE_END);
		assert_int_equal(r.frames[0].ts_ns, cases[i].ns);
	}
}

static void impossible_clock(void **state)
{
	struct make m = {0};

	(void)state;
	interface_with_clock(&m, 20, 0);
	read_made(&m);
	assert_int_equal(r.status, SOURCE_DAMAGED);
	assert_int_equal(r.err.exit_code, EXIT_PARTIAL);
}

static void packet_options(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct make m = {.big = big}, v = {.big = big};

		make_u32(&v, 0xfffffffd); /* inbound; the other bits are not ours */
		make_u32(&v, 2);
		make_u64(&v, 7);
		start(&m, 0xbad); /* unknown: passed over */
		make_u32(&m, 1234567);
		make_end(&m);
		begin_packet(&m, 6, 5);
		make_option(&m, 1, "comment", 7);
		make_option(&m, 2, v.b.data, 4);
		make_option(&m, 4, v.b.data + 8, 8);
		make_end(&m);
		begin_packet(&m, 6, 4);
		make_option(&m, 2, v.b.data + 4, 4);
		make_option(&m, 0, NULL, 0);
		make_option(&m, 2, v.b.data, 4); /* behind the end */
		make_end(&m);
		begin_packet(&m, 2, 3); /* the obsolete block has its own drops: 3 */
		make_end(&m);
		buf_done(&v.b);
		read_made(&m);
		assert_int_equal(r.status, SOURCE_END);
		assert_int_equal(r.count, 4);
		assert_int_equal(r.frames[0].dir, FRAME_DIR_UNKNOWN);
		assert_int_equal(r.frames[1].dir, FRAME_DIR_IN);
		assert_int_equal(r.frames[2].dir, FRAME_DIR_OUT);
		assert_int_equal(r.frames[3].caplen, 3);
		assert_int_equal(r.counters.ring_drops, 10);
	}
}

static void statistics(struct make *m, uint16_t code, uint64_t value)
{
	struct make v = {.big = m->big};

	make_u64(&v, value);
	make_begin(m, 5);
	make_u32(m, 0);
	make_u64(m, 0);
	make_option(m, code, v.b.data, 8);
	make_end(m);
	buf_done(&v.b);
}

static void drops_are_not_counted_twice(void **state)
{
	struct make m = {0}, v = {0};

	(void)state;
	make_u64(&v, 4);
	make_section(&m);
	make_interface(&m, 1, NULL);
	begin_packet(&m, 6, 4);
	make_option(&m, 4, v.b.data, 8);
	make_end(&m);
	statistics(&m, 7, 5); /* whole life: the 4 are in it */
	statistics(&m, 7, 9);
	statistics(&m, 5, 2);
	buf_done(&v.b);
	read_made(&m);
	assert_int_equal(r.status, SOURCE_END);
	assert_int_equal(r.counters.ring_drops, 9);
}

static void simple_packets(void **state)
{
	struct make m = {.big = true};

	(void)state;
	make_section(&m);
	make_begin(&m, 1);
	make_u16(&m, 1);
	make_u16(&m, 0);
	make_u32(&m, 6); /* snaplen */
	make_end(&m);
	make_begin(&m, 3);
	make_u32(&m, 100);
	for (uint32_t i = 0; i < 8; i++)
		buf_char(&m.b, (char)make_byte(6, i));
	make_end(&m);
	read_made(&m);
	assert_int_equal(r.status, SOURCE_END);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.frames[0].caplen, 6);
	assert_int_equal(r.frames[0].len, 100);
}

static void damaged(struct make *m, const char *what)
{
	read_made(m);
	assert_int_equal(r.status, SOURCE_DAMAGED);
	assert_int_equal(r.err.exit_code, EXIT_PARTIAL);
	assert_int_equal(r.count, 1);
	if (!strstr(r.err.text, what))
		fail_msg("%s: no %s", r.err.text, what);
}

static void garbage_blocks(void **state)
{
	static const uint32_t lengths[] = {0, 4, 11, 13, 0x7fffffff, UINT32_MAX};
	struct make m = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		start(&m, 6);
		m.b.len -= 4;
		make_u32(&m, lengths[i]);
		buf_fill(&m.b, 0, 100);
		damaged(&m, "is impossible");
	}
	start(&m, 6);
	make_end(&m);
	damaged(&m, "packet 2 at byte 140: packet block is too short");
	start(&m, 4711);
	make_end(&m);
	m.b.data[m.b.len - 2] = 1;
	damaged(&m, "lengths of a block differ");
	start(&m, 0x0a0d0d0a);
	buf_fill(&m.b, 'x', 20);
	make_end(&m);
	damaged(&m, "no byte order");
	start(&m, 1);
	make_end(&m);
	damaged(&m, "too short");
	start(&m, 3);
	make_u32(&m, 1);
	make_end(&m);
	damaged(&m, "longer than its block");
}

static void packets_that_cannot_be(void **state)
{
	struct make m = {0};

	(void)state;
	start(&m, 4711);
	make_end(&m);
	make_packet(&m, 1, US, 4);
	damaged(&m, "interface 1 of a packet was never described");
	start(&m, 6);
	make_u32(&m, 0);
	make_u64(&m, 0);
	make_u32(&m, 262145);
	make_u32(&m, 4);
	make_end(&m);
	damaged(&m, "captured length 262145 is above the limit");
	make_section(&m);
	make_begin(&m, 3);
	make_u32(&m, 0);
	make_end(&m);
	read_made(&m);
	assert_int_equal(r.status, SOURCE_DAMAGED);
	assert_int_equal(r.err.exit_code, EXIT_PARTIAL);
}

static void versions(void **state)
{
	(void)state;
	for (uint8_t minor = 0; minor < 4; minor++) {
		struct make m = {0};

		make_section(&m);
		m.b.data[14] = (char)minor;
		read_made(&m);
		if (minor == 0 || minor == 2) {
			assert_int_equal(r.status, SOURCE_END);
			continue;
		}
		assert_int_equal(r.status, SOURCE_DAMAGED);
		assert_int_equal(r.err.exit_code, EXIT_NO_INPUT);
	}
}

static void cut_anywhere(void **state)
{
	struct make m = {0};
	size_t edges[6], n = 0;

	(void)state;
	make_section(&m);
	edges[n++] = m.b.len;
	make_interface(&m, 1, "eth0");
	edges[n++] = m.b.len;
	for (unsigned i = 0; i < 4; i++) {
		make_packet(&m, 0, US, 30 + i);
		edges[n++] = m.b.len;
	}
	for (size_t len = 0; len <= m.b.len; len++) {
		unsigned whole = 0;
		bool edge = false;

		for (size_t i = 0; i < n; i++) {
			whole += i >= 2 && len >= edges[i];
			edge |= len == edges[i];
		}
		result_of(m.b.data, len, &r);
		assert_int_equal(r.count, whole);
		assert_int_equal(r.status, edge ? SOURCE_END : SOURCE_DAMAGED);
		if (!edge)
			assert_int_equal(r.err.exit_code,
				len < edges[0] ? EXIT_NO_INPUT : EXIT_PARTIAL);
	}
	buf_done(&m.b);
}

static void a_thousand_and_more_interfaces(void **state)
{
	struct make m = {0};
	char name[16];

	(void)state;
	make_section(&m);
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "if%d", i);
		make_interface(&m, 1, name);
	}
	make_packet(&m, 1022, US, 4);
	make_packet(&m, 1999, US, 4);
	read_made(&m);
	assert_int_equal(r.status, SOURCE_END);
	assert_int_equal(r.interface_count, 1024);
	assert_int_equal(r.frames[0].interface, 1022);
	assert_int_equal(r.frames[1].interface, 1023); /* shared by the rest */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_orders),
		cmocka_unit_test(sections_of_both_orders_and_many_interfaces),
		cmocka_unit_test(clocks),
		cmocka_unit_test(impossible_clock),
		cmocka_unit_test(packet_options),
		cmocka_unit_test(drops_are_not_counted_twice),
		cmocka_unit_test(simple_packets),
		cmocka_unit_test(garbage_blocks),
		cmocka_unit_test(packets_that_cannot_be),
		cmocka_unit_test(versions),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(a_thousand_and_more_interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
