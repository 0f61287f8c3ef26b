/* The kernel's filter programs, run over frames by libpcap's interpreter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "source/capture_filter.h"
#include "source/snaplen_program.h"

struct bytes {
	uint8_t at[512];
	unsigned len;
};

static void put(struct bytes *b, const void *from, unsigned len)
{
	assert_true(b->len + len <= sizeof(b->at));
	memcpy(b->at + b->len, from, len);
	b->len += len;
}

static void put16(struct bytes *b, unsigned value)
{
	uint8_t be[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	put(b, be, 2);
}

static void ethernet(struct bytes *b)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

	put(b, macs, sizeof(macs));
}

/* An IPv4 header of `words` 32-bit words. */
static void ipv4(struct bytes *b, unsigned words, uint8_t protocol, unsigned fragment)
{
	uint8_t h[60] = {0};

	h[0] = (uint8_t)(0x40 | words);
	h[6] = (uint8_t)(fragment >> 8);
	h[7] = (uint8_t)fragment;
	h[9] = protocol;
	put(b, h, words * 4);
}

static void ipv6(struct bytes *b, uint8_t next)
{
	uint8_t h[40] = {0x60};

	h[6] = next;
	put(b, h, sizeof(h));
}

static void udp(struct bytes *b, unsigned sport, unsigned dport)
{
	put16(b, sport);
	put16(b, dport);
	put16(b, 8);
	put16(b, 0);
}

static void tcp(struct bytes *b, unsigned words, const char *payload, unsigned len)
{
	uint8_t h[60] = {0};

	h[12] = (uint8_t)(words << 4);
	put(b, h, words * 4);
	put(b, payload, len);
}

static unsigned run(uint16_t linktype, const struct bytes *b)
{
	struct sock_filter own[SNAPLEN_PROGRAM_MOST];
	struct bpf_insn code[SNAPLEN_PROGRAM_MOST];
	uint16_t count = snaplen_program(linktype, own);

	for (uint16_t i = 0; i < count; i++)
		code[i] = (struct bpf_insn){
			own[i].code, own[i].jt, own[i].jf, own[i].k};
	assert_true(bpf_validate(code, count));
	return bpf_filter(code, b->at, b->len, b->len);
}

/* Every prefix of a frame must be kept: a load past the end would refuse it. */
static void check(uint16_t linktype, const struct bytes *b, unsigned expected)
{
	struct bytes cut = *b;

	assert_int_equal(run(linktype, b), expected);
	for (; cut.len; cut.len--)
		assert_true(run(linktype, &cut) >= CAPTURE_SNAPLEN_SHORT);
}

static void test_udp_ports(void **state)
{
	static const struct {
		unsigned sport, dport, snaplen;
	} rows[] = {{5000, 53, 2048}, {53, 5000, 2048}, {443, 9, 2048}, {9, 443, 2048},
		{5353, 5353, 2048}, {5000, 9, 256}, {5000, 54, 256}, {52, 444, 256}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned words = 5; words <= 15; words += 5) {
			struct bytes b = {0};

			ethernet(&b);
			put16(&b, 0x0800);
			ipv4(&b, words, 17, 0);
			udp(&b, rows[i].sport, rows[i].dport);
			check(LINKTYPE_ETHERNET, &b, rows[i].snaplen);
		}
}

static void test_link_layers(void **state)
{
	static const struct {
		unsigned types[6];
		unsigned count, snaplen;
	} rows[] = {
		{{0x0800}, 1, 2048},
		{{0x8100, 5, 0x0800}, 3, 2048},
		{{0x88a8, 5, 0x8100, 6, 0x0800}, 5, 2048},
		{{0x9100, 5, 0x0800}, 3, 2048},
		{{0x8864, 0x1100, 1, 30, 0x0021}, 5, 2048}, /* PPPoE session, IPv4 */
		{{0x8100, 5, 0x8100, 6, 0x8100, 7}, 6, 256},
		{{0x0806}, 1, 256},
		{{0x88cc}, 1, 256},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes b = {0};

		ethernet(&b);
		for (unsigned t = 0; t < rows[i].count; t++)
			put16(&b, rows[i].types[t]);
		ipv4(&b, 5, 17, 0);
		udp(&b, 5000, 53);
		check(LINKTYPE_ETHERNET, &b, rows[i].snaplen);
	}
}

static void test_raw(void **state)
{
	struct bytes four = {0}, six = {0}, other = {{0x90}, 60};

	(void)state;
	ipv4(&four, 5, 17, 0);
	udp(&four, 1, 53);
	check(LINKTYPE_RAW, &four, 2048);
	ipv6(&six, 17);
	udp(&six, 1, 53);
	check(LINKTYPE_RAW, &six, 2048);
	check(LINKTYPE_RAW, &other, 256);
	check(105, &four, 256);
}

