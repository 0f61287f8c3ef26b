/* The timing wheel against a list of all records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "flow/wheel.h"

#define RECORDS 400u
#define STEPS   20000u

struct record {
	struct wheel_link link;
	uint64_t expiry_ns;
	bool inside;
};

struct plan {
	struct wheel wheel;
	struct wheel_user user;
	struct record record[RECORDS + 1]; /* 0 is none */
	uint64_t now_ns, longest_ns;
	uint32_t inside;
};

static struct wheel_link *plan_link(void *ctx, uint32_t ref)
{
	struct plan *p = ctx;

	assert_in_range(ref, 1, RECORDS);
	return &p->record[ref].link;
}

static uint64_t plan_expiry(void *ctx, uint32_t ref)
{
	struct plan *p = ctx;

	return p->record[ref].expiry_ns;
}

static uint64_t any(uint64_t below)
{
	return ((uint64_t)rand() << 31 | (uint64_t)rand()) % below;
}

static void plan_start(struct plan *p, uint64_t longest_ns)
{
	memset(p, 0, sizeof(*p));
	p->user = (struct wheel_user){p, plan_link, plan_expiry};
	p->now_ns = 1700000000000000000u;
	p->longest_ns = longest_ns;
	wheel_init(&p->wheel, longest_ns);
	assert_int_equal(wheel_due(&p->wheel, &p->user, p->now_ns), 0);
}

static void put(struct plan *p, uint32_t ref)
{
	p->record[ref].expiry_ns = p->now_ns + any(p->longest_ns) + 1;
	p->record[ref].inside = true;
	p->inside++;
	wheel_add(&p->wheel, &p->user, ref);
}

static void take(struct plan *p, uint32_t ref)
{
	wheel_remove(&p->wheel, &p->user, ref);
	p->record[ref].inside = false;
	p->inside--;
}

/* Nothing comes before its time, and nothing stays a tick longer than it. */
static void advance(struct plan *p, uint64_t now_ns)
{
	uint32_t ref;

	p->now_ns = now_ns;
	while ((ref = wheel_due(&p->wheel, &p->user, now_ns))) {
		assert_true(p->record[ref].inside);
		assert_true(p->record[ref].expiry_ns <= now_ns);
		take(p, ref);
	}
	for (ref = 1; ref <= RECORDS; ref++)
		if (p->record[ref].inside)
			assert_true(p->record[ref].expiry_ns / p->wheel.tick_ns >=
				    now_ns / p->wheel.tick_ns);
	assert_int_equal(p->wheel.count, p->inside);
}

static void check_oldest(struct plan *p)
{
	uint32_t ref = wheel_oldest(&p->wheel, &p->user);
	uint64_t least = UINT64_MAX;

	assert_int_equal(ref != 0, p->inside != 0);
	if (!ref)
		return;
	assert_true(p->record[ref].inside);
	for (uint32_t i = 1; i <= RECORDS; i++)
		if (p->record[i].inside && p->record[i].expiry_ns < least)
			least = p->record[i].expiry_ns;
	if (p->record[ref].expiry_ns / p->wheel.tick_ns < p->wheel.tick + WHEEL_SLOTS)
		assert_true(p->record[ref].expiry_ns / p->wheel.tick_ns <=
			    least / p->wheel.tick_ns);
}

static void step(struct plan *p)
{
	uint32_t ref = 1 + (uint32_t)any(RECORDS);
	struct record *r = &p->record[ref];

	switch (rand() % 8) {
	case 0:
	case 1:
	case 2:
		if (!r->inside)
			put(p, ref);
		break;
	case 3:
		if (r->inside)
			take(p, ref);
		break;
	case 4:
	case 5: /* used: later expiry, the wheel is not told */
		if (r->inside && r->expiry_ns > p->now_ns &&
			r->expiry_ns < p->now_ns + p->longest_ns)
			r->expiry_ns = p->now_ns + p->longest_ns;
		break;
	case 6: advance(p, p->now_ns + any(p->longest_ns / 50)); break;
	default: check_oldest(p);
	}
}

static void random_use(void **state)
{
	static const uint64_t longest[] = {1, 1000, 60000000000u, 7440000000000u};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct plan *p = calloc(1, sizeof(*p));

		srand(i + 1);
		plan_start(p, longest[i] < 50 ? 50 : longest[i]);
		for (unsigned n = 0; n < STEPS; n++)
			step(p);
		advance(p, p->now_ns + 3 * p->longest_ns + 3 * p->wheel.tick_ns);
		assert_int_equal(p->inside, 0);
		free(p);
	}
}

/* Long silence: several rounds of the wheel at once. */
static void time_jumps_ahead(void **state)
{
	static struct plan plan;
	struct plan *p = &plan;

	(void)state;
	srand(3);
	plan_start(p, 1000000);
	for (unsigned turn = 0; turn < 200; turn++) {
		for (uint32_t ref = 1; ref <= 50; ref++)
			if (!p->record[ref].inside)
				put(p, ref);
		advance(p, p->now_ns + any(p->longest_ns * 8));
	}
}

/* Expiries may lie far ahead of a clock that was put back; nothing is lost. */
static void time_runs_back(void **state)
{
	static struct plan plan;
	struct plan *p = &plan;

	(void)state;
	srand(4);
	plan_start(p, 1000000);
	for (unsigned turn = 0; turn < 3000; turn++) {
		for (unsigned n = 0; n < 20; n++)
			step(p);
		if (turn % 10 == 0)
			advance(p, p->now_ns - any(p->longest_ns * 5));
		if (turn % 100 == 0)
			advance(p, p->now_ns + any(p->longest_ns * 9));
	}
	advance(p, p->now_ns + 5000 * p->longest_ns);
	assert_int_equal(p->inside, 0);
}

/* All in one slot, all used since but the last one put: that one is the oldest. */
static void oldest_is_the_unused_one(void **state)
{
	static struct plan plan;
	struct plan *p = &plan;

	(void)state;
	plan_start(p, 1280000);
	for (uint32_t ref = 1; ref <= 100; ref++) {
		p->record[ref].expiry_ns = p->now_ns + 500000;
		p->record[ref].inside = true;
		p->inside++;
		wheel_add(&p->wheel, &p->user, ref);
		if (ref < 100)
			p->record[ref].expiry_ns += 200000;
	}
	assert_int_equal(wheel_oldest(&p->wheel, &p->user), 100);
}

/* Later than the wheel reaches: it must neither loop nor forget. */
static void beyond_the_longest(void **state)
{
	static struct plan plan;
	struct plan *p = &plan;

	(void)state;
	plan_start(p, 1280000);
	for (uint32_t ref = 1; ref <= 3; ref++) {
		p->record[ref].expiry_ns = ref == 3 ? UINT64_MAX : p->now_ns * 2;
		p->record[ref].inside = true;
		p->inside++;
		wheel_add(&p->wheel, &p->user, ref);
	}
	assert_int_equal(wheel_oldest(&p->wheel, &p->user), 1);
	for (unsigned i = 0; i < 2000; i++)
		advance(p, p->now_ns + 5000);
	assert_int_equal(p->inside, 3);
	advance(p, p->now_ns * 3);
	assert_int_equal(p->inside, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_use),
		cmocka_unit_test(time_jumps_ahead),
		cmocka_unit_test(time_runs_back),
		cmocka_unit_test(oldest_is_the_unused_one),
		cmocka_unit_test(beyond_the_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
