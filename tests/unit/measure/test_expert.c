/* Single rules of expert.c; what all of them give together is held against tshark. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "measure/tcp_measure.h"

#define MS 1000000u

struct talk {
	struct tcp_measure m;
	uint64_t now_ns;
	uint16_t window[2];
};

struct part { /* of a segment, beside its direction */
	uint32_t seq, ack;
	uint16_t len, flags; /* 0: ACK */
	uint32_t after_ms;   /* 0: 10 */
};

static unsigned say(struct talk *t, unsigned dir, struct part part)
{
	struct packet p = {
		.kind = PACKET_TCP,
		.dir = (uint8_t)dir,
		.seq = part.seq,
		.ack = part.ack,
		.payload_len = part.len,
		.segments = 1,
		.window = t->window[dir],
		.tcp_flags = part.flags ? part.flags : TCP_ACK,
	};
	struct segment s = {.p = &p, .dir = p.dir};

	t->now_ns += (part.after_ms ? part.after_ms : 10) * (uint64_t)MS;
	p.ts_ns = t->now_ns;
	s.span = p.payload_len + !!(p.tcp_flags & TCP_SYN) + !!(p.tcp_flags & TCP_FIN);
	s.end = p.seq + s.span;
	expert_segment(&t->m, &s);
	assert_int_equal(s.dup_ack, (s.expert & EXPERT_BIT(DUP_ACK)) != 0);
	return s.expert;
}

/* The handshake takes 20 ms, and its numbers are `base` lower than those of say(). */
static void open_at(struct talk *t, uint32_t base)
{
	*t = (struct talk){.now_ns = MS, .window = {1000, 1000}};
	assert_int_equal(say(t, 0, (struct part){base, .flags = TCP_SYN}), 0);
	assert_int_equal(
		say(t, 1, (struct part){base, base + 1, .flags = TCP_SYN | TCP_ACK}),
		0);
	assert_int_equal(say(t, 0, (struct part){base + 1, base + 1}), 0);
}

static void fast_after_two_duplicates(void **state)
{
	struct talk t;
	uint32_t b = UINT32_MAX - 15; /* the numbers wrap on the way */

	(void)state;
	open_at(&t, b);
	assert_int_equal(say(&t, 0, (struct part){b + 1, b + 1, 10}), 0);
	assert_int_equal(say(&t, 1, (struct part){b + 1, b + 11}), 0);
	assert_int_equal(
		say(&t, 0, (struct part){b + 21, b + 1, 10}), EXPERT_BIT(LOST_SEGMENT));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			say(&t, 1, (struct part){b + 1, b + 11}), EXPERT_BIT(DUP_ACK));
	assert_int_equal(say(&t, 0, (struct part){b + 11, b + 1, 10}),
		EXPERT_BIT(FAST) | EXPERT_BIT(RETRANSMISSION));
	assert_int_equal(t.m.result[0].expert.count[EXPERT_FAST], 1);
	assert_int_equal(t.m.result[0].expert.count[EXPERT_RETRANSMISSION], 1);
	assert_int_equal(t.m.result[1].expert.count[EXPERT_DUP_ACK], 2);
}

/* The same, 21 ms after the last acknowledgement. */
static void late_is_not_fast(void **state)
{
	struct talk t;

	(void)state;
	open_at(&t, 100);
	(void)say(&t, 0, (struct part){101, 101, 10});
	(void)say(&t, 0, (struct part){121, 101, 10});
	for (unsigned i = 0; i < 4; i++)
		(void)say(&t, 1, (struct part){101, 111});
	assert_int_equal(say(&t, 0, (struct part){111, 101, 10, .after_ms = 21}),
		EXPERT_BIT(RETRANSMISSION));
}

/* Out of order as long as no round trip (here 20 ms) has passed. */
static void overtaken(void **state)
{
	struct talk t;

	(void)state;
	open_at(&t, 100);
	(void)say(&t, 0, (struct part){111, 101, 10});
	assert_int_equal(say(&t, 0, (struct part){101, 101, 10, .after_ms = 19}),
		EXPERT_BIT(OUT_OF_ORDER));
	(void)say(&t, 0, (struct part){131, 101, 10});
	assert_int_equal(say(&t, 0, (struct part){121, 101, 10, .after_ms = 20}),
		EXPERT_BIT(RETRANSMISSION));
}

