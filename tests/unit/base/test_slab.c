#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/slab.h"

#define RECORDS 20000

static void records_keep_their_place_and_content(void **state)
{
	static const size_t sizes[] = {8, 40, 64, 1000};

	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		struct slab s;
		void *first;

		assert_int_equal(slab_init(&s, sizes[k], RECORDS), 0);
		first = slab_at(&s, slab_alloc(&s));
		for (uint32_t i = 2; i <= RECORDS; i++) {
			assert_int_equal(slab_alloc(&s), i); /* fresh ones in order */
			memset(slab_at(&s, i), (int)(i % 251), sizes[k]);
		}
		assert_ptr_equal(first, slab_at(&s, 1));
		for (uint32_t i = 2; i <= RECORDS; i++) {
			uint8_t *r = slab_at(&s, i);

			assert_int_equal(r[0], i % 251);
			assert_int_equal(r[sizes[k] - 1], i % 251);
		}
		assert_true(slab_bytes(&s) >= sizes[k] * RECORDS);
		slab_done(&s);
		assert_int_equal(slab_bytes(&s), 0);
	}
}

static void full_gives_zero_until_one_is_freed(void **state)
{
	struct slab s;

	(void)state;
	assert_int_equal(slab_init(&s, 16, 3), 0);
	assert_int_equal(slab_alloc(&s), 1);
	assert_int_equal(slab_alloc(&s), 2);
	assert_int_equal(slab_alloc(&s), 3);
	assert_int_equal(slab_alloc(&s), 0);
	slab_free(&s, 2);
	slab_free(&s, 1);
	assert_int_equal(s.used, 1);
	assert_int_equal(slab_alloc(&s), 1); /* newest freed first */
	assert_int_equal(slab_alloc(&s), 2);
	assert_int_equal(slab_alloc(&s), 0);
	slab_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_keep_their_place_and_content),
		cmocka_unit_test(full_gives_zero_until_one_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
