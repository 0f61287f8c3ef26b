/* Small records: what they hold, where they end, and that becoming a flow loses
 * nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "flow/pool.h"
#include "rig.h"

static bool is_small(struct rig *r, const struct dialogue *t)
{
	const struct flow *f = rig_now(r, t);

	assert_non_null(f);
	return f->facts & FLOW_SMALL;
}

static void feed_sized(struct rig *r, const struct dialogue *t, unsigned dir,
	uint32_t ip_bytes, uint32_t overhead)
{
	struct packet p = rig_packet(r, t, dir);

	p.ip_bytes = ip_bytes;
	p.payload_len = ip_bytes > 28 ? ip_bytes - 28 : 0;
	p.wire_bytes = ip_bytes + overhead;
	p.tos = 3;
	rig_feed(r, &p);
	r->now_ns += RIG_MS;
}

struct room {
	uint32_t packets, ip_bytes, overhead; /* of each */
};

/* The last packet that fits leaves it small, one more does not; the sums go on. */
static void counters_overflow(void **state)
{
	static const struct room rooms[] = {{255, 100, 0}, {255, 257, 1},
		{1, 65535, 255}, {3, 21845, 85}, {18, 46, 14}};

	(void)state;
	for (unsigned i = 0; i < sizeof(rooms) / sizeof(rooms[0]) * 4; i++) {
		const struct room *m = &rooms[i / 4];
		bool icmp = i & 1, v6 = i & 2;
		struct rig *r = rig_new(NULL);
		struct dialogue t = rig_talk(
			icmp ? v6 ? PROTO_ICMPV6 : PROTO_ICMP : PROTO_UDP, 1, v6);

		for (uint32_t n = 0; n < m->packets; n++)
			feed_sized(r, &t, 0, m->ip_bytes, m->overhead);
		assert_true(is_small(r, &t));
		feed_sized(r, &t, 0, m->ip_bytes, m->overhead);
		assert_false(is_small(r, &t));
		rig_end(r);
		assert_int_equal(r->rows, 1);
		assert_int_equal(r->row[0].side[0].packets, m->packets + 1);
		assert_int_equal(r->row[0].side[0].ip_bytes,
			(uint64_t)(m->packets + 1) * m->ip_bytes);
		assert_int_equal(r->row[0].side[0].wire_bytes,
			(uint64_t)(m->packets + 1) * (m->ip_bytes + m->overhead));
		assert_int_equal(r->row[0].side[0].payload_bytes,
			(uint64_t)(m->packets + 1) * (m->ip_bytes - 28));
		assert_int_equal(r->row[0].side[0].ttl, 64);
		rig_free(r);
	}
}

/* What never fits is a flow from the start. */
static void too_large_at_once(void **state)
{
	struct rig *r = rig_new(NULL);
	struct dialogue t = rig_talk(PROTO_UDP, 1, false);
	struct packet p = rig_packet(r, &t, 0);

	(void)state;
	feed_sized(r, &t, 0, 65536, 14);
	assert_false(is_small(r, &t));
	t = rig_talk(PROTO_UDP, 2, false);
	feed_sized(r, &t, 0, 100, 256);
	assert_false(is_small(r, &t));
	t = rig_talk(PROTO_TCP, 3, false);
	p = rig_packet(r, &t, 0);
	p.tcp_flags = TCP_ACK;
	p.segments = 40;
	rig_feed(r, &p);
	assert_false(is_small(r, &t));
	t = rig_talk(PROTO_TCP, 4, false);
	p = rig_packet(r, &t, 0);
	p.tcp_flags = TCP_SYN;
	p.wire_bytes = p.ip_bytes - 1; /* a damaged length below */
	rig_feed(r, &p);
	assert_false(is_small(r, &t));
	assert_int_equal(rig_now(r, &t)->side[0].wire_bytes, p.wire_bytes);
	rig_end(r);
	rig_free(r);
}

/* 2^40 ns after the first packet the time does not fit any more. */
static void times_overflow(void **state)
{
	struct flow_setup setup = {.idle_ns = 1ull << 42};
	struct dialogue t = rig_talk(PROTO_UDP, 1, false);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct rig *r = rig_new(&setup);

		feed_sized(r, &t, 0, 100, 14);
		r->now_ns = RIG_EPOCH + (1ull << 40) - 1 + i;
		feed_sized(r, &t, 0, 100, 14);
		assert_int_equal(is_small(r, &t), i == 0);
		assert_int_equal(
			rig_now(r, &t)->last_ns, RIG_EPOCH + (1ull << 40) - 1 + i);
		rig_end(r);
		assert_int_equal(r->rows, 1);
		rig_free(r);
	}
}

struct promotion {
	const char *script;
	bool small;
};

