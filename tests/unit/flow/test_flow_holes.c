/* Gaps of a sequence space against a map of every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "flow/holes.h"

#define SPACE 2048u
#define TURNS 300u

struct space {
	struct holes holes;
	uint32_t base; /* number of byte 0 */
	uint32_t next; /* bytes before it were seen, or are missing */
	uint8_t missing[SPACE];
};

static uint32_t missing(const struct space *s, uint32_t from, uint32_t to)
{
	uint32_t count = 0;

	for (uint32_t i = from; i < to; i++)
		count += s->missing[i];
	return count;
}

static uint32_t runs(const struct space *s)
{
	uint32_t count = s->missing[0];

	for (uint32_t i = 1; i < SPACE; i++)
		count += s->missing[i] > s->missing[i - 1];
	return count;
}

static uint32_t held(const struct holes *h)
{
	uint32_t bytes = 0;

	for (uint32_t i = 0; i < h->count; i++)
		bytes += h->hole[i].to - h->hole[i].from;
	return bytes;
}

static void jump(struct space *s)
{
	uint32_t seen = 1 + (uint32_t)rand() % 20, len = 1 + (uint32_t)rand() % 60;

	if (s->next + seen + len > SPACE)
		return;
	s->next += seen;
	memset(s->missing + s->next, 1, len);
	holes_add(&s->holes, s->base + s->next, s->base + s->next + len);
	s->next += len;
}

/* Some bytes come (again); `most` runs of missing ones may be left. */
static void come(struct space *s, uint32_t most, bool exact)
{
	uint32_t from = (uint32_t)rand() % SPACE, to = from + (uint32_t)rand() % 100;
	uint8_t before[SPACE];
	uint32_t wanted, filled;

	if (to > SPACE)
		to = SPACE;
	memcpy(before, s->missing, SPACE);
	wanted = missing(s, from, to);
	memset(s->missing + from, 0, to - from);
	if (runs(s) > most) {
		memcpy(s->missing, before, SPACE);
		return;
	}
	filled = holes_fill(&s->holes, s->base + from, s->base + to);
	if (exact)
		assert_int_equal(filled, wanted);
	assert_true(filled <= wanted);
}

static void play(uint32_t base, unsigned seed, uint32_t most)
{
	struct space s = {.base = base};
	bool exact = most <= HOLES_MOST;

	srand(seed);
	for (unsigned i = 0; i < TURNS; i++) {
		if (rand() % 3 == 0 && runs(&s) < most)
			jump(&s);
		else
			come(&s, most, exact);
		assert_true(s.holes.count <= HOLES_MOST);
		assert_true(held(&s.holes) <= missing(&s, 0, SPACE));
		if (exact)
			assert_int_equal(held(&s.holes), missing(&s, 0, SPACE));
	}
}

static void exact_up_to_the_most(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 300; seed++) {
		play(5, seed, 1 + seed % HOLES_MOST);
		play(UINT32_MAX - SPACE / 2, seed, HOLES_MOST); /* numbers wrap */
		play((uint32_t)INT32_MAX - SPACE / 2, seed, HOLES_MOST);
	}
}

static void never_too_much_beyond(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 300; seed++)
		play(UINT32_MAX - SPACE / 2, seed, 40);
}

static void huge_holes(void **state)
{
	struct holes h = {0};

	(void)state;
	holes_add(&h, 10, 10u + INT32_MAX);
	assert_int_equal(holes_fill(&h, 0, 10), 0);
	assert_int_equal(holes_fill(&h, 1000, 1010), 10);
	assert_int_equal(h.count, 2);
	assert_int_equal(holes_fill(&h, 5, 20), 10);
	assert_int_equal(held(&h), (uint32_t)INT32_MAX - 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_up_to_the_most),
		cmocka_unit_test(never_too_much_beyond),
		cmocka_unit_test(huge_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
