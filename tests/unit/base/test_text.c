#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/text.h"

static void expect_clean(const char *bytes, size_t len, const char *text)
{
	struct buf b = {0};

	text_clean(&b, bytes, len);
	assert_string_equal(buf_cstr(&b), text);
	buf_done(&b);
}

static void utf8_lengths(void **state)
{
	uint32_t code = 0;

	(void)state;
	assert_int_equal(text_utf8("A", 1, &code), 1);
	assert_int_equal(code, 'A');
	assert_int_equal(text_utf8("\xc3\xa4", 2, &code), 2);
	assert_int_equal(code, 0xe4);
	assert_int_equal(text_utf8("\xe2\x82\xac", 3, &code), 3);
	assert_int_equal(code, 0x20ac);
	assert_int_equal(text_utf8("\xf4\x8f\xbf\xbf", 4, &code), 4);
	assert_int_equal(code, 0x10ffff);
	assert_int_equal(text_utf8("", 0, &code), 0);
}

static void refuses_bad_utf8(void **state)
{
	static const char *const bad[] = {
		"\x80",             /* no first byte */
		"\xc3",             /* cut */
		"\xc3(",            /* no continuation */
		"\xc0\xaf",         /* overlong */
		"\xe0\x80\xaf",     /* overlong */
		"\xf0\x80\x80\xaf", /* overlong */
		"\xed\xa0\x80",     /* surrogate */
		"\xf4\x90\x80\x80", /* beyond U+10FFFF */
		"\xf5\x80\x80\x80",
		"\xff",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint32_t code = 4711;

		assert_int_equal(text_utf8(bad[i], strlen(bad[i]), &code), 0);
		assert_int_equal(code, 4711);
	}
}

static void hides_what_moves_or_lies(void **state)
{
	static const uint32_t hidden[] = {0, 0x1b, 0x7f, 0x80, 0x9b, 0x9f, 0x61c,
		0x200b, 0x200f, 0x2028, 0x202e, 0x2060, 0x2066, 0x206f, 0xfeff, 0xfff9,
		0xfffb, 0xfffe, 0xffff, 0xfdd0, 0xfdef, 0x1fffe, 0x10ffff, 0xe0000,
		0xe0041, 0xe007f, 0xd800, 0x110000};
	static const uint32_t shown[] = {' ', '~', 0xa0, 0xad, 0x61b, 0x200a, 0x2010,
		0x202f, 0x205f, 0x2070, 0xfdcf, 0xfdf0, 0xfff8, 0xfffc, 0x1f600,
		0xe0100};

	(void)state;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		assert_false(text_printable(hidden[i]));
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
		assert_true(text_printable(shown[i]));
}

static void cleans(void **state)
{
	(void)state;
	expect_clean("", 0, "");
	expect_clean("plain", 5, "plain");
	expect_clean("a\x1b[31mb", 7, "a\\x1b[31mb");
	expect_clean("a\0b", 3, "a\\x00b");
	expect_clean("\n\r\t", 3, "\\x0a\\x0d\\x09");
	expect_clean("C:\\x41", 6, "C:\\x5cx41");
	expect_clean("\xc2\x9b"
		     "31m",
		5, "\\xc2\\x9b31m");
	expect_clean("\xe2\x80\xae"
		     "gpj",
		6, "\\xe2\\x80\\xaegpj");
	expect_clean("\xff\xc3\xa4\xc3", 4, "\\xff\xc3\xa4\\xc3");
	expect_clean("\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80");
}

/* What was cleaned is clean but for its backslashes, whatever the bytes are. */
static void cleaned_text_is_printable(void **state)
{
	struct buf b = {0};
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		char bytes[24];
		uint32_t code = 0;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (char)(seed >> 24);
		}
		buf_reset(&b);
		text_clean(&b, bytes, sizeof(bytes));
		for (size_t at = 0, n; at < b.len; at += n) {
			n = text_utf8(b.data + at, b.len - at, &code);
			assert_true(n > 0);
			assert_true(text_printable(code));
		}
	}
	buf_done(&b);
}

static void widths(void **state)
{
	(void)state;
	assert_int_equal(text_width('a'), 1);
	assert_int_equal(text_width(0xe4), 1);
	assert_int_equal(text_width(0x301), 0);  /* combining acute */
	assert_int_equal(text_width(0xfe0f), 0); /* variation selector */
	assert_int_equal(text_width(0x1161), 0); /* Hangul vowel */
	assert_int_equal(text_width(0x1100), 2); /* Hangul initial */
	assert_int_equal(text_width(0x4e00), 2);
	assert_int_equal(text_width(0xac00), 2);
	assert_int_equal(text_width(0xff21), 2); /* fullwidth A */
	assert_int_equal(text_width(0xff71), 1); /* halfwidth katakana */
	assert_int_equal(text_width(0x1f600), 2);
	assert_int_equal(text_width(0x1fae8), 2); /* new in Unicode 15 */
	assert_int_equal(text_width(0x2fffd), 2);
	assert_int_equal(text_width(0x2581), 1); /* a block of the rate graph */
	assert_int_equal(text_width(0x2026), 1); /* … */
	assert_int_equal(text_width(0xe01ef), 0);
}

static void fits_whole_characters(void **state)
{
	const char *text = "a\xe4\xb8\x80"
			   "e\xcc\x81z"; /* a, one wide, e with accent, z */
	size_t len = strlen(text);

	(void)state;
	assert_int_equal(text_columns(text, len), 5);
	assert_int_equal(text_fit(text, len, 0), 0);
	assert_int_equal(text_fit(text, len, 1), 1);
	assert_int_equal(text_fit(text, len, 2), 1);
	assert_int_equal(text_fit(text, len, 3), 4);
	assert_int_equal(text_fit(text, len, 4), 7);
	assert_int_equal(text_fit(text, len, 5), 8);
	assert_int_equal(text_fit(text, len, 99), len);
}

static void distances(void **state)
{
	char longest[80];

	(void)state;
	assert_int_equal(text_distance("", ""), 0);
	assert_int_equal(text_distance("list", "list"), 0);
	assert_int_equal(text_distance("lits", "list"), 2);
	assert_int_equal(text_distance("kitten", "sitting"), 3);
	assert_int_equal(text_distance("", "abc"), 3);
	assert_int_equal(text_distance("abc", ""), 3);
	memset(longest, 'x', sizeof(longest));
	longest[79] = '\0';
	assert_int_equal(text_distance(longest, ""), 32);
	assert_int_equal(text_distance(longest, longest + 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_lengths),
		cmocka_unit_test(refuses_bad_utf8),
		cmocka_unit_test(hides_what_moves_or_lies),
		cmocka_unit_test(cleans),
		cmocka_unit_test(cleaned_text_is_printable),
		cmocka_unit_test(widths),
		cmocka_unit_test(fits_whole_characters),
		cmocka_unit_test(distances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
