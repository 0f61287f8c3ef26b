/* Fragments in any order, reused ids, overlaps, expiry, fragmented tunnels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/proto.h"
#include "frames.h"

#define SECOND_NS 1000000000u

struct pair { /* both decoders see the same packets */
	struct decoder *d, *twin;
	uint64_t now_ns;
};

static struct pair pair_new(void)
{
	return (struct pair){test_decoder(), test_decoder(), SECOND_NS};
}

static void pair_free(struct pair *t)
{
	assert_int_equal(decoder_overlaps(t->d), decoder_overlaps(t->twin));
	decoder_free(t->d);
	decoder_free(t->twin);
}

/* A fragment's header; `offset` in bytes. */
static struct build fragment(bool v6, unsigned proto, uint32_t offset, bool more)
{
	struct build b = frame_begin(1);

	add_ethernet(&b, v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
	if (!v6) {
		add_ip4(&b, proto, false);
		b.b[20] = (uint8_t)((more ? 0x20 : 0) | offset >> 11);
		b.b[21] = (uint8_t)(offset >> 3);
		return b;
	}
	add_ip6(&b, 44, false);
	add_u16(&b, proto << 8);
	add_u16(&b, offset | more);
	add_u32(&b, 0x12345678);
	return b;
}

static struct packet feed(struct pair *t, struct build *b)
{
	struct frame f;

	frame_end(b);
	f = frame_of(b);
	f.ts_ns = t->now_ns;
	return decode_both(t->d, t->twin, &f);
}

/* UDP length 8 + 16 + 8; the first fragment has 16 bytes of it. */
static struct packet feed_first(struct pair *t, bool v6, unsigned sport)
{
	struct build b = fragment(v6, PROTO_UDP, 0, true);

	add_u16(&b, sport);
	add_hex(&b, "0050 0020 0000 0000000000000000 0000000000000000");
	return feed(t, &b);
}

static struct packet feed_later(struct pair *t, bool v6, uint32_t offset, uint32_t len)
{
	struct build b = fragment(v6, PROTO_UDP, offset, false);

