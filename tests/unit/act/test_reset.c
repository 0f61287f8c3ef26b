/* Two ends that answer as their state says, and resets that must end both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "act/reset.h"
#include "core/proto.h"

#define MS 1000000ull

static const uint64_t draw = 0x123456789abcdef1; /* what reset_begin is given */

static struct reset between(void)
{
	const struct addr a = addr_v4((const uint8_t[4]){10, 1, 0, 2});
	const struct addr b = addr_v4((const uint8_t[4]){10, 2, 0, 2});
	struct reset r = {.family = FAMILY_V4,
		.end = {{.own = a, .peer = b, .own_port = 4000, .peer_port = 80},
			{.own = b, .peer = a, .own_port = 80, .peer_port = 4000}}};

	reset_begin(&r, draw, 0);
	return r;
}

static struct packet packet_of(const struct segment_make *m)
{
	struct packet p = {.kind = PACKET_TCP,
		.outcome = OUTCOME_PARSED,
		.tcp_flags = m->flags,
		.seq = m->seq,
		.ack = m->ack,
		.window = m->window,
		.key = {.family = m->family, .proto = PROTO_TCP}};

	p.dir = (uint8_t)tuple_order(
		&p.key, &m->src, m->src_port, &m->dst, m->dst_port);
	return p;
}

/* What that end says. */
static void says(
	struct reset *r, unsigned end, uint8_t flags, uint32_t seq, uint32_t ack)
{
	const struct reset_end *e = &r->end[end];
	struct segment_make m = {.src = e->own,
		.dst = e->peer,
		.src_port = e->own_port,
		.dst_port = e->peer_port,
		.family = r->family,
		.flags = flags,
		.window = flags & TCP_RST ? 0 : 500,
		.seq = seq,
		.ack = ack};
	struct packet p = packet_of(&m);

	reset_seen(r, &p);
}

/* The next segment; it must be for this end, with these flags. Returns it. */
static struct segment_make expect(
	struct reset *r, uint64_t now_ns, unsigned end, uint8_t flags)
{
	struct segment_make m;
	unsigned to;

	assert_true(reset_next(r, now_ns, &m, &to));
	assert_int_equal(to, end);
	assert_int_equal(m.flags, flags);
	assert_true(addr_equal(&m.dst, &r->end[end].own));
	assert_true(addr_equal(&m.src, &r->end[end].peer));
	assert_int_equal(m.dst_port, r->end[end].own_port);
	assert_int_equal(m.src_port, r->end[end].peer_port);
	return m;
}

static void nothing(struct reset *r, uint64_t now_ns)
{
	struct segment_make m;
	unsigned to;

	assert_false(reset_next(r, now_ns, &m, &to));
}

static void assert_result(const struct reset *r, unsigned end, enum act_outcome outcome,
	enum act_proof proof)
{
	struct act_result result;

	reset_result(r, end, &result);
	assert_int_equal(result.outcome, outcome);
	assert_int_equal(result.proof, proof);
	assert_int_equal(result.what, ACT_reset);
	assert_int_equal(result.target.local_port, r->end[end].own_port);
}

static void idle(void **state)
{
	struct reset r = between();
	struct segment_make syn[2];

	(void)state;
	syn[0] = expect(&r, 0, 0, TCP_SYN);
	syn[1] = expect(&r, 0, 1, TCP_SYN);
	assert_int_not_equal(syn[0].seq, syn[1].seq);
	nothing(&r, 0);
	assert_int_equal(reset_wake_ns(&r), RESET_INTERVAL_NS);
	for (unsigned i = 0; i < 2; i++) {
		says(&r, i, TCP_ACK, 7, 0x80000000 + i);
		assert_int_equal(expect(&r, MS, i, TCP_RST).seq, 0x80000000 + i);
	}
	nothing(&r, MS); /* hurry is not at once */
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(expect(&r, 3 * MS, i, TCP_SYN).seq, syn[i].seq);
	for (unsigned i = 0; i < 2; i++)
		says(&r, i, TCP_RST | TCP_ACK, 0, syn[i].seq + 1);
	assert_true(reset_over(&r));
	assert_result(&r, 0, ACT_OUTCOME_gone, ACT_PROOF_reset);
	assert_result(&r, 1, ACT_OUTCOME_gone, ACT_PROOF_reset);
}

static void gone_before(void **state)
{
	struct reset r = between();
	uint32_t seq = expect(&r, 0, 0, TCP_SYN).seq;

	(void)state;
	says(&r, 0, TCP_RST | TCP_ACK, 0, seq + 1);
	assert_result(&r, 0, ACT_OUTCOME_already_gone, ACT_PROOF_reset);
	assert_false(reset_over(&r));
	assert_result(&r, 1, ACT_OUTCOME_unproven, ACT_PROOF_NONE);
}

/* A reset that does not answer our probe may be a lie: it proves nothing. */
static void foreign_reset(void **state)
{
	struct reset r = between();
	uint32_t seq = expect(&r, 0, 0, TCP_SYN).seq;

	(void)state;
	says(&r, 0, TCP_RST, 9, 0);
	says(&r, 0, TCP_RST | TCP_ACK, 0, seq);
	says(&r, 0, TCP_RST | TCP_ACK, 0, seq + 2);
	assert_result(&r, 0, ACT_OUTCOME_unproven, ACT_PROOF_NONE);
	assert_int_equal(expect(&r, RESET_HURRY_NS, 0, TCP_SYN).seq, seq);
}