static void acknowledged_before(void **state)
{
	struct talk t;

	(void)state;
	open_at(&t, 100);
	(void)say(&t, 0, (struct part){101, 101, 10});
	(void)say(&t, 1, (struct part){101, 111});
	assert_int_equal(say(&t, 0, (struct part){101, 101, 10}),
		EXPERT_BIT(SPURIOUS) | EXPERT_BIT(RETRANSMISSION));
}

static void probes(void **state)
{
	struct talk t;

	(void)state;
	open_at(&t, 100);
	t.window[1] = 0;
	assert_int_equal(say(&t, 1, (struct part){101, 101}), EXPERT_BIT(ZERO_WINDOW));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(say(&t, 0, (struct part){101, 101, 1}),
			EXPERT_BIT(ZERO_WINDOW_PROBE));
		assert_int_equal(say(&t, 1, (struct part){101, 101}),
			EXPERT_BIT(ZERO_WINDOW) | EXPERT_BIT(ZERO_WINDOW_PROBE_ACK));
	}
	t.window[1] = 9;
	assert_int_equal(
		say(&t, 1, (struct part){101, 101}), EXPERT_BIT(WINDOW_UPDATE));
	assert_int_equal(
		say(&t, 0, (struct part){101, 101, 9}), EXPERT_BIT(WINDOW_FULL));
}

static void keep_alives(void **state)
{
	struct talk t;

	(void)state;
	open_at(&t, 100);
	for (uint16_t len = 0; len < 2; len++) {
		assert_int_equal(say(&t, 0, (struct part){100, 101, len}),
			EXPERT_BIT(KEEP_ALIVE));
		assert_int_equal(say(&t, 1, (struct part){101, 101}),
			EXPERT_BIT(KEEP_ALIVE_ACK));
	}
}

/* A SYN with another number; the same one again was only sent again. */
static void ports_again(void **state)
{
	struct talk t;

	(void)state;
	open_at(&t, 100);
	assert_int_equal(say(&t, 0, (struct part){100, .flags = TCP_SYN}),
		EXPERT_BIT(RETRANSMISSION));
	assert_int_equal(say(&t, 0, (struct part){9000, .flags = TCP_SYN}),
		EXPERT_BIT(REUSED_PORTS));
	assert_int_equal(
		say(&t, 1, (struct part){70, 9001, .flags = TCP_SYN | TCP_ACK}), 0);
	expert_reused(&t.m, 1);
	assert_int_equal(t.m.result[0].expert.count[EXPERT_REUSED_PORTS], 1);
	assert_int_equal(t.m.result[1].expert.count[EXPERT_REUSED_PORTS], 1);
}

static void fragments_are_no_gap(void **state)
{
	struct talk t;
	struct packet rest = {.payload_len = 500, .fragment = 2};

	(void)state;
	open_at(&t, 100);
	(void)say(&t, 0, (struct part){101, 101, 100});
	expert_fragment(&t.m, &rest);
	assert_int_equal(say(&t, 1, (struct part){101, 701}), 0);
	assert_int_equal(say(&t, 0, (struct part){701, 101, 100}), 0);
}

static void counters_stop(void **state)
{
	struct talk t;

	(void)state;
	open_at(&t, 100);
	t.m.result[0].expert.count[EXPERT_DUP_ACK] = UINT32_MAX;
	for (unsigned i = 0; i < 300; i++) /* more than dup_acks holds */
		assert_int_equal(
			say(&t, 0, (struct part){101, 101}), EXPERT_BIT(DUP_ACK));
	assert_int_equal(t.m.result[0].expert.count[EXPERT_DUP_ACK], UINT32_MAX);
	assert_int_equal(t.m.side[0].expert.dup_acks, UINT8_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fast_after_two_duplicates),
		cmocka_unit_test(late_is_not_fast),
		cmocka_unit_test(overtaken),
		cmocka_unit_test(acknowledged_before),
		cmocka_unit_test(probes),
		cmocka_unit_test(keep_alives),
		cmocka_unit_test(ports_again),
		cmocka_unit_test(fragments_are_no_gap),
		cmocka_unit_test(counters_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
