/* Percentiles beside those of the sorted values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "measure/spread.h"

#define MOST 200000

struct world {
	struct pools pools;
	struct spread spread;
	uint32_t values[MOST], count;
	uint64_t rng;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(pools_init(&w->pools, 1u << 20), 0);
	w->rng = 88172645463325252u;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	spread_done(&w->spread, &w->pools);
	assert_int_equal(w->pools.slab[POOL_BUCKETS].used, 0);
	pools_done(&w->pools);
	free(w);
	return 0;
}

static uint32_t random_of(struct world *w)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return (uint32_t)(w->rng >> 32);
}

static void add(struct world *w, uint32_t value)
{
	assert_true(w->count < MOST);
	w->values[w->count++] = value;
	spread_add(&w->spread, &w->pools, value);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t truth(struct world *w, unsigned percent)
{
	qsort(w->values, w->count, sizeof(w->values[0]), compare);
	return w->values[((uint64_t)w->count * percent + 99) / 100 - 1];
}

/* Each within that many percent of the sorted truth, and 1. */
static void check(struct world *w, unsigned off)
{
	static const unsigned percents[] = {50, 95, 99};
	struct spread sealed;

	spread_seal(&sealed, &w->spread);
	for (unsigned i = 0; i < 3; i++) {
		uint32_t right = truth(w, percents[i]);
		uint32_t got = spread_percentile(&w->spread, percents[i]);
		uint32_t far = got > right ? got - right : right - got;

		if (far > (uint64_t)right * off / 100 + (off ? 1 : 0))
			fail_msg("p%u: %u, not %u", percents[i], got, right);
		assert_int_equal(spread_percentile(&sealed, percents[i]), got);
	}
	assert_int_equal(w->spread.least, w->values[0]);
	assert_int_equal(w->spread.most, w->values[w->count - 1]);
	assert_int_equal(w->spread.count, w->count);
	assert_int_equal(sealed.count, w->count);
}

static void few_are_exact(void **state)
{
	struct world *w = *state;

	for (unsigned n = 1; n <= SPREAD_FEW; n++) {
		add(w, random_of(w));
		check(w, 0);
		assert_int_equal(w->pools.slab[POOL_BUCKETS].used, 0);
	}
}

static void extremes_are_exact(void **state)
{
	struct world *w = *state;

	add(w, 0);
	add(w, UINT32_MAX);
	check(w, 0);
}

/* All within a few octaves, as the round trips of one path are: fine buckets. */
static void a_path_is_fine(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 10000; i++)
		add(w, 20000 + random_of(w) % 3000);
	check(w, 3);
}

static void a_queue_is_fine(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 100000; i++)
		add(w, 10000 + i % 1000 * 100);
	check(w, 7);
}

/* From a loopback to a satellite: a quarter of an octave. */
static void wide_ranges(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 50000; i++)
		add(w, (20u << random_of(w) % 15) + random_of(w) % 20);
	check(w, 25);
}

static void one_value_always(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 200000; i++)
		add(w, 4242);
	check(w, 0);
}

/* Counts are halved at 65,535: the shape stays. */
static void many_of_few_values(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 200000; i++)
		add(w, i % 50 ? 1000 : 8000);
	check(w, 3);
}

static void falling_and_rising(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 20000; i++)
		add(w, 200000 - i * 9);
	for (unsigned i = 0; i < 20000; i++)
		add(w, 20000 + i * 9);
	check(w, 7);
}

static void tiny_values(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 1000; i++)
		add(w, i % 10);
	check(w, 13);
}

/* Beyond sixteen octaves only the outermost bucket is left; order and ends are kept. */
static void beyond_the_range(void **state)
{
	struct world *w = *state;
	uint32_t p50, p99;

	for (unsigned i = 0; i < 1000; i++)
		add(w, i % 2 ? UINT32_MAX - i : i);
	p50 = spread_percentile(&w->spread, 50);
	p99 = spread_percentile(&w->spread, 99);
	assert_true(p50 <= p99 && p99 <= w->spread.most && p50 >= w->spread.least);
}

/* No histogram to be had: still values of all times, and the ends. */
static void without_room(void **state)
{
	struct world *w = *state;
	bool late = false;

	while (pools_alloc(&w->pools, POOL_BUCKETS))
		;
	for (unsigned i = 0; i < 10000; i++)
		add(w, i);
	assert_int_equal(w->spread.count, 10000);
	assert_int_equal(w->spread.least, 0);
	assert_int_equal(w->spread.most, 9999);
	for (unsigned i = 0; i < SPREAD_FEW; i++)
		late |= w->spread.few[i] > 1000;
	assert_true(late);
	assert_true(spread_percentile(&w->spread, 50) > 100);
	for (uint32_t n = w->pools.slab[POOL_BUCKETS].used; n; n--)
		pools_free(&w->pools, POOL_BUCKETS, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(few_are_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(extremes_are_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(a_path_is_fine, setup, teardown),
		cmocka_unit_test_setup_teardown(a_queue_is_fine, setup, teardown),
		cmocka_unit_test_setup_teardown(wide_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(one_value_always, setup, teardown),
		cmocka_unit_test_setup_teardown(many_of_few_values, setup, teardown),
		cmocka_unit_test_setup_teardown(falling_and_rising, setup, teardown),
		cmocka_unit_test_setup_teardown(tiny_values, setup, teardown),
		cmocka_unit_test_setup_teardown(beyond_the_range, setup, teardown),
		cmocka_unit_test_setup_teardown(without_room, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
