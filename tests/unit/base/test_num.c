#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/num.h"

#define S 1000000000ull

struct parse_case {
	const char *text;
	bool good;
	uint64_t value;
};

static void parses_whole_numbers(void **state)
{
	static const struct parse_case cases[] = {
		{"0", true, 0},
		{"007", true, 7},
		{"18446744073709551615", true, UINT64_MAX},
		{"18446744073709551616", false, 0},
		{"99999999999999999999", false, 0},
		{"", false, 0},
		{"-1", false, 0},
		{"+1", false, 0},
		{" 1", false, 0},
		{"1 ", false, 0},
		{"0x10", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t out = 4711;
		bool good = num_parse_u64(cases[i].text, strlen(cases[i].text), &out);

		assert_int_equal(good, cases[i].good);
		assert_int_equal(out, good ? cases[i].value : 4711); /* untouched */
	}
}

static void parses_prefixes(void **state)
{
	static const struct parse_case cases[] = {
		{"42", true, 42},
		{"1k", true, 1000},
		{"1K", true, 1000},
		{"1KiB", true, 1024},
		{"1kib", true, 1024},
		{"1.5M", true, 1500000},
		{"2GB", true, 2000000000},
		{"0.5Gi", true, 1ull << 29},
		{"3T", true, 3000000000000},
		{"3Ti", true, 3ull << 40},
		{"10b", true, 10},
		{"1.9", true, 1},
		{"0.0000000000000000000000000001T", true, 0},
		{"18446744073709551.615k", true, 18446744073709551615u},
		{"18446744073709551.616k", false, 0},
		{"16777216Ti", false, 0},
		{"16777215.999Ti", true, 18446744072610039988u},
		{".5k", false, 0},
		{"1.k", false, 0},
		{"1 k", false, 0},
		{"k", false, 0},
		{"1i", false, 0},
		{"1kk", false, 0},
		{"1kbb", false, 0},
		{"-1k", false, 0},
		{"", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t out = 4711;
		bool good = num_parse_scaled(
			cases[i].text, strlen(cases[i].text), &out);

		assert_int_equal(good, cases[i].good);
		assert_int_equal(out, good ? cases[i].value : 4711);
	}
}

static void parses_durations(void **state)
{
	static const struct parse_case cases[] = {
		{"1ns", true, 1},
		{"1.5us", true, 1500},
		{"100ms", true, S / 10},
		{"1m", true, 60 * S},
		{"2h", true, 7200 * S},
		{"1d", true, 86400 * S},
		{"0.25s", true, S / 4},
		{"3", true, 3 * S},
		{"0.1", true, S / 10},
		{"300000d", false, 0},
		{"1x", false, 0},
		{"1M", false, 0},
		{"s", false, 0},
		{"1s ", false, 0},
		{"", false, 0},
	};
	uint64_t out;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = strlen(cases[i].text);
		bool good;

		out = 4711;
		good = num_parse_duration(cases[i].text, len, S, &out);
		assert_int_equal(good, cases[i].good);
		assert_int_equal(out, good ? cases[i].value : 4711);
	}
	assert_false(num_parse_duration("3", 1, 0, &out));
}

static void expect_short(uint64_t value, unsigned base, const char *text)
{
	struct buf b = {0};

	num_short(&b, value, base);
	assert_string_equal(buf_cstr(&b), text);
	buf_done(&b);
}

static void short_numbers(void **state)
{
	(void)state;
	expect_short(0, 1000, "0");
	expect_short(7, 1000, "7");
	expect_short(999, 1000, "999");
	expect_short(1000, 1000, "1.0k");
	expect_short(1234, 1000, "1.2k");
	expect_short(9949, 1000, "9.9k");
	expect_short(9950, 1000, "10k");
	expect_short(84000, 1000, "84k");
	expect_short(999499, 1000, "999k");
	expect_short(999500, 1000, "1.0M");
	expect_short(412000000, 1000, "412M");
	expect_short(1100000000, 1000, "1.1G");
	expect_short(UINT64_MAX, 1000, "18E");
	expect_short(1023, 1024, "1023");
	expect_short(1024, 1024, "1.0K");
	expect_short(1023 * 1024 + 511, 1024, "1023K");
	expect_short(1023 * 1024 + 512, 1024, "1.0M");
	expect_short(UINT64_MAX, 1024, "16E");
}

static void expect_short_ns(uint64_t ns, const char *text)
{
	struct buf b = {0};

	num_short_ns(&b, ns);
	assert_string_equal(buf_cstr(&b), text);
	buf_done(&b);
}

static void short_durations(void **state)
{
	(void)state;
	expect_short_ns(0, "0s");
	expect_short_ns(999, "999ns");
	expect_short_ns(350000, "350us");
	expect_short_ns(999500, "1.0ms");
	expect_short_ns(4200000, "4.2ms");
	expect_short_ns(23000000, "23ms");
	expect_short_ns(999499999, "999ms");
	expect_short_ns(999500000, "1.0s");
	expect_short_ns(1400000000, "1.4s");
	expect_short_ns(12 * S, "12s");
	expect_short_ns(99 * S + S - 1, "99s");
	expect_short_ns(300 * S, "5m");
	expect_short_ns(3 * 3600 * S, "3h"); /* 180 minutes */
	expect_short_ns(12 * 86400 * S, "12d");
	expect_short_ns(UINT64_MAX, "584y");
}

static void never_longer_than_five(void **state)
{
	struct buf b = {0};

	(void)state;
	for (uint64_t v = 1; v < UINT64_MAX / 3; v += v / 7 + 1) {
		buf_reset(&b);
		num_short(&b, v, 1000);
		assert_in_range(b.len, 1, 4);
		buf_reset(&b);
		num_short(&b, v, 1024);
		assert_in_range(b.len, 1, 5);
		buf_reset(&b);
		num_short_ns(&b, v);
		assert_in_range(b.len, 2, 5);
	}
	buf_done(&b);
}

/* Against libc's calendar, over leap years and centuries. */
static void utc_agrees_with_libc(void **state)
{
	char made[NUM_PUT_MOST + 1];

	(void)state;
	for (uint64_t s = 0; s < 18446744073; s += 86400 * 13 + 12345) {
		time_t t = (time_t)s;
		char text[64];
		struct tm tm;

		*num_put_utc(made, s * S + 7) = '\0';
		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(text, sizeof(text), "%FT%T.000000007Z", &tm) > 0);
		assert_string_equal(made, text);
	}
	*num_put_utc(made, UINT64_MAX) = '\0';
	assert_string_equal(made, "2554-07-21T23:34:33.709551615Z");
}

static void local_follows_the_zone(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(setenv("TZ", "TST-05:30", 1), 0);
	tzset();
	num_local(&b, 1700000000 * S + 123456789);
	assert_string_equal(buf_cstr(&b), "2023-11-15 03:43:20.123456");
	buf_done(&b);
}

static void seconds_without_trailing_zeros(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{12 * S, "12"},
		{S / 4, "0.25"},
		{S + 1, "1.000000001"},
		{0, "0"},
		{S / 100, "0.01"},
		{UINT64_MAX, "18446744073.709551615"},
	};
	char made[NUM_PUT_MOST + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		*num_put_seconds(made, cases[i].ns) = '\0';
		assert_string_equal(made, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_whole_numbers),
		cmocka_unit_test(parses_prefixes),
		cmocka_unit_test(parses_durations),
		cmocka_unit_test(short_numbers),
		cmocka_unit_test(short_durations),
		cmocka_unit_test(never_longer_than_five),
		cmocka_unit_test(utc_agrees_with_libc),
		cmocka_unit_test(local_follows_the_zone),
		cmocka_unit_test(seconds_without_trailing_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
