/* Every link type: what stands before the IP header is passed over, whatever is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "frames.h"

struct link {
	const char *name;
	uint16_t linktype;
	bool v6;
	const char *header; /* hex of all before the IP header */
};

#define MACS    "020000000002 020000000001"
#define SNAP4   "aaaa03 000000 0800"
#define PRISM8  "0000000000000000"
#define PRISM24 PRISM8 PRISM8 PRISM8

static const struct link links[] = {
	{"ethernet", 1, false, MACS "0800"},
	{"ethernet", 1, true, MACS "86dd"},
	{"null little", 0, false, "02000000"},
	{"null big", 0, false, "00000002"},
	{"null linux", 0, true, "0a000000"},
	{"null netbsd", 0, true, "18000000"},
	{"null freebsd", 0, true, "1c000000"},
	{"null macos", 0, true, "1e000000"},
	{"null macos big", 0, true, "0000001e"},
	{"loop", 108, false, "00000002"},
	{"loop openbsd", 108, true, "00000018"},
	{"enc", 109, false, "02000000 00000001 00000000"},
	{"ipnet", 226, true, "01 1a 0000 00000000 0000000000000000 0000000000000000"},
	{"raw 12", 12, false, ""},
	{"raw 14", 14, true, ""},
	{"raw", 101, false, ""},
	{"raw", 101, true, ""},
	{"ipv4", 228, false, ""},
	{"ipv6", 229, true, ""},
	{"sll", 113, false, "0000 0001 0006 0200000000010000 0800"},
	{"sll", 113, true, "0004 0304 0006 0000000000000000 86dd"},
	{"sll llc", 113, false, "0000 0001 0006 0200000000010000 0004" SNAP4},
	{"sll2", 276, false, "0800 0000 00000002 0001 00 06 0200000000010000"},
	{"sll2", 276, true, "86dd 0000 00000002 0304 00 06 0000000000000000"},
	{"ppp", 9, false, "ff03 0021"},
	{"ppp compressed", 9, false, "21"},
	{"ppp ipv6", 9, true, "ff03 0057"},
	{"ppp serial", 50, false, "ff03 0021"},
	{"ppp cisco", 50, false, "0f00 0800"},
	{"pppoe", 51, false, "1100 0001 002f 0021"},
	{"ppp bsdos", 103, false, PRISM24 "ff03 0021"},
	{"pppd", 166, false, "0103 0021"},
	{"ppp with direction", 204, true, "00 ff03 0057"},
	{"chdlc", 104, false, "0f00 0800"},
	{"chdlc", 104, true, "8f00 86dd"},
	{"chdlc with direction", 205, false, "01 0f00 0800"},
	{"frame relay nlpid", 107, false, "1841 03 cc"},
	{"frame relay nlpid", 107, true, "1841 03 8e"},
	{"frame relay snap", 107, false, "1841 03 00 80 000000 0800"},
	{"frame relay bridged", 107, false, "1841 03 00 80 0080c2 0007" MACS "0800"},
	{"frame relay cisco", 107, false, "1841 0800"},
	{"frame relay 4 byte address", 107, false, "18404041 03 cc"},
	{"frame relay with direction", 206, false, "00 1841 03 cc"},
	{"slip", 8, false, "00 00000000000000 0000000000000000"},
	{"slip bsdos", 102, false, PRISM24},
	{"fddi", 10, false, "50" MACS SNAP4},
	{"token ring", 6, false, "1040" MACS SNAP4},
	{"token ring routed", 6, false,
		"1040 020000000002 820000000001 0630 00100020" SNAP4},
	{"fibre channel", 122, false, "0000020000000002 0000020000000001" SNAP4},
	{"802.3 snap", 1, false, MACS "0035" SNAP4},
	{"802.3 ip", 1, false, MACS "0030 060603"},
	{"atm rfc1483", 100, false, SNAP4},
	{"atm bridged", 100, false, "aaaa03 0080c2 0007 0000" MACS "0800"},
	{"atm clip", 106, false, SNAP4},
	{"atm clip bare", 106, false, ""},
	{"sunatm llc", 123, false, "02 00 0064" SNAP4},
	{"sunatm lane", 123, false, "01 00 0064 0001" MACS "0800"},
	{"ipoib", 242, false, PRISM24 PRISM8 PRISM8 "0800 0000"},
	{"nflog", 239, false,
		"02 00 0000 0800 0a00 00000001 0500 0400 41000000 3100 0900"},
	{"nflog", 239, true, "0a 00 0000 4500 0900"},
	{"nflog big", 239, false, "02 00 0000 0008 000a 00000001 0031 0009"},
	{"ppi ethernet", 192, false, "00 00 0800 01000000" MACS "0800"},
	{"ppi raw", 192, true, "00 00 0c00 0c000000 00000000"},
	{"pktap", 258, false, "0c000000 01000000 01000000" MACS "0800"},
	{"dsa", 284, false, MACS "00080000 0800"},
	{"edsa", 285, true, MACS "dada0000 00080000 86dd"},
	{"brcm", 281, false, MACS "00000001 0800"},
	{"brcm prepended", 282, false, "00000001" MACS "0800"},
	{"arcnet", 129, false, "01 02 0000 d4 00 0001"},
	{"arcnet rfc1051", 129, false, "01 02 0000 f0"},
	{"arcnet exception", 129, false, "01 02 0000 d4 ff ffff d4 00 0001"},
	{"arcnet ipv6", 129, true, "01 02 0000 c4 00 0001"},
	{"juniper ether", 178, false, "4d4743 00" MACS "0800"},
	{"juniper ether ext", 178, false, "4d4743 80 0002 0000" MACS "0800"},
	{"juniper no link", 178, true, "4d4743 02 1c000000"},
	{"juniper ppp", 179, false, "4d4743 01 ff03 0021"},
	{"juniper frelay", 180, false, "4d4743 01 1841 03 cc"},
	{"juniper chdlc", 181, false, "4d4743 01 0f00 0800"},
	{"juniper atm1", 137, false, "4d4743 00 00000000" SNAP4},
	{"juniper atm2", 135, false, "4d4743 00 0000000000000000" SNAP4},
	{"wifi from ds", 105, false,
		"0802 0000 020000000002 020000000003 020000000001 0000" SNAP4},
	{"wifi qos", 105, false,
		"8801 0000 020000000003 020000000001 020000000002 0000 0000" SNAP4},
	{"wifi qos htc", 105, false,
		"8881 0000 020000000003 020000000001 020000000002 0000 0000 "
		"00000000" SNAP4},
	{"wifi wds", 105, false,
		"0803 0000 020000000003 020000000004 020000000002 0000 "
		"020000000001" SNAP4},
	{"wifi amsdu", 105, false,
		"8802 0000 020000000002 020000000003 020000000001 0000 8000" MACS
		"0035" SNAP4},
	{"radiotap", 127, false,
		"00 00 0800 00000000 0802 0000 020000000002 020000000003 020000000001 "
		"0000" SNAP4},
	{"radiotap padded", 127, false,
		"00 00 1100 03000000 0000000000000000 20 8802 0000 020000000002 "
		"020000000003 020000000001 0000 0000 0000" SNAP4},
	{"radiotap extended", 127, false,
		"00 00 1900 030000a0 00000000 00000000 0000000000000000 20 8802 0000 "
		"020000000002 020000000003 020000000001 0000 0000 0000" SNAP4},
	{"prism", 119, false,
		PRISM24 PRISM24 PRISM24 PRISM24 PRISM24 PRISM24
		"0802 0000 020000000002 020000000003 020000000001 0000" SNAP4},
	{"avs", 163, false,
		"80211001 0000000c 00000000 0802 0000 020000000002 020000000003 "
		"020000000001 0000" SNAP4},
	{"prism with avs", 119, false,
		"80211001 0000000c 00000000 0802 0000 020000000002 020000000003 "
		"020000000001 0000" SNAP4},
	{"pflog freebsd", 117, false,
		"3d 02 00 00 656e3000000000000000000000000000" PRISM24 PRISM8 PRISM8
		"00000000"},
	{"pflog openbsd", 117, true,
		"45 18 00 00 656e3000000000000000000000000000" PRISM24 PRISM24
		"00000000"},
	{"pppoe session", 1, false, MACS "8864 1100 0001 002f 0021"},
	{"pppoe session ipv6", 1, true, MACS "8864 1100 0001 0043 0057"},
	{"mpls", 1, false, MACS "8847 00010040 00011140"},
	{"mpls ipv6", 1, true, MACS "8847 00011140"},
	{"mpls control word", 1, false, MACS "8847 00011140 00000000" MACS "0800"},
	{"mpls ethernet", 1, false,
		MACS "8848 00011140 020000000002 020000000001 0800"},
	{"vn-tag", 1, false, MACS "8926 80000001 0800"},
	{"e-tag", 1, false, MACS "893f 000000000000 0800"},
	{"i-tag", 1, false, MACS "88e7 00000001" MACS "0800"},
	{"metadata", 1, false, MACS "8909 010100010002 0800"},
};

