/* Names are kept once, clean and bounded, and leave when nobody uses them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "measure/measure.h"

static const struct hash_key key = {3, 5};

static void start(struct measure *g, uint64_t memory_bytes)
{
	assert_int_equal(measure_init(g, memory_bytes, &key), 0);
}

static struct string *get(struct measure *g, const char *text)
{
	return strings_get(&g->strings, text, strlen(text));
}

static void none_is_left(struct measure *g)
{
	assert_int_equal(g->pools.slab[POOL_STRING32].used, 0);
	assert_int_equal(g->pools.slab[POOL_STRING288].used, 0);
	for (uint32_t i = 0; i <= g->strings.mask; i++)
		assert_int_equal(g->strings.buckets[i], 0);
	measure_done(g);
}

static void each_is_kept_once(void **state)
{
	struct measure g;
	struct string *a, *b, *c;

	(void)state;
	start(&g, 1u << 24);
	a = get(&g, "example.com");
	b = get(&g, "example.com");
	c = get(&g, "example.org");
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	assert_string_equal(a->text, "example.com");
	assert_int_equal(a->len, 11);
	assert_ptr_equal(strings_keep(a), a);
	strings_drop(&g.strings, a);
	strings_drop(&g.strings, b);
	assert_string_equal(a->text, "example.com");
	assert_ptr_equal(get(&g, "example.com"), a);
	strings_drop(&g.strings, a);
	strings_drop(&g.strings, a);
	strings_drop(&g.strings, c);
	strings_drop(&g.strings, NULL);
	assert_null(strings_keep(NULL));
	none_is_left(&g);
}

/* Both sizes of record, and the sizes at their edge. */
static void lengths(void **state)
{
	struct measure g;
	struct string *s[600];
	char text[600];

	(void)state;
	start(&g, 1u << 24);
	memset(text, 'a', sizeof(text));
	for (size_t len = 0; len < 600; len++) {
		s[len] = strings_get(&g.strings, text, len);
		assert_non_null(s[len]);
		assert_int_equal(s[len]->len, len < STRING_MOST ? len : STRING_MOST);
		assert_int_equal(strlen(s[len]->text), s[len]->len);
	}
	assert_int_equal(s[255]->users, 600 - 255);
	for (size_t len = 0; len < 600; len++)
		strings_drop(&g.strings, s[len]);
	none_is_left(&g);
}

struct cleaning {
	const char *in, *out;
};

static void hostile_bytes(void **state)
{
	static const struct cleaning table[] = {
		{"\x1b[31mred", "\\x1b[31mred"},
		{"a\\b", "a\\x5c"
			 "b"},
		{"b\xc3\xbc"
		 "cher.de",
			"b\xc3\xbc"
			"cher.de"},
		{"\xff\xc3", "\\xff\\xc3"},
		{"x\xe2\x80\xaey", "x\\xe2\\x80\\xaey"},
		{"\r\n", "\\x0d\\x0a"},
	};
	struct measure g;

	(void)state;
	start(&g, 1u << 24);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct string *s = get(&g, table[i].in);

		assert_string_equal(s->text, table[i].out);
		strings_drop(&g.strings, s);
	}
	none_is_left(&g);
}

/* What does not fit is cut between characters, never within one or within \xNN. */
static void cut_at_a_whole_character(void **state)
{
	struct measure g;
	char text[300];
	struct string *s;

	(void)state;
	start(&g, 1u << 24);
	memset(text, 1, sizeof(text));
	s = strings_get(&g.strings, text, sizeof(text));
	assert_int_equal(s->len, 252);
	assert_string_equal(s->text + 248, "\\x01");
	strings_drop(&g.strings, s);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? '\xbc' : '\xc3';
	s = strings_get(&g.strings, text, sizeof(text));
	/* 255 bytes came in, and the last one is half a character */
	assert_int_equal(s->len, 254);
	strings_drop(&g.strings, s);
	none_is_left(&g);
}

/* The pools bound it; what finds no room is counted, and room that is left is used. */
static void full(void **state)
{
	struct measure g;
	struct string *s[512];
	char text[16];
	uint32_t most;

	(void)state;
	start(&g, 1u << 16);
	most = g.pools.slab[POOL_STRING32].most;
	assert_in_range(most, 1, 511);
	for (uint32_t i = 0; i < most; i++) {
		(void)snprintf(text, sizeof(text), "name-%u", i);
		s[i] = get(&g, text);
		assert_non_null(s[i]);
	}
	assert_null(get(&g, "one too many"));
	assert_int_equal(g.strings.refused, 1);
	assert_ptr_equal(get(&g, "name-0"), s[0]);
	strings_drop(&g.strings, s[0]);
	strings_drop(&g.strings, s[0]);
	s[0] = get(&g, "one more");
	assert_non_null(s[0]);
	for (uint32_t i = 0; i < most; i++)
		strings_drop(&g.strings, s[i]);
	none_is_left(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_kept_once),
		cmocka_unit_test(lengths),
		cmocka_unit_test(hostile_bytes),
		cmocka_unit_test(cut_at_a_whole_character),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
