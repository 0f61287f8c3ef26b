/* Tunnels: the inner flow is the connection; what is no tunnel stays the outer flow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/proto.h"
#include "frames.h"

#define MACS "020000000012 020000000011"

struct tunnel_case {
	const char *name;
	const char *header;   /* behind the outer IP (proto), or UDP (port) header */
	unsigned proto, port; /* port 0: not in UDP */
	uint32_t id;
	uint8_t kind;
	bool has_id, inner6;
};

static const struct tunnel_case cases[] = {
	{"gre", "0000 0800", PROTO_GRE, 0, 0, TUNNEL_GRE, false, false},
	{"gre ipv6", "0000 86dd", PROTO_GRE, 0, 0, TUNNEL_GRE, false, true},
	{"gre all fields", "b000 0800 00000000 0000002a 00000001", PROTO_GRE, 0, 42,
		TUNNEL_GRE, true, false},
	{"gre routing", "4000 0800 00000000 0800 00 04 0a000001 00000000", PROTO_GRE, 0,
		0, TUNNEL_GRE, false, false},
	{"gre bridged", "2000 6558 00000007" MACS "86dd", PROTO_GRE, 0, 7, TUNNEL_GRE,
		true, true},
	{"gre mpls", "0000 8847 00011140", PROTO_GRE, 0, 0, TUNNEL_GRE, false, false},
	{"gre wccp", "0000 883e 00000000", PROTO_GRE, 0, 0, TUNNEL_GRE, false, false},
	{"gre aruba",
		"0000 8200 0802 0000 020000000002 020000000003 020000000001 0000 "
		"aaaa03 000000 0800",
		PROTO_GRE, 0, 0, TUNNEL_GRE, false, false},
	{"pptp", "3001 880b 0031 0009 00000001 ff03 0021", PROTO_GRE, 0, 9, TUNNEL_GRE,
		true, false},
	{"pptp with ack", "3081 880b 0031 0009 00000001 00000001 ff03 0021", PROTO_GRE,
		0, 9, TUNNEL_GRE, true, false},
	{"erspan I", "0000 88be" MACS "0800", PROTO_GRE, 0, 0, TUNNEL_ERSPAN, false,
		false},
	{"erspan II", "1000 88be 00000001 10010064 00000000" MACS "0800", PROTO_GRE, 0,
		100, TUNNEL_ERSPAN, true, false},
	{"erspan III", "1000 22eb 00000001 20010065 00000000 00000000" MACS "86dd",
		PROTO_GRE, 0, 101, TUNNEL_ERSPAN, true, true},
	{"erspan III platform",
		"1000 22eb 00000001 20010065 00000000 00000001 0000000000000000" MACS
		"0800",
		PROTO_GRE, 0, 101, TUNNEL_ERSPAN, true, false},
	{"gre in udp", "0000 0800", PROTO_UDP, 4754, 0, TUNNEL_GRE, false, false},
	{"vxlan", "08000000 00002a00" MACS "0800", PROTO_UDP, 4789, 42, TUNNEL_VXLAN,
		true, false},
	{"vxlan linux", "08000000 00002a00" MACS "86dd", PROTO_UDP, 8472, 42,
		TUNNEL_VXLAN, true, true},
	{"vxlan policy", "88000010 00002a00" MACS "0800", PROTO_UDP, 4789, 42,
		TUNNEL_VXLAN, true, false},
	{"vxlan gpe", "0c000001 00002a00", PROTO_UDP, 4790, 42, TUNNEL_VXLAN, true,
		false},
	{"vxlan tagged", "08000000 00002a00" MACS "8100 0005 0800", PROTO_UDP, 4789, 42,
		TUNNEL_VXLAN, true, false},
	{"geneve", "0000 6558 00002a00" MACS "0800", PROTO_UDP, 6081, 42, TUNNEL_GENEVE,
		true, false},
	{"geneve options", "0200 0800 00002a00 0000000000000000", PROTO_UDP, 6081, 42,
		TUNNEL_GENEVE, true, false},
	{"geneve ipv6", "0000 86dd 00002a00", PROTO_UDP, 6081, 42, TUNNEL_GENEVE, true,
		true},
	{"gtp", "30ff 002d 0000002a", PROTO_UDP, 2152, 42, TUNNEL_GTPU, true, false},
	{"gtp sequence", "32ff 0031 0000002a 0001 00 00", PROTO_UDP, 2152, 42,
		TUNNEL_GTPU, true, false},
	{"gtp extension", "34ff 0035 0000002a 0000 00 85 01 0001 00", PROTO_UDP, 2152,
		42, TUNNEL_GTPU, true, false},
	{"gtp ipv6", "30ff 0041 0000002a", PROTO_UDP, 2152, 42, TUNNEL_GTPU, true,
		true},
	{"teredo", "", PROTO_UDP, 3544, 0, TUNNEL_TEREDO, false, true},
	{"teredo indicators", "0001 0000 0000000000000000 00 0000 fb2e 3fffffff",
		PROTO_UDP, 3544, 0, TUNNEL_TEREDO, false, true},
	{"ayiya",
		"44 52 11 29 00000000 00000000000000000000000000000000 "
		"0000000000000000000000000000000000000000",
		PROTO_UDP, 5072, 0, TUNNEL_AYIYA, false, true},
};

