/* The index against a list of pairs: any hashes, also equal ones and long runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "flow/index.h"

#define PAIRS 3000u
#define STEPS 60000u

struct pair {
	uint32_t hash, ref;
};

struct list {
	struct pair pair[PAIRS];
	uint32_t count;
};

static bool finds(struct index *x, uint32_t hash, uint32_t ref)
{
	uint32_t at = hash, found;
	unsigned times = 0;

	while ((found = index_next(x, hash, &at)))
		times += found == ref;
	assert_in_range(times, 0, 1);
	return times == 1;
}

/* Every reference of a hash comes, and no other. */
static void check(struct index *x, const struct list *l)
{
	assert_int_equal(x->used, l->count);
	for (uint32_t i = 0; i < l->count; i++)
		assert_true(finds(x, l->pair[i].hash, l->pair[i].ref));
}

static uint32_t hash_of_kind(unsigned kind)
{
	uint32_t r = (uint32_t)rand() << 16 ^ (uint32_t)rand();

	switch (kind) {
	case 0: return r;
	case 1: return r % 7;               /* many equal ones */
	case 2: return r << 20;             /* the lower bits do not differ */
	case 3: return UINT32_MAX - r % 20; /* runs over the end */
	default: return r % 4096;           /* crowded */
	}
}

static void step(struct index *x, struct list *l, unsigned kind, uint32_t *next_ref)
{
	unsigned what = (unsigned)rand() % 8;
	uint32_t i = l->count ? (uint32_t)rand() % l->count : 0;

	if (what < 4 && l->count < PAIRS) {
		struct pair p = {hash_of_kind(kind), (*next_ref)++};

		assert_true(index_reserve(x));
		index_insert(x, p.hash, p.ref);
		l->pair[l->count++] = p;
	} else if (what < 7 && l->count) {
		index_remove(x, l->pair[i].hash, l->pair[i].ref);
		assert_false(finds(x, l->pair[i].hash, l->pair[i].ref));
		l->pair[i] = l->pair[--l->count];
	} else if (l->count) {
		index_replace(x, l->pair[i].hash, l->pair[i].ref, *next_ref);
		assert_false(finds(x, l->pair[i].hash, l->pair[i].ref));
		l->pair[i].ref = (*next_ref)++;
	}
}

static void random_use(void **state)
{
	static struct list list;

	(void)state;
	for (unsigned kind = 0; kind < 5; kind++) {
		uint32_t next_ref = 1, steps = kind == 1 ? STEPS / 10 : STEPS;
		struct index x;

		srand(kind + 1);
		list.count = 0;
		assert_int_equal(index_init(&x, 8), 0);
		for (uint32_t n = 0; n < steps; n++) {
			step(&x, &list, kind, &next_ref);
			if (n % 1000 == 0)
				check(&x, &list);
		}
		check(&x, &list);
		assert_true(x.used <= (x.mask + 1) / 8 * 5 + 1);
		index_done(&x);
	}
}

static void nothing_is_left(void **state)
{
	struct index x;

	(void)state;
	assert_int_equal(index_init(&x, 8), 0);
	for (uint32_t ref = 1; ref <= 1000; ref++) {
		assert_true(index_reserve(&x));
		index_insert(&x, ref * 3, ref);
	}
	for (uint32_t ref = 1000; ref > 0; ref--)
		index_remove(&x, ref * 3, ref);
	for (uint32_t i = 0; i <= x.mask; i++)
		assert_int_equal(x.slot[i].ref, 0);
	assert_int_equal(x.used, 0);
	index_done(&x);
	index_done(&x); /* of a zeroed one */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_use),
		cmocka_unit_test(nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
