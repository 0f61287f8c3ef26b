/* How often to dump. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source/conntrack_pace.h"

#define SECOND UINT64_C(1000000000)

static struct conntrack_pace after(uint64_t cost_ns, uint32_t entries)
{
	struct conntrack_pace p = {0};

	conntrack_pace_spent(&p, cost_ns / 2);
	conntrack_pace_spent(&p, cost_ns - cost_ns / 2);
	conntrack_pace_ended(&p, 100 * SECOND, entries);
	return p;
}

static void the_pause_grows_with_the_cost(void **state)
{
	struct conntrack_pace p = {0};

	(void)state;
	assert_int_equal(conntrack_pace_due_ns(&p, 1000000, SECOND, false), 0);
	p = after(SECOND / 1000, 400);
	assert_int_equal(conntrack_pace_due_ns(&p, 400, SECOND, false), 101 * SECOND);
	assert_true(conntrack_pace_due_ns(&p, 400, 5 * SECOND, false) == 105 * SECOND);
	p = after(2 * SECOND, 1000000);
	/* at most 5 % of the time */
	assert_true(conntrack_pace_due_ns(&p, 1000000, SECOND, false) >= 140 * SECOND);
	/* a tenth of the entries went: the last cost still stands */
	assert_true(conntrack_pace_due_ns(&p, 900000, SECOND, false) >= 140 * SECOND);
	/* twice as many cost twice as much */
	assert_true(conntrack_pace_due_ns(&p, 2000000, SECOND, false) >= 180 * SECOND);
	assert_true(
		conntrack_pace_due_ns(&p, UINT32_MAX, SECOND, false) > 180 * SECOND);
}

static void stale_tables_come_first(void **state)
{
	struct conntrack_pace p = after(SECOND / 2, 200000);
	uint64_t due_ns = conntrack_pace_due_ns(&p, 200000, SECOND, true);

	(void)state;
	/* at most half of the time, whatever is lost */
	assert_true(due_ns >= 100 * SECOND + SECOND / 2);
	/* with the dump itself, and one that was under way when the loss came: 2 s */
	assert_true(due_ns + SECOND <= 102 * SECOND);
	/* at most a quarter of the time when it is dear */
	p = after(SECOND, 400000);
	due_ns = conntrack_pace_due_ns(&p, 400000, SECOND, true);
	assert_true(due_ns >= 103 * SECOND);
	assert_true(due_ns < conntrack_pace_due_ns(&p, 400000, SECOND, false));
}

static void a_table_that_grew(void **state)
{
	struct conntrack_pace p = after(SECOND / 100, 10);

	(void)state;
	/* few entries say nothing of what one costs */
	assert_true(conntrack_pace_cost_ns(&p, 10) == SECOND / 100);
	assert_in_range(conntrack_pace_cost_ns(&p, 1000000), SECOND, 5 * SECOND);
	p = after(SECOND, 1000000);
	assert_in_range(conntrack_pace_cost_ns(&p, 2000000), 2 * SECOND - 1,
		2 * SECOND + SECOND / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pause_grows_with_the_cost),
		cmocka_unit_test(stale_tables_come_first),
		cmocka_unit_test(a_table_that_grew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
