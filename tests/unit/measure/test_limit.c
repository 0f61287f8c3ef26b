#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/tcp_measure.h"

#define MSS   1448u
#define RTT   60000u /* us; all of it between here and the receiver */
#define MS    1000u
#define OTHER 1u

/* A sender (0), a receiver (1), a capture point right beside the sender. */
struct world {
	struct tcp_measure m;
	uint64_t begin_us;
	uint32_t next[2];       /* sequence numbers */
	uint32_t acked, window; /* what the sender knows */
	uint64_t acked_us;      /* since when */
	bool blind;             /* no acknowledgement was ever seen */
	bool plain;             /* no timestamps */
	unsigned class;         /* enum segment_class of the next data */
};

static void begin(struct world *w)
{
	struct packet p = {.ts_ns = 1000000000, .tcp_flags = TCP_ACK, .segments = 1};
	struct segment s = {.p = &p};

	*w = (struct world){
		.begin_us = 1000000, .next = {1000, 5000}, .class = SEGMENT_NEW};
	w->acked = p.seq = w->next[0];
	p.ack = w->next[1];
	w->window = 1 << 20;
	for (unsigned i = 0; i < 2; i++)
		w->m.result[i].rtt.has_handshake = true;
	rtt_keep_least(&w->m.side[0].rtt, w->m.result[0].rtt.handshake_us = 20);
	rtt_keep_least(&w->m.side[1].rtt, w->m.result[1].rtt.handshake_us = RTT);
	limit_segment(&w->m, &s);
}

static void put(struct world *w, unsigned dir, uint64_t us, struct packet *p)
{
	struct segment s = {.p = p,
		.dir = (uint8_t)dir,
		.class = p->payload_len ? (uint8_t)w->class : SEGMENT_EMPTY,
		.span = p->payload_len,
		.end = p->seq + p->payload_len};

	p->ts_ns = (w->begin_us + us) * 1000;
	p->segments = 1;
	p->dir = (uint8_t)dir;
	p->tcp_flags |= TCP_ACK;
	p->has_timestamps = !w->plain;
	s.has_known = !w->blind;
	s.known_ack = dir == 0 ? w->acked : w->next[0];
	s.known_edge = dir == 0 ? w->acked + w->window : w->next[0] + 65536;
	s.known_ns = dir == 0 ? (w->begin_us + w->acked_us) * 1000 : p->ts_ns;
	limit_segment(&w->m, &s);
}

/* Data of the sender at `us`. */
static void data(struct world *w, uint64_t us, uint32_t len, unsigned flags)
{
	struct packet p = {
		.seq = w->next[0], .payload_len = len, .tcp_flags = (uint16_t)flags};

	w->next[0] += len;
	put(w, 0, us, &p);
}

static void whole(struct world *w, uint64_t us)
{
	data(w, us, MSS, 0);
}

/* The last bytes once more. */
static void again(struct world *w, uint64_t us, uint32_t bytes_back, unsigned class)
{
	struct packet p = {.seq = w->next[0] - bytes_back, .payload_len = MSS};

	w->class = class;
	put(w, 0, us, &p);
	w->class = SEGMENT_NEW;
}

/* The receiver acknowledges all but `rest` bytes; the sender knows at once. */
static void ack(struct world *w, uint64_t us, uint32_t rest)
{
	struct packet p = {.seq = w->next[1], .ack = w->next[0] - rest};
	struct segment s = {.p = &p, .dir = OTHER, .new_ack = true};

	p.ts_ns = (w->begin_us + us) * 1000;
	p.tcp_flags = TCP_ACK;
	limit_segment(&w->m, &s);
	w->acked = p.ack;
	w->acked_us = us;
}

/* The receiver asks something. */
static void question(struct world *w, uint64_t us)
{
	struct packet p = {.seq = w->next[1], .payload_len = 100};

	w->next[1] += 100;
	put(w, OTHER, us, &p);
}

static uint64_t ms(const struct world *w, enum limit limit)
{
	return (w->m.result[0].limit.wait[limit].ns + 500000) / 1000000;
}

