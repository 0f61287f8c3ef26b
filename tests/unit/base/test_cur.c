#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cur.h"

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static void reads_both_orders(void **state)
{
	struct cur c = cur_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(cur_u8(&c), 1);
	assert_int_equal(cur_be16(&c), 0x0203);
	assert_int_equal(cur_be24(&c), 0x040506);
	assert_int_equal(cur_le16(&c), 0x0807);
	assert_int_equal(cur_be32(&c), 0x090a0b0c);
	assert_false(c.bad);
	assert_int_equal(cur_left(&c), 0);
	c = cur_of(bytes, sizeof(bytes));
	assert_int_equal(cur_be64(&c), 0x0102030405060708);
	assert_int_equal(cur_le32(&c), 0x0c0b0a09);
	c = cur_of(bytes + 1, 8);
	assert_int_equal(cur_le64(&c), 0x0908070605040302);
}

static void a_read_past_the_end_is_zero_and_sticks(void **state)
{
	struct cur c = cur_of(bytes, 3);

	(void)state;
	assert_int_equal(cur_be32(&c), 0);
	assert_true(c.bad);
	assert_int_equal(cur_left(&c), 0);
	assert_int_equal(cur_u8(&c), 0); /* the three bytes are gone: order is lost */
	assert_true(c.bad);
}

static void every_width_checks(void **state)
{
	(void)state;
	for (size_t len = 0; len < 8; len++) {
		struct cur c[7];

		for (unsigned i = 0; i < 7; i++)
			c[i] = cur_of(bytes, len);
		(void)cur_u8(&c[0]);
		(void)cur_be16(&c[1]);
		(void)cur_be24(&c[2]);
		(void)cur_be32(&c[3]);
		(void)cur_be64(&c[4]);
		(void)cur_le32(&c[5]);
		(void)cur_le64(&c[6]);
		assert_int_equal(c[0].bad, len < 1);
		assert_int_equal(c[1].bad, len < 2);
		assert_int_equal(c[2].bad, len < 3);
		assert_int_equal(c[3].bad, len < 4);
		assert_int_equal(c[4].bad, len < 8);
		assert_int_equal(c[5].bad, len < 4);
		assert_int_equal(c[6].bad, len < 8);
	}
}

static void copy_of_too_little_is_zeros(void **state)
{
	struct cur c = cur_of(bytes, 4);
	uint8_t out[6] = {9, 9, 9, 9, 9, 9};
	static const uint8_t zeros[6];

	(void)state;
	cur_copy(&c, out, sizeof(out));
	assert_true(c.bad);
	assert_memory_equal(out, zeros, sizeof(out));
	c = cur_of(bytes, 8);
	cur_skip(&c, 2);
	cur_copy(&c, out, sizeof(out));
	assert_memory_equal(out, bytes + 2, sizeof(out));
	assert_false(c.bad);
}

static void limit_only_shortens(void **state)
{
	struct cur c = cur_of(bytes, 8), empty = cur_of(NULL, 5);

	(void)state;
	cur_limit(&c, 100);
	assert_int_equal(cur_left(&c), 8);
	cur_limit(&c, 2);
	assert_int_equal(cur_left(&c), 2);
	(void)cur_be16(&c);
	assert_false(c.bad);
	(void)cur_u8(&c);
	assert_true(c.bad);
	assert_int_equal(cur_left(&empty), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_both_orders),
		cmocka_unit_test(a_read_past_the_end_is_zero_and_sticks),
		cmocka_unit_test(every_width_checks),
		cmocka_unit_test(copy_of_too_little_is_zeros),
		cmocka_unit_test(limit_only_shortens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
