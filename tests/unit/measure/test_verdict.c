#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/tcp_measure.h"
#include "measure/verdict.h"

#define MS_NS 1000000ull

/* 10 s of data of side 0 (who was asked by 1) over 60 ms, nothing lost. */
static void begin(struct tcp_measure *m)
{
	struct limit_shares *s = &m->result[0].limit;

	*m = (struct tcp_measure){0};
	for (unsigned i = 0; i < 2; i++) {
		m->result[i].rtt.has_handshake = true;
		m->result[i].rtt.handshake_us = i ? 50000 : 10000;
		rtt_keep_least(&m->side[i].rtt, i ? 50000 : 10000);
	}
	s->first_ns = 1000 * MS_NS;
	s->last_ns = 11000 * MS_NS;
	s->bytes = 10000000;
	s->segments = 7000;
	s->queue.flight = 60000;
	s->queue.rounds = 160;
}

static void waited(struct tcp_measure *m, enum limit limit, uint64_t ms)
{
	m->result[0].limit.wait[limit].ns = ms * MS_NS;
}

static struct verdict made(const struct tcp_measure *m)
{
	struct verdict v;

	assert_true(verdict_make(m, 0, 1, 0, &v));
	return v;
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(verdict_name(VERDICT_receiver_window), "receiver_window");
	assert_string_equal(verdict_name(VERDICT_short), "short");
	for (unsigned i = 0; i < VERDICT_COUNT; i++)
		assert_true(strlen(verdict_help((enum verdict_by)i)) > 10);
}

static void test_who_sent_nothing_has_none(void **state)
{
	struct tcp_measure m;
	struct verdict v;

	(void)state;
	begin(&m);
	assert_false(verdict_make(&m, 1, 1, 0, &v));
	assert_false(verdict_make(NULL, 0, 1, 0, &v));
}

static void test_the_path(void **state)
{
	struct tcp_measure m;
	struct verdict v;

	(void)state;
	begin(&m);
	waited(&m, LIMIT_path, 9000);
	waited(&m, LIMIT_application, 1000);
	v = made(&m);
	assert_int_equal(v.by, VERDICT_path);
	assert_int_equal(v.rate_bps, 8000000);
	assert_int_equal(v.ceiling_bps, 8000000); /* 60 kB each 60 ms */
	assert_int_equal(v.by_ns, 9000 * MS_NS);
	assert_int_equal(v.all_ns, 10000 * MS_NS);
	assert_int_equal(v.least_us, 60000);
}

static void test_slow_start(void **state)
{
	struct tcp_measure m;

	(void)state;
	begin(&m);
	waited(&m, LIMIT_path, 3000);
	waited(&m, LIMIT_slow_start, 7000);
	assert_int_equal(made(&m).by, VERDICT_slow_start);
}

/* The sender (0) answers; the client is 1. */
static void test_whose_application(void **state)
{
	static const struct {
		enum limit limit;
		enum verdict_who answering, asking;
	} table[] = {
		{LIMIT_application, VERDICT_WHO_WRITER, VERDICT_WHO_WRITER},
		{LIMIT_waiting, VERDICT_WHO_CLIENT, VERDICT_WHO_SERVER},
		{LIMIT_thinking, VERDICT_WHO_SERVER, VERDICT_WHO_CLIENT},
		{LIMIT_turns, VERDICT_WHO_TURNS, VERDICT_WHO_TURNS},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct tcp_measure m;
		struct verdict v;

		begin(&m);
		waited(&m, LIMIT_path, 4000);
		waited(&m, table[i].limit, 6000);
		v = made(&m);
		assert_int_equal(v.by, VERDICT_application);
		assert_int_equal(v.who, table[i].answering);
		assert_int_equal(v.by_ns, 6000 * MS_NS);
		assert_true(verdict_make(&m, 0, 0, 0, &v));
		assert_int_equal(v.who, table[i].asking);
	}
}

