/* When flows are forgotten: at look-up, by the wheel, whatever the batches and clocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define FOREVER_S 100000000ull

struct timeout {
	uint8_t proto;
	const char *script, *again; /* what makes it, and what comes late */
	unsigned seconds;
};

static const struct timeout timeouts[] = {
	{PROTO_TCP, ">S", ">A", 60},
	{PROTO_TCP, ">S <SA", ">A", 60},
	{PROTO_TCP, "<SA", ">A", 60},
	{PROTO_TCP, ">S >A100", ">A100", 300}, /* the other way is not captured */
	{PROTO_TCP, ">A", ">A", 300},
	{PROTO_TCP, ">S <SA >A", "<A100", 7440},
	{PROTO_TCP, ">A100 <A", "<A100", 7440},
	{PROTO_TCP, ">S <SA >A >FA <A", "<A100", 7440},
	{PROTO_TCP, ">S <RA", "<RA", 5},
	{PROTO_TCP, ">S <SA >A <FA >FA <A", ">A", 5},
	{PROTO_TCP, ">R", ">R", 5},
	{PROTO_UDP, ">.10", ">.10", 120},
	{PROTO_UDP, ">.10 <.10", ">.10", 300},
	{PROTO_ICMP, ">.10", ">.10", 60},
	{PROTO_ICMPV6, ">.10 <.10", ">.10", 60},
	{PROTO_ESP, ">.10", ">.10", 300},
	{PROTO_ESP, ">.10 <.10", ">.10", 300},
};

static struct rig *made(
	const struct timeout *t, bool full, const struct flow_setup *setup)
{
	struct rig *r = rig_new(setup);

	if (full)
		rig_only_full(r);
	r->talk = rig_talk(t->proto, 1, t->proto == PROTO_ICMPV6);
	if (t->proto == PROTO_ESP)
		r->talk.proto.kind = PACKET_OTHER_IP;
	rig_play(r, t->script);
	assert_int_equal(flow_table_count(r->table), 1);
	return r;
}

static unsigned rows_of(const struct timeout *t, bool full, uint64_t idle_ns,
	const struct flow_setup *setup)
{
	struct rig *r = made(t, full, setup);
	unsigned rows;

	r->now_ns += idle_ns - RIG_MS; /* it stands 1 ms after the last packet */
	r->batch = 2;
	rig_play(r, t->again);
	rig_end(r);
	rows = r->rows;
	rig_free(r);
	return rows;
}

static void at_look_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]) * 2; i++) {
		const struct timeout *t = &timeouts[i / 2];
		uint64_t ns = t->seconds * RIG_SECOND;

		if (rows_of(t, i % 2, ns - 1, NULL) != 1 ||
			rows_of(t, i % 2, ns, NULL) != 2)
			fail_msg("\"%s\"%s does not end after %u s", t->script,
				i % 2 ? " (full)" : "", t->seconds);
	}
}

/* By itself, at most a tick (a 128th of the longest time of its class) too late. */
static void by_the_wheel(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]) * 2; i++) {
		const struct timeout *t = &timeouts[i / 2];
		struct rig *r = made(t, i % 2, NULL);
		uint64_t due = r->now_ns - RIG_MS + t->seconds * RIG_SECOND;
		unsigned tick_s = t->seconds > 300 ? 60 : 3;

		flow_table_advance(r->table, due - 1);
		assert_int_equal(flow_table_count(r->table), 1);
		flow_table_advance(r->table, due + tick_s * RIG_SECOND);
		assert_int_equal(flow_table_count(r->table), 0);
		assert_int_equal(r->rows, 1);
		if (t->seconds >
			5) /* not closed: its end is an event, when it was due */
			assert_int_equal(r->event[r->events - 1].now_ns, due);
		rig_end(r);
		rig_free(r);
	}
}

static void as_the_user_says(void **state)
{
	struct flow_setup idle = {.idle_ns = 2 * RIG_SECOND};
	struct flow_setup keep = {.keep_ns = 900 * RIG_SECOND};

	(void)state;
	for (unsigned full = 0; full < 2; full++)
		for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
			const struct timeout *t = &timeouts[i];
			bool closed = t->seconds == 5;
			uint64_t s = closed ? 5 : 2;

			assert_int_equal(
				rows_of(t, full, s * RIG_SECOND - 1, &idle), 1);
			assert_int_equal(rows_of(t, full, s * RIG_SECOND, &idle), 2);
			if (!closed)
				continue;
			assert_int_equal(
				rows_of(t, full, 900 * RIG_SECOND - 1, &keep), 1);
			assert_int_equal(rows_of(t, full, 900 * RIG_SECOND, &keep), 2);
		}
}

static void never(void **state)
{
	struct flow_setup forever = {
		.idle_ns = FOREVER_S * RIG_SECOND, .keep_ns = FOREVER_S * RIG_SECOND};

	(void)state;
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++)
		assert_int_equal(rows_of(&timeouts[i], i % 2, 86400 * 365 * RIG_SECOND,
					 &forever),
			1);
}

