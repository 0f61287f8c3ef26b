#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture_make.h"

#define US      0xa1b2c3d4
#define NS      0xa1b23c4d
#define PATCHED 0xa1b2cd34
#define SECOND  UINT64_C(1000000000)

static struct result r;

static void read_made(struct make *m)
{
	result_of(m->b.data, m->b.len, &r);
	buf_done(&m->b);
	*m = (struct make){.big = m->big};
}

static void orders_and_resolutions(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct make m = {.big = i & 1};
		bool nano = i & 2;

		make_pcap(&m, nano ? NS : US, 4, 1);
		make_record(&m, 1700000000, 123456, 60);
		make_record(&m, 1600000000, 1, 0); /* backwards, as in the file */
		make_record(&m, 4000000000, 7, 1514);
		read_made(&m);
		assert_int_equal(r.status, SOURCE_END);
		assert_int_equal(r.count, 3);
		assert_int_equal(r.frames[0].ts_ns,
			1700000000 * SECOND + 123456 * (nano ? 1 : 1000));
		assert_int_equal(r.frames[0].caplen, 60);
		assert_int_equal(r.frames[0].len, 70);
		assert_int_equal(r.frames[0].linktype, 1);
		assert_int_equal(
			r.frames[1].ts_ns, 1600000000 * SECOND + (nano ? 1 : 1000));
		assert_int_equal(
			r.frames[2].ts_ns, 4000000000 * SECOND + (nano ? 7 : 7000));
		assert_int_equal(r.interface_count, 1);
		assert_string_equal(r.interfaces[0].name, "");
	}
}

static void patched_records_are_longer(void **state)
{
	struct make m = {0};

	(void)state;
	make_pcap(&m, PATCHED, 4, 1);
	for (int i = 0; i < 3; i++) {
		make_u32(&m, 5);
		make_u32(&m, 6);
		make_u32(&m, 1);
		make_u32(&m, 1);
		make_u64(&m, UINT64_MAX); /* interface, protocol, kind */
		buf_char(&m.b, (char)make_byte(1, 0));
	}
	read_made(&m);
	assert_int_equal(r.status, SOURCE_END);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.frames[2].ts_ns, 5 * SECOND + 6000);
}

static void old_versions_swap_the_lengths(void **state)
{
	(void)state;
	for (uint16_t minor = 0; minor <= 4; minor++) {
		struct make m = {.big = minor & 1};

		make_pcap(&m, US, minor, 1);
		make_u64(&m, 0);
		make_u32(&m, minor < 3 ? 9 : 2);
		make_u32(&m, minor < 3 ? 2 : 9);
		buf_char(&m.b, (char)make_byte(2, 0));
		buf_char(&m.b, (char)make_byte(2, 1));
		read_made(&m);
		assert_int_equal(r.status, SOURCE_END);
		assert_int_equal(r.count, 1);
		assert_int_equal(r.frames[0].caplen, 2);
		assert_int_equal(r.frames[0].len, 9);
	}
}

static void impossible_headers(void **state)
{
	struct make m = {0};

	(void)state;
	make_pcap(&m, US, 5, 1);
	read_made(&m);
	assert_int_equal(r.status, SOURCE_DAMAGED);
	assert_int_equal(r.err.exit_code, EXIT_NO_INPUT);
	assert_non_null(strstr(r.err.text, "x: pcap version 2.5"));

	make_pcap(&m, US, 4, 0x00300001); /* reserved bits */
	read_made(&m);
	assert_int_equal(r.err.exit_code, EXIT_NO_INPUT);

	make_pcap(&m, US, 4, 0x14000001); /* 4 bytes of frame check sequence */
	make_record(&m, 1, 1, 60);
	read_made(&m);
	assert_int_equal(r.status, SOURCE_END);
	assert_int_equal(r.frames[0].linktype, 1);
}

static void absurd_lengths(void **state)
{
	struct make m = {0};

	(void)state;
	make_pcap(&m, US, 4, 1);
	make_record(&m, 1, 1, 60);
	make_u64(&m, 0);
	make_u32(&m, 262145);
	make_u32(&m, 262145);
	buf_fill(&m.b, 0, 300000);
	read_made(&m);
	assert_int_equal(r.status, SOURCE_DAMAGED);
	assert_int_equal(r.err.exit_code, EXIT_PARTIAL);
	assert_int_equal(r.count, 1);
	assert_string_equal(r.err.text,
		"x: packet 2 at byte 100: captured length 262145 "
		"is above the limit of 262144");
}

static void longest_packet(void **state)
{
	struct make m = {0};

	(void)state;
	make_pcap(&m, US, 4, 1);
	make_record(&m, 1, 1, 262144);
	make_record(&m, 2, 1, 262144);
	make_record(&m, 3, 1, 1);
	read_made(&m);
	assert_int_equal(r.status, SOURCE_END);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.frames[1].caplen, 262144);
}

/* Each length of the file: what is whole comes out, and the status says the rest. */
static void cut_anywhere(void **state)
{
	struct make m = {0};
	size_t ends[5] = {24};

	(void)state;
	make_pcap(&m, US, 4, 1);
	for (int i = 1; i < 5; i++) {
		make_record(&m, 1, 1, 20u * (unsigned)i);
		ends[i] = m.b.len;
	}
	for (size_t len = 0; len <= m.b.len; len++) {
		unsigned whole = 0;
		bool edge = len == ends[0];

		for (unsigned i = 1; i < 5; i++) {
			whole += len >= ends[i];
			edge |= len == ends[i];
		}
		result_of(m.b.data, len, &r);
		assert_int_equal(r.count, whole);
		assert_int_equal(r.status, edge ? SOURCE_END : SOURCE_DAMAGED);
		if (!edge)
			assert_int_equal(r.err.exit_code,
				len < 24 ? EXIT_NO_INPUT : EXIT_PARTIAL);
	}
	result_of(m.b.data, ends[2] + 5, &r);
	assert_string_equal(r.err.text, "x: cut in packet 3 at byte 121");
	buf_done(&m.b);
}

static void many_packets_over_many_windows(void **state)
{
	struct make m = {0};

	(void)state;
	make_pcap(&m, US, 4, 1);
	for (unsigned i = 0; i < 1000; i++)
		make_record(&m, i, 0, 1 + i * 7 % 1500);
	read_made(&m);
	assert_int_equal(r.status, SOURCE_END);
	assert_int_equal(r.count, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(r.frames[i].ts_ns, i * SECOND);
		assert_int_equal(r.frames[i].caplen, 1 + i * 7 % 1500);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_and_resolutions),
		cmocka_unit_test(patched_records_are_longer),
		cmocka_unit_test(old_versions_swap_the_lengths),
		cmocka_unit_test(impossible_headers),
		cmocka_unit_test(absurd_lengths),
		cmocka_unit_test(longest_packet),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(many_packets_over_many_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