/* `count` whole segments back to back, at 10 us each. */
static void burst(struct world *w, uint64_t us, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		whole(w, us + 10ull * i);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(limit_name(LIMIT_path), "path");
	assert_string_equal(limit_name(LIMIT_slow_start), "slow_start");
	for (unsigned i = 0; i < LIMIT_COUNT; i++)
		assert_true(strlen(limit_help((enum limit)i)) > 10);
}

static void test_idle_with_everything_acknowledged_is_the_application(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	burst(&w, 0, 4);
	ack(&w, 60 * MS, 0);
	burst(&w, 500 * MS, 4); /* idle for 440 ms */
	ack(&w, 560 * MS, 0);
	burst(&w, 1000 * MS, 1);
	assert_int_equal(ms(&w, LIMIT_application), 1000);
}

static void test_the_ack_that_frees_everything_is_no_application(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (unsigned i = 0; i < 20; i++) {
		burst(&w, 60ull * MS * i, 2);
		ack(&w, 60ull * MS * (i + 1) - 100, 0);
	}
	assert_int_equal(ms(&w, LIMIT_application), 0);
	assert_in_range(ms(&w, LIMIT_path) + ms(&w, LIMIT_slow_start), 1050, 1150);
}

/* 8 kB each 20 ms: three writes are always in flight, none waits for an ack. */
static void test_writes_at_a_fixed_rate_are_the_application(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (unsigned i = 0; i < 50; i++) {
		uint64_t us = 20ull * MS * i;

		if (i >= 3)
			ack(&w, us - 5 * MS, 2 * 8000);
		burst(&w, us, 5);
		data(&w, us + 50, 8000 - 5 * MSS, TCP_PSH);
	}
	assert_in_range(ms(&w, LIMIT_application), 950, 1000);
	assert_true(w.m.result[0].limit.writes >= 48);
}

/* Whole segments only: that acknowledgements do not set them free tells it. */
static void test_writes_of_whole_segments_are_the_application(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (unsigned i = 0; i < 50; i++) {
		uint64_t us = 30ull * MS * i;

		if (i >= 2)
			ack(&w, us - 12 * MS, 5 * MSS);
		burst(&w, us, 4);
		data(&w, us + 40, MSS, TCP_PSH);
	}
	assert_true(ms(&w, LIMIT_application) > 1000);
}

static void ack_clocked(struct world *w, bool plain)
{
	begin(w);
	w->plain = plain;
	burst(w, 0, 10);
	for (unsigned i = 1; i < 40; i++) {
		ack(w, 60ull * MS * i, 9 * MSS);
		for (unsigned n = 0; n < 10; n++)
			data(w, 60ull * MS * i + 20 + n, MSS, n & 1 ? TCP_PSH : 0);
	}
}

/* Linux sets PSH on each super-packet: it is no end of a write then. */
static void test_pushed_segments_that_acks_set_free_are_the_path(void **state)
{
	struct world w;

	(void)state;
	for (unsigned plain = 0; plain < 2; plain++) {
		ack_clocked(&w, plain);
		assert_int_equal(ms(&w, LIMIT_application), 0);
		assert_true(ms(&w, LIMIT_path) > 1500);
	}
}

static void test_the_edge_of_the_window(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.window = 8 * MSS + 700;
	for (unsigned i = 0; i < 20; i++) {
		burst(&w, 60ull * MS * i, 8);
		ack(&w, 60ull * MS * (i + 1) - 50, 0);
	}
	assert_in_range(ms(&w, LIMIT_window), 1100, 1150);
	assert_in_range((uint64_t)w.m.result[0].limit.window, 8 * MSS, 9 * MSS);
	assert_int_equal(w.m.result[0].limit.window_most, 8 * MSS + 700);
}

/* Midstream the scale is not known: then the window says nothing. */
static void test_a_window_of_unknown_scale(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.m.side[1].rtt.wscale = UINT8_MAX;
	w.window = 8 * MSS + 700;
	for (unsigned i = 0; i < 20; i++) {
		burst(&w, 60ull * MS * i, 8);
		ack(&w, 60ull * MS * (i + 1) - 50, 0);
	}
	assert_int_equal(ms(&w, LIMIT_window), 0);
	assert_int_equal(w.m.result[0].limit.window_most, 0);
}