	add_zeros(&b, len);
	return feed(t, &b);
}

static void assert_later(const struct packet *p, unsigned sport, uint32_t len)
{
	assert_int_equal(p->outcome, OUTCOME_PARSED);
	assert_int_equal(p->kind, PACKET_UDP);
	assert_int_equal(p->fragment, 2);
	assert_int_equal(p->key.port[0], sport);
	assert_int_equal(p->key.port[1], 80);
	assert_int_equal(p->payload_len, len);
	assert_int_equal(p->tcp_flags, 0);
}

static void test_in_order(void **state)
{
	bool v6;

	(void)state;
	for (v6 = false;; v6 = true) {
		struct pair t = pair_new();
		struct packet p = feed_first(&t, v6, SPORT), q;

		assert_int_equal(p.kind, PACKET_UDP);
		assert_int_equal(p.fragment, 1);
		assert_int_equal(p.payload_len, 16);
		q = feed_later(&t, v6, 24, 8);
		assert_later(&q, SPORT, 8);
		assert_memory_equal(&p.key, &q.key, sizeof(p.key));
		assert_int_equal(p.hash, q.hash);
		assert_int_equal(q.ip_bytes, v6 ? 56 : 28);
		assert_int_equal(decoder_overlaps(t.d), 0);
		pair_free(&t);
		if (v6)
			break;
	}
}

static void test_out_of_order(void **state)
{
	struct pair t = pair_new();
	struct packet p = feed_later(&t, false, 24, 8);

	(void)state;
	assert_int_equal(p.outcome, OUTCOME_PARSED);
	assert_int_equal(p.kind, PACKET_FRAGMENT);
	assert_int_equal(p.fragment, 2);
	p = feed_first(&t, false, SPORT);
	assert_int_equal(p.kind, PACKET_UDP);
	p = feed_later(&t, false, 24, 8); /* a copy: it overlaps, and is attributed */
	assert_later(&p, SPORT, 8);
	assert_int_equal(decoder_overlaps(t.d), 1);
	pair_free(&t);
}

static void test_first_wins(void **state)
{
	struct pair t = pair_new();
	struct packet p = feed_first(&t, false, SPORT);

	(void)state;
	p = feed_first(&t, false, 7); /* while the datagram is incomplete */
	assert_int_equal(p.key.port[0], 7);
	assert_int_equal(decoder_overlaps(t.d), 1);
	p = feed_later(&t, false, 24, 8);
	assert_later(&p, SPORT, 8);
	p = feed_later(&t, false, 16, 8);
	assert_int_equal(decoder_overlaps(t.d), 2);
	pair_free(&t);
}

static void test_id_reused(void **state)
{
	struct pair t = pair_new();
	struct packet p = feed_first(&t, true, SPORT);

	(void)state;
	p = feed_later(&t, true, 24, 8);
	assert_later(&p, SPORT, 8);
	p = feed_first(&t, true, 7); /* the datagram was complete */
	p = feed_later(&t, true, 24, 8);
	assert_later(&p, 7, 8);
	assert_int_equal(decoder_overlaps(t.d), 0);
	pair_free(&t);
}

static void test_expiry(void **state)
{
	struct pair t = pair_new();
	struct packet p = feed_first(&t, false, SPORT);

	(void)state;
	t.now_ns += 30ull * SECOND_NS;
	p = feed_later(&t, false, 24, 8);
	assert_later(&p, SPORT, 8);
	t.now_ns += 1;
	p = feed_later(&t, false, 24, 8);
	assert_int_equal(p.kind, PACKET_FRAGMENT);
	pair_free(&t);
}

/* Ids that differ, or another protocol, are other datagrams. */
static void test_keys(void **state)
{
	struct pair t = pair_new();
	struct build b = fragment(false, PROTO_UDP, 24, false);
	struct packet p = feed_first(&t, false, SPORT);

	(void)state;
	b.b[18] ^= 1;
	add_zeros(&b, 8);
	p = feed(&t, &b);
	assert_int_equal(p.kind, PACKET_FRAGMENT);
	b = fragment(false, PROTO_TCP, 24, false);
	add_zeros(&b, 8);
	p = feed(&t, &b);
	assert_int_equal(p.kind, PACKET_FRAGMENT);
	b = fragment(
		false, PROTO_SCTP, 24, false); /* has no ports: its flow is known */
	add_zeros(&b, 8);
	p = feed(&t, &b);
	assert_int_equal(p.kind, PACKET_OTHER_IP);
	assert_int_equal(p.key.proto, PROTO_SCTP);
	assert_int_equal(p.fragment, 2);
	pair_free(&t);
}

/* The first 8 bytes of a TCP header, as in RFC 1858. */
static void test_tiny(void **state)
{
	struct pair t = pair_new();
	struct build b = fragment(false, PROTO_TCP, 0, true);
	struct packet p;

	(void)state;
	add_hex(&b, "04d2 0050 000003e8");
	p = feed(&t, &b);
	assert_int_equal(p.kind, PACKET_TCP);
	assert_int_equal(p.tcp_flags, 0);
	assert_int_equal(p.payload_len, 0);
	b = fragment(false, PROTO_TCP, 8, false);
	add_zeros(&b, 20);
	p = feed(&t, &b);
	assert_int_equal(p.kind, PACKET_TCP);
	assert_int_equal(p.key.port[1], DPORT);
	assert_int_equal(p.payload_len, 20);
	pair_free(&t);
}

static void test_fragmented_tunnel(void **state)
{
	struct pair t = pair_new();
	struct build b = frame_begin(101);
	struct packet p;

	(void)state;
	add_ip4(&b, PROTO_IPIP, true);
	add_flow(&b, false);
	add_hex(&b, "000000");
	frame_end(&b);
	b.b[6] = 0x20;
	b.b[20 + 3] = 100; /* the inner packet goes on in the next fragment */
	p = feed(&t, &b);
	assert_int_equal(p.kind, PACKET_TCP);
	assert_int_equal(p.fragment, 1);
	assert_int_equal(p.ip_bytes, 48);
	b = frame_begin(101);
	add_ip4(&b, PROTO_IPIP, true);
	add_zeros(&b, 52);
	frame_end(&b);
	b.b[7] = 6;
	p = feed(&t, &b);
	assert_int_equal(p.kind, PACKET_TCP);
	assert_int_equal(p.key.addr[0].b[12], 10);
	assert_int_equal(p.key.port[0], SPORT);
	assert_int_equal(p.tunnels, 1);
	assert_int_equal(p.tunnel[0].kind, TUNNEL_IPIP);
	assert_int_equal(p.ip_bytes, 52);
	assert_int_equal(p.payload_len, 52);
	pair_free(&t);
}

/* More datagrams than the table holds: it stays bounded and keeps the newest. */
static void test_flood(void **state)
{
	struct pair t = pair_new();
	struct build b;
	struct packet p;
	uint32_t i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		b = fragment(true, PROTO_UDP, 0, true);
		b.b[58] = (uint8_t)(i >> 24);
		b.b[59] = (uint8_t)(i >> 16);
		b.b[60] = (uint8_t)(i >> 8);
		b.b[61] = (uint8_t)i;
		add_hex(&b, "04d2 0050 0020 0000");
		t.now_ns++;
		(void)feed(&t, &b);
	}
	b.b[56] = 0;
	b.b[57] = 8;
	p = feed(&t, &b);
	assert_later(&p, SPORT, 8);
	pair_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_first_wins),
		cmocka_unit_test(test_id_reused),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_tiny),
		cmocka_unit_test(test_fragmented_tunnel),
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests_name("decode fragments", tests, NULL, NULL);
}