/* Neither floods nor what answers them make flows; the third right packet does. */
static void who_is_promoted(void **state)
{
	static const struct promotion cases[] = {
		{">S", true},
		{">S t1000 >S@-1 t1000 >S@-1", true},
		{">S <SA", true},
		{">S <SA t1000 <SA@-1 t1000 <SA@-1", true},
		{">S <SA >A", false},
		{">S <SA >A100", false},
		{">S <SA <A10", false},
		{">S <RA", false},
		{"<SA", true},
		{">A", true},
		{">A >A100 >A100", true},
		{">A >A100 >A", false}, /* the acknowledgement is repeated */
		{">A100 <A", false},
		{">RA", true},
		{">FA", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig *r = rig_new(NULL);

		rig_play(r, cases[i].script);
		assert_int_equal(is_small(r, &r->talk), cases[i].small);
		rig_end(r);
		rig_free(r);
	}
}

static void details_of_a_handshake(void **state)
{
	struct rig *r = rig_new(NULL);
	struct packet p = rig_packet(r, &r->talk, 0);
	const struct flow *f = &r->row[0];

	(void)state;
	p.tcp_flags = TCP_SYN;
	p.has_mss = p.has_wscale = true;
	p.mss = 1460;
	p.wscale = 14;
	rig_feed(r, &p);
	r->talk.next[0]++;
	r->now_ns += 5 * RIG_MS;
	p = rig_packet(r, &r->talk, 1);
	p.tcp_flags = TCP_SYN | TCP_ACK;
	p.ack = r->talk.next[0];
	p.has_mss = true;
	p.mss = 1220;
	rig_feed(r, &p);
	r->talk.next[1]++;
	r->now_ns += 5 * RIG_MS;
	rig_play(r, ">A");
	rig_end(r);
	assert_int_equal(f->syn_ns, RIG_EPOCH);
	assert_int_equal(f->synack_ns, RIG_EPOCH + 5 * RIG_MS);
	assert_int_equal(f->established_ns, RIG_EPOCH + 10 * RIG_MS);
	assert_int_equal(f->side[0].mss, 1460);
	assert_int_equal(f->side[1].mss, 1220);
	assert_true(f->side[0].has_wscale && f->side[0].wscale == 14);
	assert_false(f->side[1].has_wscale);
	assert_int_equal(f->detail[0].isn, RIG_ISN0);
	assert_int_equal(f->detail[1].isn, RIG_ISN1);
	rig_free(r);
}

/*
 * The same packets, once with small records and once without: rows may differ only in
 * what a small record is known not to keep (TOS, MAC, ECN, rates, last packet).
 */

#define TALKS 3u
#define STEPS 14u

static uint32_t pick(const uint32_t *list, unsigned count)
{
	return list[(unsigned)rand() % count];
}

static void random_tcp(struct rig *r, struct dialogue *t, struct packet *p)
{
	static const uint32_t flags[] = {TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK, TCP_ACK,
		TCP_ACK, TCP_ACK | TCP_PSH, TCP_FIN | TCP_ACK, TCP_RST,
		TCP_RST | TCP_ACK, TCP_FIN, 0, TCP_SYN | TCP_FIN, TCP_PSH,
		TCP_FIN | TCP_RST | TCP_ACK};
	static const uint32_t sizes[] = {0, 0, 0, 1, 100, 1400};
	static const uint32_t offsets[] = {
		0, 0, 0, 0, 0, -1u, 1, 500, -100u, -1400u, 70000, 0x80000000u};

	(void)r;
	p->tcp_flags = (uint16_t)pick(flags, 14);
	p->payload_len = pick(sizes, 6);
	p->ip_bytes += p->payload_len;
	p->wire_bytes += p->payload_len;
	p->seq += pick(offsets, 12);
	p->fragment = rand() % 20 ? 0 : (uint8_t)(1 + rand() % 2);
	p->window = rand() % 8 ? 1000 : 0;
	p->has_wscale = rand() % 2;
	p->wscale = (uint8_t)(rand() % 15);
	if (p->tcp_flags & TCP_ACK)
		p->ack = t->next[p->dir == t->proto.dir] + pick(offsets, 12);
	if (!p->tcp_flags)
		p->seq = p->ack = p->window = 0; /* as of a header that was cut */
	if (!p->fragment && p->tcp_flags)
		t->next[p->dir != t->proto.dir] = p->seq + p->payload_len +
						  !!(p->tcp_flags & TCP_SYN) +
						  !!(p->tcp_flags & TCP_FIN);
}

static void random_packet(struct rig *const r[2], struct dialogue *t)
{
	static const uint32_t pauses_ms[] = {2, 2, 2, 2, 50, 1100, 4000, 61000, 301000};
	struct packet p = rig_packet(r[0], t, (unsigned)rand() % 2);

	p.ip_id = (uint16_t)(1 + rand() % 60000);
	if (p.kind == PACKET_TCP)
		random_tcp(r[0], t, &p);
	else if (rand() % 10 == 0)
		p.fragment = 2;
	if (rand() % 25 == 0)
		p.segments = 3;
	if (rand() % 40 == 0) {
		p.kind = PACKET_ICMP_ERROR;
		p.icmp_type = 3;
		p.icmp_code = (uint8_t)(rand() % 16);
		p.fragment = 0;
		p.tcp_flags = 0;
	}
	rig_feed(r[0], &p);
	rig_feed(r[1], &p);
	r[0]->now_ns += pick(pauses_ms, 9) * RIG_MS;
	if (rand() % 30 == 0)
		r[0]->now_ns -= 3 * RIG_MS;
	r[1]->now_ns = r[0]->now_ns;
}

static int row_order(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof(x->key));

	if (order)
		return order;
	return x->first_ns < y->first_ns ? -1 : x->first_ns > y->first_ns;
}