static void test_a_small_window_and_a_slow_reader(void **state)
{
	struct tcp_measure m;
	struct verdict v;

	(void)state;
	begin(&m);
	waited(&m, LIMIT_window, 9100);
	waited(&m, LIMIT_path, 900);
	m.result[0].limit.window = 65536;
	m.result[0].limit.window_most = 65536;
	v = made(&m);
	assert_int_equal(v.by, VERDICT_receiver_window);
	assert_int_equal(v.who, VERDICT_WHO_BUFFER);
	assert_in_range(v.ceiling_bps, 8730000, 8740000); /* 64 KiB each 60 ms */
	m.result[1].expert.count[EXPERT_ZERO_WINDOW] = 12;
	m.result[0].limit.bytes /= 4; /* much less than that window allows */
	v = made(&m);
	assert_int_equal(v.who, VERDICT_WHO_READER);
	assert_int_equal(v.zero_windows, 12);
}

static void test_loss_and_its_place(void **state)
{
	struct tcp_measure m;
	struct verdict v;

	(void)state;
	begin(&m);
	waited(&m, LIMIT_path, 8000);
	waited(&m, LIMIT_loss, 2000);
	m.result[0].loss.before = 10;
	m.result[0].loss.after = 60;
	v = made(&m);
	assert_int_equal(v.by, VERDICT_loss);
	assert_int_equal(v.lost, 70);
	assert_int_equal(v.lost_after, 60);
	m.result[0].loss.before = 1; /* one of 7000 keeps nobody down */
	m.result[0].loss.after = 0;
	assert_int_equal(made(&m).by, VERDICT_path);
}

/* What a full link drops is the path's; but not when most of the time went on repairs.
 */
static void test_a_full_link(void **state)
{
	struct tcp_measure m;

	(void)state;
	begin(&m);
	waited(&m, LIMIT_path, 9000);
	waited(&m, LIMIT_loss, 1000);
	m.result[0].loss.after = 70;
	assert_int_equal(made(&m).by, VERDICT_loss);
	m.result[0].limit.even_ns = 8000 * MS_NS;
	assert_int_equal(made(&m).by, VERDICT_path);
	assert_true(made(&m).even);
	waited(&m, LIMIT_loss, 11000);
	assert_int_equal(made(&m).by, VERDICT_loss);
}

/* Every sender may begin with ten segments: with less in flight it has no more. */
static void test_less_than_a_first_window(void **state)
{
	struct tcp_measure m;

	(void)state;
	begin(&m);
	waited(&m, LIMIT_path, 10000);
	m.result[0].limit.segment = 1448;
	m.result[0].limit.queue.flight = 12000;
	m.result[0].rtt.handshake_us = 1000; /* the capture point is beside it */
	rtt_keep_least(&m.side[0].rtt, 1000);
	assert_int_equal(made(&m).by, VERDICT_application);
	assert_int_equal(made(&m).who, VERDICT_WHO_WRITER);
	m.result[0].limit.queue.flight = 20000;
	assert_int_equal(made(&m).by, VERDICT_path);
}

static void test_timers(void **state)
{
	struct tcp_measure m;

	(void)state;
	begin(&m);
	waited(&m, LIMIT_path, 4000);
	waited(&m, LIMIT_rto, 6000);
	m.result[0].loss.after = 50;
	m.result[0].limit.stalls = 3;
	assert_int_equal(made(&m).by, VERDICT_rto);
	assert_int_equal(made(&m).stalls, 3);
}

static void test_reordering(void **state)
{
	struct tcp_measure m;

	(void)state;
	begin(&m);
	waited(&m, LIMIT_path, 9000);
	waited(&m, LIMIT_loss, 1000);
	m.result[0].loss.reordered = 70;
	assert_int_equal(made(&m).by, VERDICT_reordering);
	m.result[0].loss.after = 70; /* as many were lost: that weighs more */
	assert_int_equal(made(&m).by, VERDICT_loss);
}

/* Half 1 (towards the receiver) takes 50 to 350 ms; `grows` with the flight or not. */
static void queue(struct tcp_measure *m, struct pools *pools, bool grows)
{
	struct limit_queue *q = &m->result[0].limit.queue;

	begin(m);
	waited(m, LIMIT_path, 10000);
	for (unsigned i = 0; i < 7; i++)
		spread_add(&m->result[1].rtt.spread, pools, 50000 + 50000 * i);
	q->flight2 = 4e10F;
	q->rtt2 = 1e12F;
	q->both = grows ? 1.8e11F : 0.2e11F; /* correlation 0.9, 0.1 */
}