static void test_icmp_and_fragments(void **state)
{
	struct bytes icmp = {0}, fragment = {0}, first = {0}, icmp6 = {0}, mld = {0};
	static const uint8_t options[8] = {58, 0, 5, 2};

	(void)state;
	ipv4(&icmp, 5, 1, 0);
	put(&icmp, "\3\3abcdef", 8);
	check(LINKTYPE_RAW, &icmp, 2048);
	ipv4(&fragment, 5, 17, 0x2001); /* more to come, offset 8 */
	udp(&fragment, 53, 53);
	check(LINKTYPE_RAW, &fragment, 256);
	ipv4(&first, 5, 17, 0x2000);
	udp(&first, 53, 53);
	check(LINKTYPE_RAW, &first, 2048);
	ipv6(&icmp6, 58);
	put(&icmp6, "\1\4abcdef", 8);
	check(LINKTYPE_RAW, &icmp6, 2048);
	ipv6(&mld, 0);
	put(&mld, options, sizeof(options));
	put(&mld, "\203\0abcdef", 8);
	check(LINKTYPE_RAW, &mld, 2048);
}

static void test_tcp_payload(void **state)
{
	static const struct {
		const char *payload;
		unsigned len, snaplen;
	} rows[] = {
		{"\x16\x03\x01\x02\x00\x01", 6, 2048},
		{"\x16\x03\x03\x02", 4, 2048},
		{"\x16\x02\x03\x02", 4, 256},
		{"\x17\x03\x03\x02", 4, 256},
		{"GET / HTTP", 10, 2048},
		{"POST /", 6, 2048},
		{"PUT /a", 6, 2048},
		{"HEAD /", 6, 2048},
		{"DELETE", 6, 2048},
		{"OPTION", 6, 2048},
		{"PATCH ", 6, 2048},
		{"CONNECT", 6, 2048},
		{"PRI * ", 6, 2048},
		{"GETX/", 5, 256},
		{"SSH-2.0", 7, 256},
		{"", 0, 256},
		{"GET", 3, 256},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned words = 5; words <= 15; words += 2) {
			struct bytes four = {0}, six = {0};

			ipv4(&four, 7, 6, 0x4000);
			tcp(&four, words, rows[i].payload, rows[i].len);
			check(LINKTYPE_RAW, &four, rows[i].snaplen);
			ethernet(&six);
			put16(&six, 0x86dd);
			ipv6(&six, 6);
			tcp(&six, words, rows[i].payload, rows[i].len);
			check(LINKTYPE_ETHERNET, &six, rows[i].snaplen);
		}
}

/* The rest of a ClientHello begins with anything: what is pushed to port 443 is kept.
 */
static void test_tls_server(void **state)
{
	static const struct {
		unsigned port, flags, snaplen;
	} rows[] = {{443, 0x18, 2048}, {443, 0x10, 256}, {443, 0x02, 256},
		{444, 0x18, 256}, {700, 0x18, 256}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes b = {0};
		size_t at;

		ipv4(&b, 5, 6, 0x4000);
		at = b.len;
		tcp(&b, 5, "rest", 4);
		b.at[at + 2] = (uint8_t)(rows[i].port >> 8);
		b.at[at + 3] = (uint8_t)rows[i].port;
		b.at[at + 13] = (uint8_t)rows[i].flags;
		check(LINKTYPE_RAW, &b, rows[i].snaplen);
	}
}

/* Whatever the bytes say, a frame is kept and the program ends. */
static void test_noise(void **state)
{
	struct bytes b = {.len = 0};
	uint32_t x = 1;
	unsigned snaplen;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		for (unsigned i = 0; i < 80; i++) {
			x = x * 1664525 + 1013904223;
			b.at[i] = (uint8_t)(x >> 24);
		}
		b.len = x >> 8 & 63;
		memcpy(b.at + 12, "\x08\0", 2);
		b.at[14] = (uint8_t)(0x40 |
				     (x & 0x2f)); /* versions 4 and 6, any length */
		snaplen = run(LINKTYPE_ETHERNET, &b);
		assert_true(snaplen == 256 || snaplen == 2048);
	}
}

static unsigned joined(const struct capture_filter *filter, const struct bytes *b)
{
	static struct bpf_insn code[BPF_MAXINSNS];

	for (unsigned i = 0; i < filter->count; i++)
		code[i] = (struct bpf_insn){filter->code[i].code, filter->code[i].jt,
			filter->code[i].jf, filter->code[i].k};
	assert_true(bpf_validate(code, filter->count));
	return bpf_filter(code, b->at, b->len, b->len);
}

static void make_udp(struct bytes *b, unsigned dport)
{
	*b = (struct bytes){.len = 0};
	ethernet(b);
	put16(b, 0x0800);
	ipv4(b, 5, 17, 0);
	udp(b, 5000, dport);
}