static struct build build_link(const struct link *link)
{
	struct build b = frame_begin(link->linktype);

	add_hex(&b, link->header);
	add_flow(&b, link->v6);
	frame_end(&b);
	return b;
}

/* 802.3 and aggregate lengths stand in the table for this size. */
static void test_every_link(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct build b = build_link(&links[i]);
		struct frame f = frame_of(&b);
		struct packet p = decode_frame(&f);

		if (p.outcome != OUTCOME_PARSED || p.kind != PACKET_TCP)
			print_error(
				"%s: %s\n", links[i].name, malformed_name(p.malformed));
		assert_flow(&p, links[i].v6);
		assert_int_equal(p.linktype, links[i].linktype);
		assert_int_equal(p.wire_bytes, b.len);
		assert_false(p.cut);
	}
}

/* Cut by the snaplen, and as short on the wire. */
static void cut_at(
	struct decoder *d, struct decoder *twin, const struct build *b, uint32_t len)
{
	struct frame f = frame_of(b);
	struct packet p;

	f.caplen = len;
	p = decode_both(d, twin, &f);
	assert_true(p.cut);
	if (len + PAYLOAD >= b->len) { /* all headers are there */
		assert_int_equal(p.kind, PACKET_TCP);
		assert_int_equal(p.payload_len, PAYLOAD);
	}
	f.len = len;
	p = decode_both(d, twin, &f);
	assert_false(p.cut);
	assert_int_not_equal(p.malformed, MALFORMED_cut);
}