static void test_a_timer_that_ran_out(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	burst(&w, 0, 5);
	again(&w, 400 * MS, 5 * MSS, SEGMENT_AGAIN);
	assert_int_equal(ms(&w, LIMIT_rto), 400);
	assert_int_equal(w.m.result[0].limit.stalls, 1);
}

static void test_duplicate_acks_make_it_loss_until_recovered(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	burst(&w, 0, 20);
	w.m.side[0].loss.dup_acks = 3;
	again(&w, 300 * MS, 20 * MSS, SEGMENT_AGAIN); /* late, yet not by a timer */
	whole(&w, 330 * MS);
	assert_int_equal(ms(&w, LIMIT_loss), 330);
	assert_int_equal(w.m.result[0].limit.stalls, 0);
	ack(&w, 360 * MS, MSS); /* up to the recovery point */
	whole(&w, 360 * MS + 20);
	whole(&w, 400 * MS);
	assert_int_equal(ms(&w, LIMIT_loss), 330);
}

static void test_growing_flights_are_slow_start(void **state)
{
	struct world w;
	uint64_t us = 0;

	(void)state;
	begin(&w);
	for (unsigned i = 0, n = 10; i < 4; i++, n *= 2) {
		burst(&w, us, n);
		us += 60 * MS;
		ack(&w, us - 20, MSS); /* never everything */
	}
	burst(&w, us, 160);
	assert_true(ms(&w, LIMIT_slow_start) > 200);
	for (unsigned i = 0; i < 30; i++) {
		us += 60 * MS;
		ack(&w, us - 20, MSS);
		burst(&w, us, 160);
	}
	assert_in_range(ms(&w, LIMIT_slow_start), 200, 400);
	assert_true(ms(&w, LIMIT_path) > 1500);
}

static void test_questions_and_answers(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (unsigned i = 0; i < 10; i++) {
		uint64_t us = 1000ull * MS * i;

		question(&w, us + 300 * MS);
		data(&w, us + 500 * MS, 700, TCP_PSH); /* thought for 200 ms */
		ack(&w, us + 560 * MS, 0);
	}
	assert_in_range(ms(&w, LIMIT_thinking), 1990, 2000);
	assert_in_range(ms(&w, LIMIT_turns), 590, 610); /* a round trip each */
	assert_in_range(ms(&w, LIMIT_waiting), 6880, 6960);
	assert_int_equal(w.m.result[0].limit.turns, 10);
}

static void test_without_acknowledgements_nothing_is_known(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.blind = true;
	for (unsigned i = 0; i < 50; i++)
		data(&w, 20ull * MS * i, 600, TCP_PSH);
	assert_int_equal(ms(&w, LIMIT_unknown), 980);
}

static void test_probes_and_keep_alives_end_no_gap(void **state)
{
	struct world w;
	struct packet p = {.payload_len = 1};

	(void)state;
	begin(&w);
	w.window = 4 * MSS;
	burst(&w, 0, 4);
	w.window = 0;
	ack(&w, 60 * MS, 0);
	w.class = SEGMENT_PROBE;
	p.seq = w.next[0];
	put(&w, 0, 400 * MS, &p);
	w.class = SEGMENT_NEW;
	w.window = 4 * MSS;
	w.acked_us = 900 * MS;
	whole(&w, 900 * MS);
	assert_int_equal(ms(&w, LIMIT_window), 900);
}

/* A super-packet counts as the segments it stands for, captured with or without. */
static void test_super_packets(void **state)
{
	struct world w;
	struct packet syn = {.tcp_flags = TCP_SYN, .has_mss = true, .mss = 1460};
	struct segment s = {.p = &syn, .dir = OTHER};

	(void)state;
	begin(&w);
	syn.has_timestamps = true;
	limit_segment(&w.m, &s);
	data(&w, 0, 10 * MSS, TCP_PSH); /* whole ones: no end of a write */
	assert_int_equal(w.m.result[0].limit.segments, 10);
	data(&w, 10, 3 * MSS + 1, TCP_PSH);
	assert_int_equal(w.m.result[0].limit.segments, 14);
}