static void same_side(const struct flow *a, const struct flow *b, unsigned d)
{
	const struct flow_side *x = &a->side[d], *y = &b->side[d];

	assert_int_equal(x->packets, y->packets);
	assert_int_equal(x->payload_bytes, y->payload_bytes);
	assert_int_equal(x->ip_bytes, y->ip_bytes);
	assert_int_equal(x->wire_bytes, y->wire_bytes);
	assert_int_equal(x->ttl, y->ttl);
	assert_int_equal(x->state, y->state);
	assert_int_equal(x->has_seq, y->has_seq);
	assert_int_equal(x->seq_next, y->seq_next);
	assert_int_equal(x->has_ack, y->has_ack);
	assert_int_equal(x->ack, y->ack);
	assert_int_equal(x->window, y->window);
	assert_int_equal(x->mss, y->mss);
	assert_int_equal(x->has_wscale, y->has_wscale);
	assert_int_equal(x->wscale, y->wscale);
	assert_int_equal(x->letters, y->letters);
	assert_int_equal(x->fin_seen, y->fin_seen);
	assert_int_equal(x->rst_seen, y->rst_seen);
	assert_int_equal(x->syn_seen, y->syn_seen);
	assert_int_equal(a->detail[d].syns, b->detail[d].syns);
}

static uint64_t missed(const struct rig *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r->rows; i++)
		sum += r->missed[i][0] + r->missed[i][1];
	return sum;
}

static void same_row(const struct flow *a, const struct flow *b)
{
	assert_memory_equal(&a->key, &b->key, sizeof(a->key));
	assert_int_equal(a->first_ns, b->first_ns);
	assert_int_equal(a->last_ns, b->last_ns);
	assert_int_equal(a->orig, b->orig);
	assert_int_equal(a->facts & ~(uint32_t)(FLOW_SMALL | FLOW_NAMED),
		b->facts & ~(uint32_t)(FLOW_SMALL | FLOW_NAMED));
	same_side(a, b, 0);
	same_side(a, b, 1);
	assert_string_equal(a->history, b->history);
	assert_string_equal(flow_conn_state(a), flow_conn_state(b));
	assert_int_equal(a->syn_ns, b->syn_ns);
	assert_int_equal(a->closed_ns, b->closed_ns);
	assert_int_equal(a->icmp_type, b->icmp_type);
	assert_int_equal(a->icmp_error_code, b->icmp_error_code);
}

static void play_both(unsigned seed, unsigned talks)
{
	struct rig *r[2] = {rig_new(NULL), rig_new(NULL)};
	static const uint8_t protos[] = {PROTO_TCP, PROTO_TCP, PROTO_UDP, PROTO_ICMP};
	struct dialogue talk[TALKS];

	srand(seed);
	rig_only_full(r[1]);
	for (unsigned i = 0; i < talks; i++)
		talk[i] = rig_talk(protos[(seed + i) % 4], i, false);
	for (unsigned n = 0; n < STEPS; n++)
		random_packet(r, &talk[(unsigned)rand() % talks]);
	for (unsigned i = 0; i < 2; i++) {
		rig_end(r[i]);
		assert_in_range(r[i]->rows, 1, RIG_ROWS);
		qsort(r[i]->row, r[i]->rows, sizeof(r[i]->row[0]), row_order);
	}
	assert_int_equal(r[0]->rows, r[1]->rows);
	assert_int_equal(missed(r[0]), missed(r[1]));
	if (getenv("SEED"))
		print_message("seed %u\n", seed);
	for (unsigned i = 0; i < r[0]->rows; i++)
		same_row(&r[0]->row[i], &r[1]->row[i]);
	rig_free(r[0]);
	rig_free(r[1]);
}

static void promotion_loses_nothing(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 2000; seed++)
		play_both(seed, 1 + seed % TALKS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_overflow),
		cmocka_unit_test(too_large_at_once),
		cmocka_unit_test(times_overflow),
		cmocka_unit_test(who_is_promoted),
		cmocka_unit_test(details_of_a_handshake),
		cmocka_unit_test(promotion_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
