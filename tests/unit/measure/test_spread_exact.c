#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "measure/spread.h"

#define VALUES 5000

static const unsigned percents[] = {50, 95, 99};

typedef void add_to(struct spread *s, struct pools *pools, uint32_t value);

struct world {
	struct pools pools;
	uint32_t values[VALUES];
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(pools_init(&w->pools, 16u << 20), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	pools_done(&w->pools);
	free(w);
	return 0;
}

static int order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The nearest rank of the sorted values. */
static uint32_t truth(const uint32_t *sorted, uint32_t n, unsigned percent)
{
	return sorted[(n * percent + 99) / 100 - 1];
}

static void fill(struct world *w, struct spread *s, uint32_t n, add_to *add)
{
	for (uint32_t i = 0; i < n; i++)
		add(s, &w->pools, w->values[i]);
	qsort(w->values, n, sizeof(w->values[0]), order);
	assert_int_equal(s->count, n);
	assert_int_equal(s->least, w->values[0]);
	assert_int_equal(s->most, w->values[n - 1]);
}

static void exact(struct world *w, uint32_t most, add_to *add)
{
	for (uint32_t n = 1; n <= most; n++) {
		struct spread s = {0}, sealed;

		for (uint32_t i = 0; i < n; i++)
			w->values[i] = (uint32_t)rand() >> rand() % 31;
		fill(w, &s, n, add);
		spread_seal(&sealed, &s);
		for (unsigned p = 0; p < 3; p++) {
			uint32_t want = truth(w->values, n, percents[p]);

			assert_int_equal(spread_percentile(&s, percents[p]), want);
			assert_int_equal(spread_percentile(&sealed, percents[p]), want);
		}
		spread_done(&s, &w->pools);
	}
	assert_int_equal(w->pools.slab[POOL_BUCKETS].used, 0);
}

static void rare_ones_are_exact(void **state)
{
	exact(*state, 32, spread_add_exact);
}

/* Of many a sample: the median of 32 of them lies between the 20th and 80th percentile.
 */
static void samples_are_fair(void **state)
{
	struct world *w = *state;
	unsigned inside = 0;

	for (unsigned round = 0; round < 100; round++) {
		struct spread s = {0};
		uint32_t middle;

		for (uint32_t i = 0; i < VALUES; i++)
			w->values[i] = (uint32_t)rand();
		fill(w, &s, VALUES, spread_add_exact);
		middle = spread_percentile(&s, 50);
		inside += middle >= truth(w->values, VALUES, 20) &&
			  middle <= truth(w->values, VALUES, 80);
		spread_done(&s, &w->pools);
	}
	assert_in_range(inside, 95, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rare_ones_are_exact),
		cmocka_unit_test(samples_are_fair),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