/* Something that may happen; `dice` decides. */
static void anything(struct world *w, uint64_t us, uint64_t dice)
{
	switch (dice >> 60) {
	case 0: question(w, us); break;
	case 1: again(w, us, MSS, SEGMENT_AGAIN); break;
	case 2:
	case 3:
	case 4: ack(w, us, (dice >> 40) % 3 * MSS); break;
	case 5: w->window = (dice >> 40) % 20 * MSS; break;
	default: data(w, us, dice & 16 ? MSS : 500, dice & 32 ? TCP_PSH : 0); break;
	}
}

static uint64_t all_of(const struct world *w)
{
	uint64_t sum = w->m.side[0].limit.pending_us * 1000ull;

	for (unsigned i = 0; i < LIMIT_COUNT; i++)
		sum += w->m.result[0].limit.wait[i].ns;
	return sum;
}

/* Every nanosecond between the first and the last data belongs to one limit. */
static void test_the_shares_are_all_of_the_time(void **state)
{
	uint64_t dice = 7;

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		struct world w;
		uint64_t us = 0;

		begin(&w);
		for (unsigned i = 0; i < 300; i++) {
			dice = dice * 6364136223846793005ull + 1442695040888963407ull;
			us += (dice >> 33) % (dice & 8 ? 90000 : 40);
			anything(&w, us, dice);
		}
		assert_int_equal(
			all_of(&w), w.m.side[0].limit.last_ns - w.begin_us * 1000);
	}
}

/* Nothing of the lost flight came here: a timer's segment is new here, and alone. */
static void test_a_timer_whose_losses_are_before_here(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	burst(&w, 0, 4);
	ack(&w, 60 * MS, 0);
	whole(&w, 700 * MS);
	assert_int_equal(ms(&w, LIMIT_application), 700);
	ack(&w, 760 * MS, 0);
	burst(&w, 760 * MS + 10, 2); /* a round trip later */
	assert_int_equal(ms(&w, LIMIT_rto), 700);
	assert_int_equal(ms(&w, LIMIT_application), 0);
	assert_int_equal(w.m.result[0].limit.stalls, 1);
}

/* The last ten to twenty seconds, whatever was before. */
static void test_recent_shares(void **state)
{
	struct world w;
	uint64_t recent = 0;

	(void)state;
	begin(&w);
	for (unsigned i = 0; i < 600; i++) {
		data(&w, 100ull * MS * i, 700, TCP_PSH);
		ack(&w, 100ull * MS * i + 60 * MS, 0);
	}
	for (unsigned i = 0; i < 2; i++)
		recent += w.m.result[0].limit.wait[LIMIT_application].recent_us[i];
	assert_in_range(recent, 9900000, 20100000);
	assert_int_equal(ms(&w, LIMIT_application), 59900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(
			test_idle_with_everything_acknowledged_is_the_application),
		cmocka_unit_test(test_the_ack_that_frees_everything_is_no_application),
		cmocka_unit_test(test_writes_at_a_fixed_rate_are_the_application),
		cmocka_unit_test(test_writes_of_whole_segments_are_the_application),
		cmocka_unit_test(test_pushed_segments_that_acks_set_free_are_the_path),
		cmocka_unit_test(test_the_edge_of_the_window),
		cmocka_unit_test(test_a_window_of_unknown_scale),
		cmocka_unit_test(test_a_timer_that_ran_out),
		cmocka_unit_test(test_duplicate_acks_make_it_loss_until_recovered),
		cmocka_unit_test(test_growing_flights_are_slow_start),
		cmocka_unit_test(test_questions_and_answers),
		cmocka_unit_test(test_without_acknowledgements_nothing_is_known),
		cmocka_unit_test(test_probes_and_keep_alives_end_no_gap),
		cmocka_unit_test(test_super_packets),
		cmocka_unit_test(test_the_shares_are_all_of_the_time),
		cmocka_unit_test(test_a_timer_whose_losses_are_before_here),
		cmocka_unit_test(test_recent_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
