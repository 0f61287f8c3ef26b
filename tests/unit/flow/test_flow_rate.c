/* Rates against a list of all packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "flow/rate.h"
#include "rig.h"

#define PACKETS 4000u
#define SECOND  1000000000ull

struct series {
	uint64_t ns[PACKETS];
	uint32_t bytes[PACKETS];
	unsigned count;
	uint64_t sum_bytes;
	struct rate rate;
	uint32_t second; /* that the rate was rolled to, as flows do it */
};

static void add(struct series *s, uint64_t ns, uint32_t bytes)
{
	uint32_t second = (uint32_t)(ns / SECOND);

	assert_true(s->count < PACKETS);
	if (s->count == 0 || second > s->second) {
		rate_roll(&s->rate, second, s->sum_bytes, s->count);
		s->second = second;
	}
	s->ns[s->count] = ns;
	s->bytes[s->count++] = bytes;
	s->sum_bytes += bytes;
}

/*
 * The definition: buckets of a second (of ten for the longest window), the oldest one
 * weighed by its part inside, over the time since the first second began.
 */
static double slow(
	const struct series *s, uint64_t now_ns, unsigned window, bool packets)
{
	uint64_t bucket_ns = window == 60 ? 10 * SECOND : SECOND;
	uint64_t first_second = s->ns[0] / SECOND;
	uint64_t now = now_ns / bucket_ns, whole = window * SECOND / bucket_ns;
	double outside = (double)(now_ns % bucket_ns) / (double)bucket_ns, sum = 0;
	double age = (double)now_ns / 1e9 - (double)first_second;
	double length = age < 1 ? 1 : age < window ? age : window;

	for (unsigned i = 0; i < s->count; i++) {
		uint64_t at = s->ns[i] / bucket_ns;
		double amount = packets ? 1 : s->bytes[i];

		if (at <= now && now - at < whole)
			sum += amount;
		else if (at <= now && now - at == whole)
			sum += amount * (1 - outside);
	}
	return sum / (packets ? 1 : length);
}

static void near(uint64_t found, double wanted)
{
	double off = fabs((double)found - wanted);

	if (off > 1 && off > wanted * 1e-5)
		fail_msg("found %llu, wanted %f", (unsigned long long)found, wanted);
}

static void check(const struct series *s, uint64_t now_ns)
{
	static const enum rate_window windows[] = {RATE_1S, RATE_10S, RATE_60S};

	for (unsigned w = 0; w < 3; w++)
		near(rate_per_second(&s->rate, s->sum_bytes, now_ns, windows[w]),
			slow(s, now_ns, windows[w], false));
	near(rate_packets_per_second(&s->rate, s->count, now_ns),
		slow(s, now_ns, 1, true));
}

static uint64_t pause_ns(unsigned kind)
{
	uint64_t r = (uint64_t)rand();

	switch (kind) {
	case 0: return r % (SECOND / 20);
	case 1: return r % (3 * SECOND);
	case 2: return r % 50 ? r % SECOND : r % (90 * SECOND);
	case 3: return SECOND; /* on the edge each time */
	default: return r % 20 ? 0 : 10 * SECOND;
	}
}

static void random_series(uint64_t start_ns)
{
	static struct series s;

	for (unsigned kind = 0; kind < 5; kind++) {
		uint64_t ns = start_ns;

		srand(kind + 1);
		s = (struct series){0};
		for (unsigned i = 0; i < 700; i++) {
			ns += pause_ns(kind);
			add(&s, ns, (uint32_t)rand() % 100000);
			check(&s, ns);
			check(&s, ns + pause_ns(kind) * 3);
			check(&s, ns + 11 * SECOND);
			check(&s, ns + 59 * SECOND + pause_ns(1) * 4);
			check(&s, ns + 1000 * SECOND);
		}
	}
}

static void as_the_definition_says(void **state)
{
	(void)state;
	random_series(1700000000ull * SECOND);
	random_series(1700000009ull * SECOND + 999999999);
}

/* Stamps that count from the start of the capture. */
static void from_second_zero(void **state)
{
	(void)state;
	random_series(0);
	random_series(5);
	random_series(SECOND * 6);
}

static void first_second_is_a_whole_one(void **state)
{
	struct series s = {0};

	(void)state;
	add(&s, 100 * SECOND + 900000000, 5000);
	assert_int_equal(
		rate_per_second(&s.rate, 5000, 100 * SECOND + 900000001, RATE_1S),
		5000);
	assert_int_equal(
		rate_per_second(&s.rate, 5000, 100 * SECOND + 900000001, RATE_60S),
		5000);
}

static void nothing_came(void **state)
{
	struct rate r = {0};

	(void)state;
	assert_int_equal(rate_per_second(&r, 0, 5 * SECOND, RATE_10S), 0);
	assert_int_equal(rate_packets_per_second(&r, 0, 5 * SECOND), 0);
}

/* Older stamps count in the second that has begun; the past has no rate. */
static void time_runs_back(void **state)
{
	struct series s = {0};

	(void)state;
	add(&s, 500 * SECOND, 1000);
	add(&s, 400 * SECOND, 1000);
	assert_int_equal(
		rate_per_second(&s.rate, s.sum_bytes, 500 * SECOND + 1, RATE_1S), 2000);
	assert_int_equal(
		rate_per_second(&s.rate, s.sum_bytes, 400 * SECOND, RATE_1S), 0);
	assert_int_equal(rate_packets_per_second(&s.rate, 2, 400 * SECOND), 0);
	add(&s, 501 * SECOND, 1000);
	assert_int_equal(
		rate_per_second(&s.rate, s.sum_bytes, 501 * SECOND, RATE_1S), 3000);
}

/* Whole terabytes: floats keep seven digits. */
static void large_numbers(void **state)
{
	struct rate r = {0};
	uint64_t bytes = 0;

	(void)state;
	for (uint32_t second = 1000; second < 1100; second++) {
		rate_roll(&r, second, bytes, second);
		bytes += 12500000000ull; /* 100 Gb/s */
	}
	near(rate_per_second(&r, bytes, 1100 * SECOND, RATE_60S), 12.5e9);
	near(rate_per_second(&r, bytes, 1100 * SECOND, RATE_1S), 12.5e9);
}

/* A flow's rates are those of its packets, small in the beginning or not, also in 1970.
 */
static void flows_have_the_same(void **state)
{
	static const uint64_t starts[] = {1700000000ull * SECOND, 0};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct rig *r = rig_new(NULL);
		const struct flow *f;

		if (i % 2)
			rig_only_full(r);
		r->now_ns = starts[i / 2];
		rig_play(r, ">S <SA >A1000 <A500");
		f = rig_now(r, &r->talk);
		assert_int_equal(rate_per_second(&f->rate[0], f->side[0].payload_bytes,
					 r->now_ns, RATE_1S),
			1000);
		assert_int_equal(rate_per_second(&f->rate[1], f->side[1].payload_bytes,
					 r->now_ns, RATE_10S),
			500);
		assert_int_equal(rate_packets_per_second(
					 &f->rate[0], f->side[0].packets, r->now_ns),
			2);
		rig_end(r);
		rig_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_definition_says),
		cmocka_unit_test(from_second_zero),
		cmocka_unit_test(first_second_is_a_whole_one),
		cmocka_unit_test(nothing_came),
		cmocka_unit_test(time_runs_back),
		cmocka_unit_test(large_numbers),
		cmocka_unit_test(flows_have_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
