/* TCP, UDP and IP lengths, options, what is cut, super-packets, extension headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/proto.h"
#include "frames.h"

/* A segment with these options behind a header of `words` words. */
static struct build segment(bool v6, unsigned words, const char *options)
{
	struct build b = frame_begin(1);

	add_ethernet(&b, v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
	add_ip(&b, v6, PROTO_TCP, false);
	add_hex(&b, "04d2 0050 000003e8 000007d0");
	add_u16(&b, words << 12 | 0x152);
	add_hex(&b, "0200 0000 0000");
	add_hex(&b, options);
	add_hex(&b, "68656c6c6f");
	frame_end(&b);
	return b;
}

static void test_options(void **state)
{
	struct build b = segment(
		false, 10, "020405b4 0402 080a 00000064 000000c8 01 030307");
	struct packet p = decode_built(&b);

	(void)state;
	assert_int_equal(p.tcp_flags, TCP_AE | TCP_ECE | TCP_ACK | TCP_SYN);
	assert_true(p.has_mss && p.has_wscale && p.has_timestamps && p.sack_permitted);
	assert_int_equal(p.mss, 1460);
	assert_int_equal(p.wscale, 7);
	assert_int_equal(p.tsval, 100);
	assert_int_equal(p.tsecr, 200);
	assert_int_equal(p.payload_len, PAYLOAD);

	b = segment(true, 8, "0101 080a 00000065 000000c9");
	p = decode_built(&b);
	assert_true(p.has_timestamps);
	assert_int_equal(p.tsval, 101);
	assert_int_equal(p.tsecr, 201);
	assert_false(p.has_mss || p.has_wscale || p.sack_permitted);
	assert_int_equal(p.payload_len, PAYLOAD);

	b = segment(false, 10, "0101 0512 00000001 00000002 00000003 00000004");
	p = decode_built(&b);
	assert_int_equal(p.sacks, 2);
	assert_int_equal(p.sack[0].from, 1);
	assert_int_equal(p.sack[1].to, 4);

	b = segment(false, 6, "0303ff 00"); /* RFC 7323 §2.3 */
	p = decode_built(&b);
	assert_int_equal(p.wscale, 14);
}

/* Broken options end the list, and nothing else. */
static void test_broken_options(void **state)
{
	static const char *const broken[] = {
		"02000000", "0201ffff", "020500ff", "080a0000", "00020405", "030200ff"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct build b = segment(false, 6, broken[i]);
		struct packet p = decode_built(&b);

		assert_int_equal(p.outcome, OUTCOME_PARSED);
		assert_int_equal(p.payload_len, PAYLOAD);
		assert_false(p.has_mss || p.has_wscale || p.has_timestamps);
	}
}

static void test_direction(void **state)
{
	struct build b = frame_begin(101), c = frame_begin(101);
	struct packet p, q;

	(void)state;
	add_ip4(&b, PROTO_TCP, false);
	add_hex(&b, "04d2 0050 000003e8 000007d0 5018 0200 0000 0000");
	p = decode_built(&b);
	add_hex(&c, "4520 0028 abcd 0000 4006 0000 0a000002 0a000001");
	add_hex(&c, "0050 04d2 000003e8 000007d0 5018 0200 0000 0000");
	q = decode_built(&c);
	assert_int_equal(p.dir, 0);
	assert_int_equal(q.dir, 1);
	assert_memory_equal(&p.key, &q.key, sizeof(p.key));
	assert_int_equal(p.hash, q.hash);
}

/* decode.h says what is known of a header that was cut. */
static void test_cut_headers(void **state)
{
	bool v6;

	(void)state;
	for (v6 = false;; v6 = true) {
		struct build b = segment(v6, 8, "0101 080a 00000065 000000c9");
		struct frame f = frame_of(&b);
		uint32_t at = v6 ? 54 : 34;
		struct packet p;

		f.caplen = at + 3;
		p = decode_frame(&f);
		assert_malformed(&p, MALFORMED_cut);
		f.caplen = at + 13;
		p = decode_frame(&f);
		assert_int_equal(p.kind, PACKET_TCP);
		assert_int_equal(p.key.port[0], SPORT);
		assert_int_equal(p.tcp_flags, 0);
		assert_int_equal(p.payload_len, 0);
		f.caplen = at + 14;
		p = decode_frame(&f);
		assert_int_equal(p.seq, 1000);
		assert_int_equal(p.tcp_flags, 0x152);
		assert_int_equal(p.payload_len, PAYLOAD);
		assert_false(p.has_timestamps);
		f.caplen = at + 32;
		p = decode_frame(&f);
		assert_true(p.has_timestamps && p.cut);
		assert_int_equal(p.payload_len, PAYLOAD);
		assert_null(p.payload);
		if (v6)
			break;
	}
}

static void test_udp(void **state)
{
	struct build b = frame_begin(1);
	struct packet p;
	struct frame f;

	(void)state;
	add_ethernet(&b, ETHERTYPE_IPV6);
	add_ip6(&b, PROTO_UDP, false);
	add_udp(&b);
	p = decode_built(&b);
	assert_int_equal(p.kind, PACKET_UDP);
	assert_int_equal(p.payload_len, PAYLOAD);
	assert_int_equal(p.ip_bytes, 53);
	f = frame_of(&b);
	f.caplen = 54 + 5;
	p = decode_frame(&f);
	assert_int_equal(p.kind, PACKET_UDP);
	assert_int_equal(p.payload_len, PAYLOAD);
	b.b[54 + 5] = 10; /* the UDP length says two bytes; IP has more */
	p = decode_built(&b);
	assert_int_equal(p.payload_len, 2);
	b.b[54 + 5] = 0;
	p = decode_built(&b);
	assert_int_equal(p.payload_len, PAYLOAD);
}

static void test_other_protocols(void **state)
{
	struct build b = frame_begin(101);
	struct packet p;

	(void)state;
	add_ip4(&b, PROTO_SCTP, false);
	add_zeros(&b, 12);
	p = decode_built(&b);
	assert_int_equal(p.kind, PACKET_OTHER_IP);
	assert_int_equal(p.key.proto, PROTO_SCTP);
	assert_int_equal(p.key.port[0], 0);
	assert_int_equal(p.payload_len, 12);
}

/* Lengths: 0 means the frame; the frame itself bounds nothing. */
static void test_lengths(void **state)
{
	bool v6;

	(void)state;
	for (v6 = false;; v6 = true) {
		struct build b = frame_begin(1);
		uint32_t at = v6 ? 18 : 16;
		struct packet p;
		struct frame f;

		add_ethernet(&b, v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
		add_flow(&b, v6);
		frame_end(&b);
		b.b[at] = b.b[at + 1] = 0;
		p = decode_built(&b);
		assert_flow(&p, v6);
		b.b[at] = 0x04; /* 1024 in a frame that does not have them */
		p = decode_built(&b);
		assert_int_equal(p.ip_bytes, v6 ? 1064 : 1024);
		assert_int_equal(p.payload_len, v6 ? 1004 : 984);
		assert_int_equal(p.payload_captured, PAYLOAD);
		assert_false(p.cut);
		f = frame_of(&b);
		f.len = 5000;
		p = decode_frame(&f);
		assert_int_equal(p.payload_len, v6 ? 1004 : 984);
		assert_true(p.cut);
		f.len = 10; /* less than what is there: a bad file */
		p = decode_frame(&f);
		assert_int_equal(p.outcome, OUTCOME_PARSED);
		assert_int_equal(p.wire_bytes, 10);
		if (v6)
			break;
	}
}

static void test_super_packets(void **state)
{
	struct build b = frame_begin(1);
	struct packet p;
	struct frame f;

	(void)state;
	add_ethernet(&b, ETHERTYPE_IPV4);
	add_ip4(&b, PROTO_TCP, false);
	add_hex(&b, "04d2 0050 000003e8 000007d0 5010 0200 0000 0000");
	add_zeros(&b, 2500);
	frame_end(&b);
	f = frame_of(&b);
	f.gso_bytes = 1000;
	p = decode_frame(&f);
	assert_int_equal(p.segments, 3);
	assert_int_equal(p.payload_len, 2500);
	assert_int_equal(p.ip_bytes, 2500 + 3 * 40);
	assert_int_equal(p.wire_bytes, 2500 + 3 * 54);
	f.gso_bytes = 2500;
	p = decode_frame(&f);
	assert_int_equal(p.segments, 1);
	assert_int_equal(p.wire_bytes, 2554);
}

static void test_extension_headers(void **state)
{
	/* hop-by-hop, routing, atomic fragment, destination, AH, mobility, HIP, shim6
	 */
	static const struct {
		unsigned proto;
		const char *header; /* its first byte: TCP is next */
	} ext[] = {
		{0, "06000000 00000000"},
		{43, "06010000 00000000 0000000000000000"},
		{44, "06000000 00000001"},
		{60, "06000104 00000000"},
		{51, "06040000 00000001 00000001 000000000000000000000000"},
		{135, "06000000 00000000"},
		{139, "06000000 00000000"},
		{140, "06000000 00000000"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ext) / sizeof(ext[0]); i++) {
		struct build b = frame_begin(1);
		struct packet p;
		uint32_t size;

		add_ethernet(&b, ETHERTYPE_IPV6);
		add_ip6(&b, ext[i].proto, false);
		size = b.len;
		add_hex(&b, ext[i].header);
		size = b.len - size;
		add_tcp(&b);
		p = decode_built(&b);
		assert_int_equal(p.kind, PACKET_TCP);
		assert_int_equal(p.fragment, 0);
		assert_int_equal(p.ip_bytes, 65 + size);
		assert_int_equal(p.payload_len, PAYLOAD);
	}
}

static void test_ip4_headers(void **state)
{
	struct build b = frame_begin(1);
	struct packet p;

	(void)state;
	add_ethernet(&b, ETHERTYPE_IPV4); /* options */
	add_hex(&b, "4620 0031 abcd 0000 4006 0000 0a000001 0a000002 94040000");
	add_tcp(&b);
	p = decode_built(&b);
	assert_int_equal(p.kind, PACKET_TCP);
	assert_int_equal(p.ip_bytes, 49);
	assert_int_equal(p.payload_len, PAYLOAD);

	b = frame_begin(101); /* AH */
	add_ip4(&b, PROTO_AH, false);
	add_hex(&b, "06040000 00000001 00000001 000000000000000000000000");
	add_tcp(&b);
	p = decode_built(&b);
	assert_int_equal(p.kind, PACKET_TCP);
	assert_int_equal(p.payload_len, PAYLOAD);

	b = frame_begin(101); /* number of an IPv6 extension header: just a protocol */
	add_ip4(&b, 43, false);
	add_zeros(&b, 8);
	p = decode_built(&b);
	assert_int_equal(p.kind, PACKET_OTHER_IP);
	assert_int_equal(p.key.proto, 43);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_broken_options),
		cmocka_unit_test(test_direction),
		cmocka_unit_test(test_cut_headers),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_other_protocols),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_super_packets),
		cmocka_unit_test(test_extension_headers),
		cmocka_unit_test(test_ip4_headers),
	};

	return cmocka_run_group_tests_name("decode transport", tests, NULL, NULL);
}