/* A listener draws a new number each time; a connecting socket keeps its own. */
static void listener(void **state)
{
	struct reset r = between();
	uint32_t seq = expect(&r, 0, 0, TCP_SYN).seq;

	(void)state;
	for (int i = 0; i < 3; i++) {
		says(&r, 0, TCP_SYN | TCP_ACK, 1000, seq + 1);
		assert_int_equal(expect(&r, MS, 0, TCP_RST).seq, seq + 1);
		assert_result(&r, 0, ACT_OUTCOME_unproven, ACT_PROOF_NONE);
	}
	says(&r, 0, TCP_SYN | TCP_ACK, 2000, seq + 1);
	assert_int_equal(reset_wake_ns(&r), 0); /* the half-open one is reset too */
	assert_int_equal(expect(&r, MS, 0, TCP_RST).seq, seq + 1);
	assert_int_equal(r.end[0].proof, ACT_PROOF_listener);
}

/* RFC 9293 §3.10.7.3: in SYN-SENT only a reset that acknowledges the SYN is taken. */
static void connecting(void **state)
{
	struct reset r = between();
	struct segment_make m;

	(void)state;
	(void)expect(&r, 0, 0, TCP_SYN);
	says(&r, 0, TCP_SYN, UINT32_MAX, 0);
	m = expect(&r, MS, 0, TCP_RST | TCP_ACK);
	assert_int_equal(m.ack, 0);
	assert_int_equal(m.seq, 0);
}

static void silence(void **state)
{
	struct reset r = between();
	struct segment_make m;
	unsigned to, sent[2] = {0};
	uint64_t now_ns = 0;

	(void)state;
	while (!reset_over(&r)) {
		while (reset_next(&r, now_ns, &m, &to))
			sent[to]++;
		assert_true(now_ns <= RESET_PROBES * RESET_INTERVAL_NS);
		if (reset_wake_ns(&r) != UINT64_MAX)
			now_ns = reset_wake_ns(&r);
	}
	assert_int_equal(sent[0], RESET_PROBES);
	assert_int_equal(sent[1], RESET_PROBES);
	assert_result(&r, 0, ACT_OUTCOME_unproven, ACT_PROOF_silence);
}

/* An end that talks on and on and never goes: bounded in time and in resets. */
static void stubborn(void **state)
{
	struct reset r = between();
	struct segment_make m;
	unsigned to, resets[2] = {0};
	uint64_t now_ns = 0;

	(void)state;
	for (unsigned i = 0; !reset_over(&r); i++) {
		says(&r, 0, TCP_ACK, 1, i);
		says(&r, 1, TCP_ACK | TCP_PSH, i, 1);
		while (reset_next(&r, now_ns, &m, &to))
			resets[to] += (m.flags & TCP_RST) != 0;
		now_ns += MS;
		assert_true(now_ns < 2 * RESET_PROBES * RESET_INTERVAL_NS);
	}
	assert_int_equal(resets[0], RESET_SENDS);
	assert_int_equal(resets[1], RESET_SENDS);
	assert_result(&r, 1, ACT_OUTCOME_unproven, ACT_PROOF_silence);
}

/* What we send passes by as well; and other connections, and what is no TCP. */
static void others(void **state)
{
	struct reset r = between();
	struct reset before;
	struct packet p;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct segment_make m = expect(&r, 0, i, TCP_SYN);

		p = packet_of(&m);
		reset_seen(&r, &p);
	}
	before = r;
	says(&(struct reset){.family = FAMILY_V6, .end = {r.end[0], r.end[1]}}, 0,
		TCP_ACK, 1, 2);
	for (unsigned i = 0; i < 4; i++) {
		struct segment_make m = {.src = r.end[0].own,
			.dst = r.end[0].peer,
			.src_port = 4000,
			.dst_port = 80,
			.family = FAMILY_V4,
			.flags = TCP_ACK,
			.ack = 5};

		m.src_port += i == 0;
		m.dst_port += i == 1;
		m.dst.b[15] ^= i == 2;
		m.src.b[15] ^= i == 3;
		p = packet_of(&m);
		reset_seen(&r, &p);
		m = (struct segment_make){.src = r.end[0].own,
			.dst = r.end[0].peer,
			.src_port = 4000,
			.dst_port = 80,
			.family = FAMILY_V4,
			.flags = TCP_ACK};
		p = packet_of(&m);
		p.kind = i == 0 ? PACKET_UDP : i == 1 ? PACKET_ICMP_ERROR : p.kind;
		p.outcome = i == 2 ? OUTCOME_MALFORMED : p.outcome;
		p.tcp_flags = i == 3 ? 0 : p.tcp_flags; /* cut short: no numbers */
		reset_seen(&r, &p);
	}
	assert_memory_equal(&r, &before, sizeof(r));
}

/* Behind NAT the ends see different peers. */
static void translated(void **state)
{
	struct reset r = between();

	(void)state;
	r.end[1].peer = addr_v4((const uint8_t[4]){10, 2, 0, 1});
	r.end[1].peer_port = 61000;
	reset_begin(&r, draw, 0);
	(void)expect(&r, 0, 0, TCP_SYN);
	(void)expect(&r, 0, 1, TCP_SYN);
	says(&r, 1, TCP_ACK, 1, 77);
	assert_int_equal(expect(&r, 0, 1, TCP_RST).seq, 77);
	nothing(&r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle),
		cmocka_unit_test(gone_before),
		cmocka_unit_test(foreign_reset),
		cmocka_unit_test(listener),
		cmocka_unit_test(connecting),
		cmocka_unit_test(silence),
		cmocka_unit_test(stubborn),
		cmocka_unit_test(others),
		cmocka_unit_test(translated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
