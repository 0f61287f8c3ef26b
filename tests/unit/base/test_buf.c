#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static void adds_everything_in_order(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_add(&b, "ab\0c", 4);
	buf_str(&b, "de");
	buf_char(&b, 'f');
	buf_fill(&b, '.', 3);
	buf_u64(&b, 0);
	buf_u64(&b, UINT64_MAX);
	buf_fmt(&b, "%s-%d", "x", -7);
	assert_int_equal(b.len, 35);
	assert_memory_equal(b.data, "ab\0cdef...018446744073709551615x--7", 35);
	buf_done(&b);
	assert_null(b.data);
}

/* Against printf, around every power of ten. */
static void numbers(void **state)
{
	struct buf b = {0};
	uint64_t power = 1;

	(void)state;
	for (unsigned digits = 1; digits <= 20; digits++, power *= 10) {
		for (int off = -1; off <= 1; off++) {
			uint64_t value = power + (uint64_t)(int64_t)off;
			char text[24];

			assert_true(
				snprintf(text, sizeof(text), "%" PRIu64, value) > 0);
			buf_reset(&b);
			buf_u64(&b, value);
			assert_string_equal(buf_cstr(&b), text);
		}
	}
	buf_done(&b);
}

static void shift_keeps_the_rest(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_shift(&b, 0);
	buf_str(&b, "hello world");
	buf_shift(&b, 6);
	assert_string_equal(buf_cstr(&b), "world");
	buf_shift(&b, 5);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_cstr(&b), "");
	buf_done(&b);
}

static void too_much_is_said_and_lost(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_str(&b, "kept");
	assert_false(buf_reserve(&b, SIZE_MAX));
	assert_false(buf_reserve(&b, SIZE_MAX / 2));
	assert_true(b.oom);
	assert_string_equal(buf_cstr(&b), "kept");
	buf_reset(&b);
	assert_false(b.oom);
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

static void grows_over_many_additions(void **state)
{
	struct buf b = {0};

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		buf_char(&b, (char)('a' + i % 26));
	assert_int_equal(b.len, 10000);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_everything_in_order),
		cmocka_unit_test(numbers),
		cmocka_unit_test(shift_keeps_the_rest),
		cmocka_unit_test(too_much_is_said_and_lost),
		cmocka_unit_test(grows_over_many_additions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