/* A connection that is used lives on, for hours and over many rounds of the wheel. */
static void use_prolongs(void **state)
{
	struct rig *r = rig_of(">S <SA >A");

	(void)state;
	rig_free(r);
	r = rig_new(NULL);
	rig_play(r, ">S <SA >A");
	for (unsigned i = 0; i < 200; i++)
		rig_play(r, "t7430000 >A1");
	r->talk = rig_talk(PROTO_UDP, 5, false);
	for (unsigned i = 0; i < 200; i++)
		rig_play(r, "t119000 >.1");
	rig_end(r);
	assert_int_equal(r->rows, 2);
	rig_free(r);
}

/* An error about a connection that is over belongs to nobody. */
static void errors_come_too_late(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct rig *r = rig_new(NULL);
		struct packet p;

		if (i & 1)
			rig_only_full(r);
		rig_play(r, ">S");
		r->now_ns = RIG_EPOCH + 60 * RIG_SECOND - !(i & 2);
		p = rig_packet(r, &r->talk, 0);
		p.kind = PACKET_ICMP_ERROR;
		p.icmp_type = 3;
		p.icmp_code = 1;
		rig_feed(r, &p);
		rig_end(r);
		assert_int_equal(r->rows, 1);
		assert_int_equal(!!(r->row[0].facts & FLOW_ICMP_ERROR), !(i & 2));
		rig_free(r);
	}
}

static int row_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct flow));
}

static int event_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct rig_event));
}

/* What is only about the place in the table, not about the connection. */
static void forget_place(struct rig *r)
{
	for (unsigned i = 0; i < r->rows; i++) {
		r->row[i].link = (struct wheel_link){0, 0};
		r->row[i].tcp = NULL;
	}
	qsort(r->row, r->rows, sizeof(r->row[0]), row_order);
	qsort(r->event, r->events, sizeof(r->event[0]), event_order);
}

static void random_word(struct rig *r)
{
	static const char *const words[] = {">S", "<SA", ">A", "<A", ">A100", "<A1400",
		">A10@-10", "x>50", ">FA", "<FA", "<R", ">S@500", "t10", "t900",
		"t5000", "t61000", "t130000", "t301000", "t1", "t1"};

	rig_play(r, words[rand() % 20]);
}

static struct rig *in_batches(unsigned seed, unsigned batch)
{
	struct rig *r = rig_new(NULL);
	struct dialogue t[5];

	srand(seed);
	r->batch = batch;
	for (unsigned n = 0; n < 5; n++)
		t[n] = rig_talk(n == 4 ? PROTO_UDP : PROTO_TCP, n, n == 2);
	for (unsigned i = 0; i < 400; i++) {
		unsigned n = (unsigned)rand() % 5;

		r->talk = t[n];
		random_word(r);
		t[n] = r->talk;
	}
	rig_end(r);
	assert_in_range(r->rows, 5, RIG_ROWS);
	forget_place(r);
	return r;
}

static void batches_do_not_matter(void **state)
{
	static const unsigned sizes[] = {2, 3, 31, 64};

	(void)state;
	for (unsigned seed = 1; seed <= 60; seed++) {
		struct rig *one = in_batches(seed, 1);

		for (unsigned i = 0; i < 4; i++) {
			struct rig *other = in_batches(seed, sizes[i]);

			assert_int_equal(one->rows, other->rows);
			assert_memory_equal(
				one->row, other->row, one->rows * sizeof(one->row[0]));
			assert_int_equal(one->events, other->events);
			assert_memory_equal(one->event, other->event,
				one->events * sizeof(one->event[0]));
			rig_free(other);
		}
		rig_free(one);
	}
}

/* Clocks that jump, stamps of damaged files: nothing is lost, nothing is negative. */
static void clocks_that_jump(void **state)
{
	static const uint64_t stamps[] = {0, 1, RIG_EPOCH, RIG_EPOCH + 1,
		4294967296ull * 1000000000, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};

	(void)state;
	for (unsigned seed = 1; seed <= 300; seed++) {
		struct flow_setup setup = {.max_flows = seed % 4};
		struct rig *r = rig_new(&setup);

		srand(seed);
		r->batch = 1 + seed % 9;
		for (unsigned i = 0; i < 200; i++) {
			if (rand() % 4 == 0)
				r->now_ns = stamps[rand() % 8];
			else if (rand() % 4 == 0)
				r->now_ns -= (uint64_t)rand() * 1000;
			random_word(r);
		}
		rig_end(r);
		for (unsigned i = 0; i < r->rows && i < RIG_ROWS; i++)
			assert_true(r->row[i].last_ns >= r->row[i].first_ns);
		rig_free(r);
	}
}

static void steps_are_counted(void **state)
{
	struct rig *r = rig_of(">S t1000 <SA t-3 >A t-20 >A t5000 >A t-2000 <A");

	(void)state;
	assert_int_equal(r->counters.clock_steps, 2);
	assert_int_equal(r->rows, 1);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_look_up),
		cmocka_unit_test(by_the_wheel),
		cmocka_unit_test(as_the_user_says),
		cmocka_unit_test(never),
		cmocka_unit_test(use_prolongs),
		cmocka_unit_test(errors_come_too_late),
		cmocka_unit_test(batches_do_not_matter),
		cmocka_unit_test(clocks_that_jump),
		cmocka_unit_test(steps_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