static struct build build_case(const struct tunnel_case *t, bool outer6)
{
	struct build b = frame_begin(1);

	add_ethernet(&b, outer6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
	add_ip(&b, outer6, t->proto, true);
	if (t->port)
		add_udp_header(&b, 50000, t->port);
	add_hex(&b, t->header);
	add_flow(&b, t->inner6);
	frame_end(&b);
	return b;
}

static void assert_tunnel(const struct packet *p, const struct tunnel_case *t)
{
	if (p->tunnels != 1)
		print_error("%s: %s\n", t->name, malformed_name(p->malformed));
	assert_int_equal(p->tunnels, 1);
	assert_int_equal(p->tunnel[0].kind, t->kind);
	assert_int_equal(p->tunnel[0].has_id, t->has_id);
	if (t->has_id)
		assert_int_equal(p->tunnel[0].id, t->id);
	assert_flow(p, t->inner6);
}

static void test_every_tunnel(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct build b = build_case(&cases[i / 2], i % 2);
		struct packet p = decode_built(&b);

		assert_tunnel(&p, &cases[i / 2]);
		assert_int_equal(p.mac_src[5], 1); /* the outer frame's */
		assert_int_equal(p.wire_bytes, b.len);
	}
}

/* Cut anywhere, or shorter on the wire: never a wrong flow. */
static void test_every_cut(void **state)
{
	struct decoder *d = test_decoder(), *twin = test_decoder();
	uint32_t len;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct build b = build_case(&cases[i], false);
		struct frame f = frame_of(&b);

		for (len = 0; len < b.len; len++) {
			f.caplen = len;
			f.len = b.len;
			(void)decode_both(d, twin, &f);
			f.len = len;
			(void)decode_both(d, twin, &f);
		}
	}
	decoder_free(d);
	decoder_free(twin);
}

static void test_ip_in_ip(void **state)
{
	static const uint8_t kinds[2][2] = {
		{TUNNEL_IPIP, TUNNEL_6IN4}, {TUNNEL_4IN6, TUNNEL_IP6IP6}};
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		bool outer6 = i / 2, inner6 = i % 2;
		struct build b = frame_begin(101);
		struct packet p;

		add_ip(&b, outer6, inner6 ? PROTO_IPV6 : PROTO_IPIP, true);
		add_flow(&b, inner6);
		p = decode_built(&b);
		assert_flow(&p, inner6);
		assert_int_equal(p.tunnels, 1);
		assert_int_equal(p.tunnel[0].kind, kinds[outer6][inner6]);
		assert_false(p.tunnel[0].has_id);
	}
}