static void test_every_cut(void **state)
{
	struct decoder *d = test_decoder(), *twin = test_decoder();
	uint32_t len;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct build b = build_link(&links[i]);

		for (len = 0; len < b.len; len++)
			cut_at(d, twin, &b, len);
	}
	decoder_free(d);
	decoder_free(twin);
}

static void test_no_flow(void **state)
{
	static const struct link others[] = {
		{"lldp", 1, false, MACS "88cc 0207"},
		{"stp", 1, false, MACS "0026 424203"},
		{"novell", 1, false, MACS "0030 ffff"},
		{"between length and type", 1, false, MACS "05f0"},
		{"pppoe discovery", 1, false, MACS "8863 1109 0000 0000"},
		{"lcp", 9, false, "ff03 c021"},
		{"wifi beacon", 105, false, "8000 0000"},
		{"wifi encrypted", 105, false, "0842 0000"},
		{"wifi null", 105, false, "4802 0000"},
		{"sll netlink", 113, false, "0000 0338 0006 0000000000000000 0000"},
		{"mpls channel", 1, false, MACS "8847 00011140 10000000"},
		{"slip compressed", 8, false, PRISM8 PRISM8 "80"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct build b = build_link(&others[i]);
		struct packet p = decode_built(&b);

		assert_int_equal(p.outcome, OUTCOME_PARSED);
		assert_int_equal(p.kind, PACKET_OTHER_LINK);
	}
}

static void test_unsupported_and_filtered(void **state)
{
	struct build b = frame_begin(250);
	struct packet p;
	struct frame f;

	(void)state;
	add_flow(&b, false);
	p = decode_built(&b);
	assert_int_equal(p.outcome, OUTCOME_UNSUPPORTED);
	assert_int_equal(p.linktype, 250);
	b.linktype = 40000;
	p = decode_built(&b);
	assert_int_equal(p.outcome, OUTCOME_UNSUPPORTED);
	b.linktype = 101;
	f = frame_of(&b);
	f.filtered = 1;
	p = decode_frame(&f);
	assert_int_equal(p.outcome, OUTCOME_FILTERED);
	assert_int_equal(p.wire_bytes, b.len);
}

static void test_addresses(void **state)
{
	static const uint8_t src[6] = {2, 0, 0, 0, 0, 1}, dst[6] = {2, 0, 0, 0, 0, 2};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct build b = build_link(&links[i]);
		struct packet p = decode_built(&b);

		if (strncmp(links[i].name, "wifi", 4) == 0)
			assert_true(p.has_mac);
		if (!p.has_mac)
			continue;
		assert_memory_equal(p.mac_src, src, 6);
		assert_memory_equal(p.mac_dst, dst, 6);
	}
}

