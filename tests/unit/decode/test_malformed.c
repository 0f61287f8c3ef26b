/* Each way of being broken, by its name; and broken bytes, decoded the same both ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "frames.h"

#define MACS "020000000002 020000000001"
#define V4   "4500 0028 0000 0000 4006 0000 0a000001 0a000002"
#define V4U  "4500 0020 0000 0000 4011 0000 0a000001 0a000002"
#define TCP  "04d2 0050 00000000 00000000 5010 0200 0000 0000"
#define EXT8 \
	"0000000000000000 0000000000000000 0000000000000000 0000000000000000 " \
	"0000000000000000 0000000000000000 0000000000000000 0000000000000000 "
#define LABELS \
	"00001040 00001040 00001040 00001040 00001040 00001040 00001040 00001040 "

static const struct {
	uint8_t why;
	uint16_t linktype;
	const char *bytes;
} cases[] = {
	{MALFORMED_ethernet_short, 1, "0200"},
	{MALFORMED_ethernet_short, 1, ""},
	{MALFORMED_ethernet_short, 113, "0000 0001"},
	{MALFORMED_vlan_short, 1, MACS "8100 00"},
	{MALFORMED_too_many_tags, 1,
		MACS "8100 0001 8100 0001 8100 0001 8100 0001 0800" V4 TCP},
	{MALFORMED_too_many_tags, 1, MACS "8847" LABELS LABELS "00001140" V4 TCP},
	{MALFORMED_mpls_short, 1, MACS "8847 0000"},
	{MALFORMED_mpls_short, 1, MACS "8847 00001040"},
	{MALFORMED_pppoe_header, 1, MACS "8864 1200 0001 0002 0021"},
	{MALFORMED_pppoe_header, 1, MACS "8864 1100 0001 0003 0021"},
	{MALFORMED_pppoe_header, 1, MACS "8864 1100"},
	{MALFORMED_link_header, 127, "01 00 0800 00000000"},
	{MALFORMED_link_header, 127, "00 00 0900 00000000"},
	{MALFORMED_link_header, 192, "00 00 0400 01000000"},
	{MALFORMED_link_header, 117, "10 02 00 00"},
	{MALFORMED_link_header, 178, "4d4744 00"},
	{MALFORMED_link_header, 239, "02 00 0000 0300 0900"},
	{MALFORMED_link_header, 107, "1941 03 cc"},
	{MALFORMED_link_header, 258, "04000000 01000000 01000000"},
	{MALFORMED_ip_version, 1, MACS "0800 65" V4},
	{MALFORMED_ip_version, 1, MACS "86dd" V4 V4},
	{MALFORMED_ip_version, 101, "25" V4},
	{MALFORMED_ip_header_length, 101,
		"4400 0028 0000 0000 4006 0000 0a000001 0a000002"},
	{MALFORMED_ip_header_length, 101,
		"4f00 0040 0000 0000 4006 0000 0a000001 0a000002"},
	{MALFORMED_ip_total_length, 101,
		"4500 0013 0000 0000 4006 0000 0a000001 0a000002"},
	{MALFORMED_ip_short, 101, "4500"},
	{MALFORMED_ip_short, 229, "6000"},
	{MALFORMED_ip6_extension, 229, "60000000 0004 0040" EXT8 "06000000"},
	{MALFORMED_ip6_extension, 229, "60000000 0008 2c40 2001 0000" EXT8},
	{MALFORMED_ip6_extensions, 229,
		"60000000 00a0 0040 0000000000000001 0000000000000000 0000000000000002 "
		"0000000000000000" EXT8 EXT8 EXT8},
	{MALFORMED_fragment, 101, "4500 0014 0000 2000 4006 0000 0a000001 0a000002"},
	{MALFORMED_fragment, 101,
		"4500 0024 0000 1fff 4006 0000 0a000001 0a000002" EXT8},
	{MALFORMED_tunnel_header, 101,
		"4500 0016 0000 0000 402f 0000 0a000001 0a000002 0000"},
	{MALFORMED_tunnel_header, 101,
		"4500 0018 0000 0000 402f 0000 0a000001 0a000002 2000 0800"},
	{MALFORMED_tunnel_header, 101,
		"4500 0020 0000 0000 402f 0000 0a000001 0a000002 3001 880b 0fff 0000 "
		"00000000"},
	{MALFORMED_tcp_short, 101,
		"4500 0026 0000 0000 4006 0000 0a000001 0a000002" TCP},
	{MALFORMED_tcp_header_length, 101,
		V4 "04d2 0050 00000000 00000000 4010 0200 0000 0000"},
	{MALFORMED_tcp_header_length, 101,
		V4 "04d2 0050 00000000 00000000 6010 0200 0000 0000"},
	{MALFORMED_udp_short, 101,
		"4500 001b 0000 0000 4011 0000 0a000001 0a000002 04d2 0050 0007 00"},
	{MALFORMED_udp_length, 101, V4U "04d2 0050 0007 0000 00000000"},
	{MALFORMED_udp_length, 101, V4U "04d2 0050 000d 0000 00000000"},
	{MALFORMED_icmp_short, 101,
		"4500 001b 0000 0000 4001 0000 0a000001 0a000002 08000000 000000"},
	{MALFORMED_arp, 1, MACS "0806 0001 0800"},
	{MALFORMED_arp, 1, MACS "0806 0001 0800 0704 0001" EXT8},
	{MALFORMED_arp, 1, MACS "0806 0001 0800 0605 0001" EXT8},
	{MALFORMED_arp, 1, MACS "0806 0001 0800 0604 0001 0000"},
	{MALFORMED_tunnel_depth, 101,
		"4500 0000 0000 0000 4004 0000 0a000001 0a000002 4500 0000 0000 0000 "
		"4004 0000 0a000001 0a000002 4500 0000 0000 0000 4004 0000 0a000001 "
		"0a000002 4500 0000 0000 0000 4004 0000 0a000001 0a000002 4500 0000 "
		"0000 0000 4004 0000 0a000001 0a000002" V4 TCP},
};

static void test_each_name(void **state)
{
	bool seen[MALFORMED_COUNT] = {[MALFORMED_NONE] = true, [MALFORMED_cut] = true};
	unsigned why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct build b = frame_begin(cases[i].linktype);
		struct packet p;

		add_hex(&b, cases[i].bytes);
		p = decode_built(&b);
		if (p.malformed != cases[i].why)
			print_error("case %zu\n", i);
		assert_malformed(&p, cases[i].why);
		seen[cases[i].why] = true;
	}
	for (why = 0; why < MALFORMED_COUNT; why++)
		if (!seen[why])
			fail_msg("no case for %s", malformed_name(why));
}

/* The wire had the header, the capture does not. */
static void test_cut(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct build b = frame_begin(cases[i].linktype);
		struct packet p;
		struct frame f;

		if (cases[i].why != MALFORMED_ethernet_short &&
			cases[i].why != MALFORMED_vlan_short &&
			cases[i].why != MALFORMED_mpls_short &&
			cases[i].why != MALFORMED_ip_short)
			continue;
		add_hex(&b, cases[i].bytes);
		f = frame_of(&b);
		f.len = 100;
		p = decode_frame(&f);
		assert_malformed(&p, MALFORMED_cut);
		assert_true(p.cut);
	}
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* The fast path and the chain agree on plain frames with a few bytes changed. */
static void test_same_both_ways(void **state)
{
	static const char *const frames[] = {
		MACS "0800" V4 TCP,
		MACS
		"8100 0005 0800 4500 0034 0000 0000 4006 0000 0a000001 0a000002 04d2 "
		"0050 00000000 00000000 8010 0200 0000 0000 0101080a 00000001 00000002",
		MACS "0800" V4U "04d2 0050 000c 0000 00000000",
		MACS "86dd 60000000 0014 0640 20010db8000000000000000000000001 "
		     "20010db8000000000000000000000002" TCP,
		MACS "86dd 60000000 000c 1140 20010db8000000000000000000000002 "
		     "20010db8000000000000000000000001 04d2 12b5 000c 0000 00000000",
	};
	struct decoder *d = test_decoder(), *twin = test_decoder();
	uint64_t seed = 1;
	unsigned round, i;

	(void)state;
	for (round = 0; round < 200000; round++) {
		struct build b = frame_begin(1);
		struct frame f;

		add_hex(&b, frames[round % 5]);
		for (i = next_random(&seed) % 4; i > 0; i--)
			b.b[12 + next_random(&seed) % (b.len - 12)] = (uint8_t)
				next_random(&seed);
		f = frame_of(&b);
		f.caplen -= next_random(&seed) % 8 ? 0 : next_random(&seed) % b.len;
		f.gso_bytes = next_random(&seed) % 8 ? 0 : 2;
		f.vlan_tpid = next_random(&seed) % 8 ? 0 : 0x8100;
		f.vlan_tci = 0xffff;
		(void)decode_both(d, twin, &f);
	}
	decoder_free(d);
	decoder_free(twin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_name),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_same_both_ways),
	};

	return cmocka_run_group_tests_name("decode malformed", tests, NULL, NULL);
}