static struct packet nested(unsigned depth)
{
	struct build b = frame_begin(101);
	unsigned i;

	for (i = 0; i < depth; i++)
		add_ip4(&b, PROTO_IPIP, true);
	add_flow(&b, false);
	return decode_built(&b);
}

static void test_depth(void **state)
{
	struct packet p = nested(4);

	(void)state;
	assert_flow(&p, false);
	assert_int_equal(p.tunnels, 4);
	p = nested(5);
	assert_malformed(&p, MALFORMED_tunnel_depth);
}

/* Datagrams on a tunnel's port that hold none. */
static void test_no_tunnel(void **state)
{
	static const struct {
		unsigned port;
		const char *content;
	} others[] = {
		{4789, "00000000 00002a00" MACS "0800"},
		{4789, "08000001 00002a00" MACS "0800"},
		{4789, "0800"},
		{4789, "08000000 00002a00 0000"},
		{4789, "08000000 00002a00" MACS "0800 ffff"},
		{6081, "4000 6558 00002a00" MACS "0800"},
		{6081, "3f00 6558 00002a00" MACS "0800"},
		{6081, "0000 1234 00002a00"},
		{2152, "3201 0004 00000000 00000000"},
		{2152, "30ff ffff 00000000 45"},
		{2152, "34ff 0008 00000000 0000 00 85 00 000000"},
		{3544, "00"},
		{3544, "6000"},
		{5072, "44521129 00000000"},
		{4754, "ffff 0800 0000"},
		{4754, "00"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct build b = frame_begin(101);
		struct packet p;

		add_ip4(&b, PROTO_UDP, true);
		add_udp_header(&b, 50000, others[i].port);
		add_hex(&b, others[i].content);
		p = decode_built(&b);
		assert_int_equal(p.outcome, OUTCOME_PARSED);
		assert_int_equal(p.kind, PACKET_UDP);
		assert_int_equal(p.tunnels, 0);
		assert_int_equal(p.key.addr[0].b[12], 192);
		assert_int_equal(p.key.port[1], others[i].port);
		assert_int_equal(p.payload_len, b.len - 28);
	}
}

/* What carries no flow inside stays a packet of the outer flow. */
static void test_no_inner_flow(void **state)
{
	struct build b = frame_begin(101);
	struct packet p;

	(void)state;
	add_ip4(&b, PROTO_UDP, true);
	add_udp_header(&b, 50000, 4789);
	add_hex(&b, "08000000 00002a00" MACS "8100 0005 0806 0001 0800 0604 0001");
	p = decode_built(&b);
	assert_int_equal(p.kind, PACKET_UDP);
	assert_int_equal(p.tunnels, 0);
	assert_int_equal(p.vlans, 0);
	assert_int_equal(p.payload_len, b.len - 28);

	b = frame_begin(101);
	add_ip4(&b, PROTO_GRE, true);
	add_hex(&b, "3001 880b 0008 0009 00000001 ff03 c021 01010004");
	p = decode_built(&b);
	assert_int_equal(p.kind, PACKET_OTHER_IP);
	assert_int_equal(p.key.proto, PROTO_GRE);
	assert_int_equal(p.tunnels, 0);
}

/* A tunnel's length bounds the inner IP length. */
static void test_bound(void **state)
{
	struct build b = build_case(&cases[0], false);
	struct packet p;

	(void)state;
	b.b[17] -= 3; /* the outer total length */
	p = decode_built(&b);
	assert_int_equal(p.kind, PACKET_TCP);
	assert_int_equal(p.ip_bytes, 42);
	assert_int_equal(p.payload_len, 2);
	assert_int_equal(p.payload_captured, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_tunnel),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_ip_in_ip),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_no_tunnel),
		cmocka_unit_test(test_no_inner_flow),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests_name("decode tunnels", tests, NULL, NULL);
}