static void test_user_expression(void **state)
{
	static const struct {
		const char *bpf;
		unsigned snaplen, on_53, on_9;
	} rows[] = {
		{NULL, 0, 2048, 256},
		{"", 0, 2048, 256},
		{"udp port 53", 0, 2048, 0},
		{"not port 53", 0, 0, 256},
		{"tcp", 0, 0, 0},
		{"port 53 or port 9 or tcp[13] & 2 != 0", 0, 2048, 256},
		{"udp", 100, 100, 100},
		{"udp port 9", 1000000, 0, 262144},
		{"greater 100", 0, 0, 0},
	};
	struct bytes dns, discard;

	(void)state;
	make_udp(&dns, 53);
	make_udp(&discard, 9);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct capture_filter f;
		struct err err = {0};

		assert_int_equal(capture_filter_init(&f, LINKTYPE_ETHERNET, rows[i].bpf,
					 rows[i].snaplen, &err),
			0);
		assert_null(f.tagged);
		assert_int_equal(joined(&f, &dns), rows[i].on_53);
		assert_int_equal(joined(&f, &discard), rows[i].on_9);
		capture_filter_done(&f);
	}
}

static void test_refused_expressions(void **state)
{
	static const char *const bad[] = {
		"tcp prt 80", "host", "port 99999", "vlan vlan 5 and", "((tcp)"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct capture_filter f;
		struct err err = {0};

		assert_true(capture_filter_init(
				    &f, LINKTYPE_ETHERNET, bad[i], 0, &err) < 0);
		assert_int_equal(err.exit_code, EXIT_USAGE);
		assert_non_null(strchr(err.text, '^'));
	}
}

/* A question about Ethernet has no answer on a tunnel: nothing matches there. */
static void test_other_link_type(void **state)
{
	struct capture_filter f;
	struct bytes b = {0};
	struct err err = {0};

	(void)state;
	ipv4(&b, 5, 17, 0);
	udp(&b, 1, 53);
	assert_int_equal(
		capture_filter_init(&f, LINKTYPE_RAW, "ether src 2:0:0:0:0:1", 0, &err),
		0);
	assert_int_equal(joined(&f, &b), 0);
	capture_filter_done(&f);
	assert_int_equal(
		capture_filter_init(&f, LINKTYPE_RAW, "udp port 53", 0, &err), 0);
	assert_int_equal(joined(&f, &b), 2048);
	capture_filter_done(&f);
}

static void test_tags(void **state)
{
	static const struct {
		const char *bpf;
		bool untagged, five, six;
	} rows[] = {
		{"vlan", false, true, true},
		{"vlan 5", false, true, false},
		{"not vlan", true, false, false},
		{"vlan 6 and udp port 53", false, false, true},
		{"vlan and tcp", false, false, false},
	};
	struct bytes b;

	(void)state;
	make_udp(&b, 53);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame frame = {.bytes = b.at, .caplen = b.len, .len = b.len};
		struct capture_filter f;
		struct err err = {0};

		assert_int_equal(capture_filter_init(
					 &f, LINKTYPE_ETHERNET, rows[i].bpf, 0, &err),
			0);
		assert_int_equal(joined(&f, &b), 2048); /* the kernel refuses nothing */
		assert_int_equal(capture_filter_wants(&f, &frame), rows[i].untagged);
		frame.vlan_tpid = 0x8100;
		frame.vlan_tci = 0x2005; /* priority bits do not count */
		assert_int_equal(capture_filter_wants(&f, &frame), rows[i].five);
		frame.vlan_tci = 6;
		assert_int_equal(capture_filter_wants(&f, &frame), rows[i].six);
		frame.caplen = 11; /* no room for addresses */
		assert_false(capture_filter_wants(&f, &frame));
		capture_filter_done(&f);
	}
}

/* The kernel's own checker accepts the program (any socket will do). */
static void test_kernel_accepts(void **state)
{
	static const uint16_t linktypes[] = {LINKTYPE_ETHERNET, LINKTYPE_RAW, 105};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(linktypes) / sizeof(linktypes[0]); i++) {
		struct capture_filter f;
		struct err err = {0};

		assert_int_equal(
			capture_filter_init(&f, linktypes[i], "ip or ip6", 0, &err), 0);
		assert_int_equal(capture_filter_attach(&f, fd), 0);
		capture_filter_done(&f);
	}
	assert_int_equal(capture_filter_attach_none(fd), 0);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp_ports),
		cmocka_unit_test(test_link_layers),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_icmp_and_fragments),
		cmocka_unit_test(test_tcp_payload),
		cmocka_unit_test(test_tls_server),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_user_expression),
		cmocka_unit_test(test_refused_expressions),
		cmocka_unit_test(test_other_link_type),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_kernel_accepts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