static void test_vlans(void **state)
{
	struct build b = frame_begin(1);
	struct packet p;
	struct frame f;

	(void)state;
	add_hex(&b, MACS "88a8 e064 8100 0065 8100 0066 86dd");
	add_flow(&b, true);
	p = decode_built(&b);
	assert_flow(&p, true);
	assert_int_equal(p.vlans, 3);
	assert_int_equal(p.vlan[0], 100);
	assert_int_equal(p.vlan[1], 101);
	assert_int_equal(p.vlan[2], 102);
	f = frame_of(&b); /* one more, that the kernel took out */
	f.vlan_tpid = 0x88a8;
	f.vlan_tci = 0x2007;
	p = decode_frame(&f);
	assert_malformed(&p, MALFORMED_too_many_tags);

	b = frame_begin(1);
	add_hex(&b, MACS "8100 0065 0800");
	add_flow(&b, false);
	frame_end(&b);
	f = frame_of(&b);
	f.vlan_tpid = 0x88a8;
	f.vlan_tci = 0x2007;
	p = decode_frame(&f);
	assert_flow(&p, false);
	assert_int_equal(p.vlans, 2);
	assert_int_equal(p.vlan[0], 7);
	assert_int_equal(p.vlan[1], 101);
	assert_int_equal(p.wire_bytes, f.len + 4);

	b = frame_begin(284); /* a switch tag that stands for a VLAN tag */
	add_hex(&b, MACS "20080064 0800");
	add_flow(&b, false);
	p = decode_built(&b);
	assert_flow(&p, false);
	assert_int_equal(p.vlans, 1);
	assert_int_equal(p.vlan[0], 100);
}

static void test_padding(void **state)
{
	struct build b = frame_begin(1);
	struct packet p;

	(void)state;
	add_ethernet(&b, 0x0800);
	add_ip4(&b, 6, false);
	add_hex(&b, "04d2 0050 000003e8 000007d0 5010 0200 0000 0000");
	frame_end(&b);
	add_zeros(&b, 6); /* Ethernet's minimum of 60 */
	p = decode_built(&b);
	assert_int_equal(p.ip_bytes, 40);
	assert_int_equal(p.payload_len, 0);
	assert_null(p.payload);
	assert_int_equal(p.wire_bytes, 60);

	/* PPPoE's length bounds what IP claims */
	b = frame_begin(1);
	add_ethernet(&b, 0x8864);
	add_hex(&b, "1100 0001 002c 0021"); /* 2 + 42 */
	add_flow(&b, false);
	frame_end(&b);
	add_zeros(&b, 10);
	p = decode_built(&b);
	assert_int_equal(p.outcome, OUTCOME_PARSED);
	assert_int_equal(p.ip_bytes, 42);
	assert_int_equal(p.payload_len, 2);

	/* and 802.3's, below what the frame has */
	b = frame_begin(1);
	add_hex(&b, MACS "0032" SNAP4); /* 8 + 42 */
	add_flow(&b, false);
	p = decode_built(&b);
	assert_int_equal(p.ip_bytes, 42);
	assert_int_equal(p.payload_len, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_link),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_no_flow),
		cmocka_unit_test(test_unsupported_and_filtered),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_vlans),
		cmocka_unit_test(test_padding),
	};

	return cmocka_run_group_tests_name("decode links", tests, NULL, NULL);
}