static void test_a_queue_that_grows_with_the_flight(void **state)
{
	struct tcp_measure m;
	struct pools pools;
	struct verdict v;

	(void)state;
	assert_int_equal(pools_init(&pools, 1 << 22), 0);
	queue(&m, &pools, true);
	v = made(&m);
	assert_int_equal(v.by, VERDICT_queueing);
	assert_true(v.beyond);
	assert_int_equal(v.least_us, 60000);
	assert_in_range(v.queue_us, 120000, 180000);
	queue(&m, &pools, false); /* it only varies */
	assert_int_equal(made(&m).by, VERDICT_path);
	pools_done(&pools);
}

static void test_short(void **state)
{
	struct tcp_measure m;
	struct verdict v;

	(void)state;
	begin(&m);
	waited(&m, LIMIT_slow_start, 200);
	v = made(&m);
	assert_int_equal(v.by, VERDICT_short);
	assert_int_equal(v.rounds, 3);
	waited(&m, LIMIT_rto, 400); /* but that is worth saying */
	assert_int_equal(made(&m).by, VERDICT_rto);
	waited(&m, LIMIT_rto, 0);
	waited(&m, LIMIT_thinking, 400);
	assert_int_equal(made(&m).by, VERDICT_application);
}

static void test_unknown(void **state)
{
	struct tcp_measure m;

	(void)state;
	begin(&m);
	waited(&m, LIMIT_unknown, 6000);
	waited(&m, LIMIT_path, 4000);
	assert_int_equal(made(&m).by, VERDICT_unknown);
	begin(&m); /* one segment: no gap at all */
	assert_int_equal(made(&m).by, VERDICT_unknown);
}

/* A connection that is silent now: whose turn it is. */
static void test_the_gap_that_is_still_open(void **state)
{
	struct tcp_measure m;
	struct verdict v;
	uint64_t now_ns = 71000 * MS_NS;

	(void)state;
	begin(&m);
	waited(&m, LIMIT_path, 10000);
	assert_int_equal(made(&m).by, VERDICT_path);
	assert_true(verdict_make(&m, 0, 1, now_ns, &v));
	assert_int_equal(v.who, VERDICT_WHO_WRITER);
	m.result[0].limit.turns = 5;
	assert_true(verdict_make(&m, 0, 1, now_ns, &v));
	assert_int_equal(v.who, VERDICT_WHO_CLIENT);
	m.result[1].limit.segments = 1;
	m.result[1].limit.last_ns = 11500 * MS_NS;
	assert_true(verdict_make(&m, 0, 1, now_ns, &v));
	assert_int_equal(v.who, VERDICT_WHO_SERVER);
	assert_int_equal(v.all_ns, 70000 * MS_NS);
}

static void test_of_late(void **state)
{
	struct tcp_measure m;
	struct verdict v;

	(void)state;
	begin(&m);
	waited(&m, LIMIT_path, 100000);
	m.result[0].limit.recent_ns = 5000 * MS_NS;
	m.result[0].limit.wait[LIMIT_application].recent_us[0] = 6000000;
	m.result[0].limit.wait[LIMIT_path].recent_us[1] = 4000000;
	assert_true(verdict_recent(&m, 0, 1, 11000 * MS_NS, &v));
	assert_int_equal(v.by, VERDICT_application);
	assert_int_equal(v.all_ns, 10000 * MS_NS);
	assert_true(verdict_make(&m, 0, 1, 0, &v));
	assert_int_equal(v.by, VERDICT_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_who_sent_nothing_has_none),
		cmocka_unit_test(test_the_path),
		cmocka_unit_test(test_slow_start),
		cmocka_unit_test(test_whose_application),
		cmocka_unit_test(test_a_small_window_and_a_slow_reader),
		cmocka_unit_test(test_loss_and_its_place),
		cmocka_unit_test(test_a_full_link),
		cmocka_unit_test(test_less_than_a_first_window),
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_reordering),
		cmocka_unit_test(test_a_queue_that_grows_with_the_flight),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_the_gap_that_is_still_open),
		cmocka_unit_test(test_of_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
