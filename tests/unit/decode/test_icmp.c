/* ICMP of both families: identifiers, and errors that belong to the flow they quote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/proto.h"
#include "frames.h"

static unsigned icmp_proto(bool v6)
{
	return v6 ? PROTO_ICMPV6 : PROTO_ICMP;
}

/* From the outer addresses; `header` is type, code, checksum and the next 4 bytes. */
static struct build message(bool v6, const char *header)
{
	struct build b = frame_begin(1);

	add_ethernet(&b, v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
	add_ip(&b, v6, icmp_proto(v6), true);
	add_hex(&b, header);
	return b;
}

static void test_echo(void **state)
{
	static const char *const requests[2] = {
		"0800 0000 002a 0007", "8000 0000 002a 0007"};
	static const char *const replies[2] = {
		"0000 0000 002a 0007", "8100 0000 002a 0007"};
	unsigned v6;

	(void)state;
	for (v6 = 0; v6 < 2; v6++) {
		struct build b = message(v6, requests[v6]);
		struct packet p, q;

		add_zeros(&b, 56);
		p = decode_built(&b);
		assert_int_equal(p.kind, PACKET_ICMP);
		assert_int_equal(p.key.proto, icmp_proto(v6));
		assert_true(p.has_icmp_id);
		assert_int_equal(p.icmp_id, 42);
		assert_int_equal(p.icmp_seq, 7);
		assert_int_equal(p.key.port[0], 42);
		assert_int_equal(p.key.port[1], 42);
		assert_int_equal(p.payload_len, 56);
		assert_int_equal(p.dir, 0);
		b = message(v6, replies[v6]);
		b.b[v6 ? 37 : 29] = 2; /* from 2 to 1 */
		b.b[v6 ? 53 : 33] = 1;
		add_zeros(&b, 56);
		q = decode_built(&b);
		assert_memory_equal(&p.key, &q.key, sizeof(p.key));
		assert_int_equal(q.dir, 1);
		assert_int_equal(q.icmp_type, v6 ? 129 : 0);
	}
}

static void test_without_id(void **state)
{
	struct build b = message(
		true, "8700 0000 0000 0000"); /* neighbour solicitation */
	struct packet p;

	(void)state;
	add_zeros(&b, 16);
	p = decode_built(&b);
	assert_int_equal(p.kind, PACKET_ICMP);
	assert_false(p.has_icmp_id);
	assert_int_equal(p.key.port[0], 0);
	assert_int_equal(p.payload_len, 16);
	b = message(false, "0900 0000 0000 0000"); /* router advertisement */
	p = decode_built(&b);
	assert_int_equal(p.kind, PACKET_ICMP);
	assert_int_equal(p.payload_len, 0);
}

static void assert_error(const struct packet *p, bool v6, unsigned proto)
{
	assert_int_equal(p->outcome, OUTCOME_PARSED);
	assert_int_equal(p->kind, PACKET_ICMP_ERROR);
	assert_int_equal(p->key.family, v6 ? FAMILY_V6 : FAMILY_V4);
	assert_int_equal(p->key.proto, proto);
	assert_int_equal(
		p->key.addr[0].b[v6 ? 5 : 12], v6 ? 0 : 10); /* the inner ones */
	assert_int_equal(p->dir, 0);
	assert_false(p->has_icmp_id);
}

static void test_errors(void **state)
{
	static const char *const errors[][2] = {
		{"0301 0000 0000 0000", "0101 0000 0000 0000"},
		{"0304 0000 0000 05dc", "0200 0000 0000 05dc"},
		{"0b00 0000 0000 0000", "0300 0000 0000 0000"},
		{"0c00 0000 0000 0000", "0400 0000 0000 0000"},
		{"0501 0000 0a000001", "0100 0000 0000 0000"},
	};
	unsigned i;

	(void)state;
	for (i = 0; i < 2 * sizeof(errors) / sizeof(errors[0]); i++) {
		bool v6 = i % 2;
		struct build b = message(v6, errors[i / 2][v6]);
		struct packet p;

		add_flow(&b, v6);
		p = decode_built(&b);
		assert_error(&p, v6, PROTO_TCP);
		assert_int_equal(p.key.port[0], SPORT);
		assert_int_equal(p.key.port[1], DPORT);
		assert_int_equal(p.icmp_type, b.b[v6 ? 54 : 34]);
		assert_int_equal(p.icmp_code, b.b[v6 ? 55 : 35]);
		assert_int_equal(p.ip_bytes, v6 ? 40 + 8 + 65 : 20 + 8 + 45);
		assert_int_equal(p.payload_len, v6 ? 65 : 45);
	}
}

static void test_quoted_protocols(void **state)
{
	struct build b = message(false, "0303 0000 0000 0000");
	struct packet p;

	(void)state;
	add_ip4(&b, PROTO_UDP, false);
	add_hex(&b, "04d2 0050"); /* no more than the ports */
	p = decode_built(&b);
	assert_error(&p, false, PROTO_UDP);
	assert_int_equal(p.key.port[0], SPORT);

	b = message(false, "0b00 0000 0000 0000");
	add_ip4(&b, PROTO_ICMP, false);
	add_hex(&b, "0800 0000 002a 0007");
	p = decode_built(&b);
	assert_error(&p, false, PROTO_ICMP);
	assert_int_equal(p.key.port[1], 42);

	b = message(true, "0100 0000 0000 0000");
	add_ip6(&b, 60, false);
	add_hex(&b, "11000104 00000000 04d2 0050");
	p = decode_built(&b);
	assert_error(&p, true, PROTO_UDP);
	assert_int_equal(p.key.port[0], SPORT);

	b = message(false, "0302 0000 0000 0000");
	add_ip4(&b, PROTO_SCTP, false);
	p = decode_built(&b);
	assert_error(&p, false, PROTO_SCTP);
	assert_int_equal(p.key.port[0], 0);
}

/* An ICMPv6 redirect quotes in an option. */
static void test_redirect6(void **state)
{
	struct build b = message(true, "8900 0000 0000 0000");
	struct packet p;

	(void)state;
	add_zeros(&b, 32);
	add_hex(&b, "0201 020000000003 0407 000000000000");
	add_flow(&b, true);
	p = decode_built(&b);
	assert_error(&p, true, PROTO_TCP);
	b = message(true, "8900 0000 0000 0000");
	add_zeros(&b, 40); /* an option of length 0 */
	p = decode_built(&b);
	assert_int_equal(p.kind, PACKET_ICMP);
}

/* Too little to say which flow: the message's own addresses. */
static void test_short_quotes(void **state)
{
	struct build whole = message(false, "0303 0000 0000 0000");
	uint32_t at = whole.len, len;
	struct packet p;

	(void)state;
	add_ip4(&whole, PROTO_UDP, false);
	add_hex(&whole, "04d2 0050");
	frame_end(&whole);
	for (len = at; len < whole.len; len++) {
		struct build b = whole;

		b.len = len;
		b.b[17] = (uint8_t)(len - 14);
		p = decode_built(&b);
		assert_int_equal(p.outcome, OUTCOME_PARSED);
		assert_int_equal(p.kind, PACKET_ICMP);
		assert_int_equal(p.key.addr[0].b[12], 192);
		assert_int_equal(p.key.port[0], 0);
	}
	whole.b[at + 6] = 0x00; /* a later fragment has no ports */
	whole.b[at + 7] = 0x10;
	p = decode_built(&whole);
	assert_int_equal(p.kind, PACKET_ICMP);
}

static void test_other_family(void **state)
{
	struct build b = frame_begin(101);
	struct packet p;

	(void)state;
	add_ip6(&b, PROTO_ICMP, false);
	add_hex(&b, "0800 0000 002a 0007");
	p = decode_built(&b);
	assert_int_equal(p.kind, PACKET_OTHER_IP);
	assert_int_equal(p.key.port[0], 0);
	assert_int_equal(p.payload_len, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_without_id),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_quoted_protocols),
		cmocka_unit_test(test_redirect6),
		cmocka_unit_test(test_short_quotes),
		cmocka_unit_test(test_other_family),
	};

	return cmocka_run_group_tests_name("decode icmp", tests, NULL, NULL);
}
