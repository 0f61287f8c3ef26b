#include "measure/spread.h"

#include <assert.h>
#include <string.h>

#include "base/prefetch.h"

#define BUCKETS   SPREAD_BUCKETS
#define FINE_BITS 5  /* finest buckets: 32 in an octave */
#define SAMPLE    32 /* values in a record of POOL_BUCKETS */
#define COARSEST  3  /* merged so often at most: 4 in an octave */

enum form { FORM_FEW, FORM_BUCKETS, FORM_SAMPLE, FORM_SEALED };

/* Octave and the five bits below the highest one. */
static int place(uint32_t value)
{
	int octave = 31 - __builtin_clz(value | 1);
	uint32_t below = octave > FINE_BITS ? value >> (octave - FINE_BITS)
					    : value << (FINE_BITS - octave);

	return value ? octave << FINE_BITS | (int)(below & 31) : 0;
}

/* The least value at a place. */
static uint64_t value_at(int at)
{
	int octave = at >> FINE_BITS;
	uint64_t whole = (uint64_t)(32 | (at & 31));

	return octave > FINE_BITS ? whole << (octave - FINE_BITS)
				  : whole >> (FINE_BITS - octave);
}

static int round_down(int at, unsigned bits)
{
	return at >> bits;
}

static void halve(struct spread_buckets *b)
{
	for (int i = 0; i < BUCKETS; i++)
		b->count[i] = (uint16_t)(b->count[i] / 2 + (b->count[i] & 1));
}

/* Pairs become one. */
static void merge(struct spread_buckets *b)
{
	uint16_t merged[BUCKETS] = {0};
	int base = round_down(b->base, 1);

	for (int i = 0; i < BUCKETS; i++) {
		if (b->count[i] <= UINT16_MAX / 2)
			continue;
		halve(b);
		break;
	}
	for (int i = 0; i < BUCKETS; i++)
		merged[round_down(b->base + i, 1) - base] += b->count[i];
	memcpy(b->count, merged, sizeof(merged));
	b->base = (int16_t)base;
	b->merge++;
}

static void used_range(const struct spread_buckets *b, int *first, int *last)
{
	*first = 0;
	*last = BUCKETS - 1;
	while (*first < *last && !b->count[*first])
		++*first;
	while (*last > *first && !b->count[*last])
		--*last;
}

/* Moves what is there so that the place gets a bucket. */
static bool slide(struct spread_buckets *b, int at)
{
	int first, last, low, high;
	uint16_t moved[BUCKETS] = {0};

	used_range(b, &first, &last);
	low = b->base + first;
	high = b->base + last;
	if (at < low)
		low = at;
	if (at > high)
		high = at;
	if (high - low >= BUCKETS)
		return false;
	low -= (BUCKETS - 1 - (high - low)) / 2; /* as much room on both sides */
	for (int i = first; i <= last; i++)
		moved[b->base + i - low] = b->count[i];
	memcpy(b->count, moved, sizeof(moved));
	b->base = (int16_t)low;
	return true;
}

static void bucket_add(struct spread_buckets *b, uint32_t value)
{
	int fine = place(value), at = round_down(fine, b->merge) - b->base;

	while (__builtin_expect(at < 0 || at >= BUCKETS, 0)) {
		if (slide(b, at + b->base)) {
			at = round_down(fine, b->merge) - b->base;
		} else if (b->merge < COARSEST) {
			merge(b);
			at = round_down(fine, b->merge) - b->base;
		} else {
			at = at < 0 ? 0 : BUCKETS - 1;
		}
	}
	if (__builtin_expect(b->count[at] == UINT16_MAX, 0))
		halve(b);
	b->count[at]++;
}

/* Buckets that hold all of them, with room on both sides. */
static void fit(struct spread_buckets *b, const uint32_t values[SPREAD_FEW])
{
	int low = place(values[0]), high = low;

	for (unsigned i = 1; i < SPREAD_FEW; i++) {
		int at = place(values[i]);

		low = at < low ? at : low;
		high = at > high ? at : high;
	}
	b->merge = 0;
	while (b->merge < COARSEST &&
		round_down(high, b->merge) - round_down(low, b->merge) >= BUCKETS)
		b->merge++;
	low = round_down(low, b->merge);
	high = round_down(high, b->merge);
	b->base = (int16_t)(low - (BUCKETS - 1 - (high - low)) / 2);
}

static bool to_buckets(struct spread *s, struct pools *pools)
{
	uint32_t block = pools_alloc(pools, POOL_BUCKETS), few[SPREAD_FEW];

	if (!block)
		return false;
	memcpy(few, s->few, sizeof(few));
	s->buckets.count = pools_at(pools, POOL_BUCKETS, block);
	fit(&s->buckets, few);
	s->block = block;
	s->form = FORM_BUCKETS;
	memset(s->buckets.count, 0, BUCKETS * sizeof(s->buckets.count[0]));
	for (unsigned i = 0; i < SPREAD_FEW; i++)
		bucket_add(&s->buckets, few[i]);
	return true;
}

/*
 * Where the next value goes, of `room`, when `count` came before it: each stays with
 * the same chance, and the same ones in each run. `room`: it does not stay.
 */
static uint32_t place_of(uint32_t count, uint32_t room)
{
	uint64_t drawn = count * 0x9e3779b97f4a7c15ull >> 32;
	uint64_t at = count < room ? count : drawn * (count + 1ull) >> 32;

	return at < room ? (uint32_t)at : room;
}

static void count_in(struct spread *s, uint32_t value)
{
	if (s->count == 0 || value < s->least)
		s->least = value;
	if (s->count == 0 || value > s->most)
		s->most = value;
	if (s->count < UINT32_MAX)
		s->count++;
}

static void few_add(struct spread *s, uint32_t value)
{
	uint32_t at = place_of(s->count, SPREAD_FEW);

	if (at < SPREAD_FEW)
		s->few[at] = value;
}

void spread_add(struct spread *s, struct pools *pools, uint32_t value)
{
	assert(s->form <= FORM_BUCKETS);
	if (s->form == FORM_BUCKETS || (s->count == SPREAD_FEW && to_buckets(s, pools)))
		bucket_add(&s->buckets, value);
	else
		few_add(s, value);
	count_in(s, value);
}

static bool to_sample(struct spread *s, struct pools *pools)
{
	uint32_t block = pools_alloc(pools, POOL_BUCKETS), *sample;

	if (!block)
		return false;
	sample = pools_at(pools, POOL_BUCKETS, block);
	memcpy(sample, s->few, sizeof(s->few));
	s->sample = sample;
	s->block = block;
	s->form = FORM_SAMPLE;
	return true;
}

void spread_add_exact(struct spread *s, struct pools *pools, uint32_t value)
{
	uint32_t at;

	assert(s->form == FORM_FEW || s->form == FORM_SAMPLE);
	if (s->form == FORM_SAMPLE || (s->count == SPREAD_FEW && to_sample(s, pools))) {
		at = place_of(s->count, SAMPLE);
		if (at < SAMPLE)
			s->sample[at] = value;
	} else {
		few_add(s, value);
	}
	count_in(s, value);
}

/* Which percentiles, in ascending order, and where they go. */
struct wanted {
	const unsigned *percents;
	unsigned count;
	uint32_t *out;
};

/* The nearest-rank percentiles of what are all values, `most` of them or fewer. */
static void of_values(const struct spread *s, const uint32_t *values, uint32_t most,
	const struct wanted *w)
{
	uint32_t sorted[SAMPLE], n = s->count < most ? s->count : most;

	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = k;

		for (; i && sorted[i - 1] > values[k]; i--)
			sorted[i] = sorted[i - 1];
		sorted[i] = values[k];
	}
	for (unsigned i = 0; i < w->count; i++)
		w->out[i] = sorted[(n * w->percents[i] + 99) / 100 - 1];
}

static uint32_t within(const struct spread *s, uint64_t value)
{
	if (value < s->least)
		return s->least;
	return value > s->most ? s->most : (uint32_t)value;
}

/* Value number `nth` (from 1) of bucket i, as if its values were evenly spread. */
static uint32_t in_bucket(const struct spread *s, int i, uint32_t nth)
{
	const struct spread_buckets *b = &s->buckets;
	uint64_t low = value_at((b->base + i) * (1 << b->merge));
	uint64_t high = value_at((b->base + i + 1) * (1 << b->merge));

	if (low < s->least)
		low = s->least;
	if (high > s->most + 1ull)
		high = s->most + 1ull;
	if (high <= low)
		return within(s, low);
	return within(s, low + (high - low) * (2ull * nth - 1) / (2ull * b->count[i]));
}

static void of_buckets(const struct spread *s, const struct wanted *w)
{
	const struct spread_buckets *b = &s->buckets;
	uint32_t total = 0, before = 0; /* 64 times 16 bits */
	int i = 0;

	for (int k = 0; k < BUCKETS; k++)
		total += b->count[k];
	for (unsigned k = 0; k < w->count; k++) {
		uint32_t rank = (total * w->percents[k] + 99) / 100;

		for (; before + b->count[i] < rank; i++)
			before += b->count[i];
		w->out[k] = in_bucket(s, i, rank - before);
	}
}

static void percentiles(const struct spread *s, const struct wanted *w)
{
	assert(s->count);
	if (s->form == FORM_BUCKETS)
		of_buckets(s, w);
	else if (s->form == FORM_FEW)
		of_values(s, s->few, SPREAD_FEW, w);
	else
		of_values(s, s->sample, SAMPLE, w);
}

uint32_t spread_percentile(const struct spread *s, unsigned percent)
{
	uint32_t value;

	assert(percent && percent <= 100);
	if (s->form == FORM_SEALED)
		return s->sealed[percent <= 50   ? SPREAD_P50
				 : percent <= 95 ? SPREAD_P95
						 : SPREAD_P99];
	percentiles(s, &(struct wanted){&percent, 1, &value});
	return value;
}

void spread_percentiles(const struct spread *s, uint32_t out[static SPREAD_PERCENTS])
{
	static const unsigned percents[SPREAD_PERCENTS] = {50, 95, 99};

	if (s->form == FORM_SEALED)
		memcpy(out, s->sealed, sizeof(s->sealed));
	else
		percentiles(s, &(struct wanted){percents, SPREAD_PERCENTS, out});
}

void spread_seal(struct spread *out, const struct spread *s)
{
	struct spread made = {.least = s->least,
		.most = s->most,
		.count = s->count,
		.form = FORM_SEALED};

	if (s->count)
		spread_percentiles(s, made.sealed);
	*out = made;
}

void spread_fetch(const struct spread *s)
{
	if (s->form != FORM_BUCKETS)
		return;
	prefetch_lines(s->buckets.count, BUCKETS * sizeof(*s->buckets.count));
}

void spread_done(struct spread *s, struct pools *pools)
{
	if (s->form == FORM_BUCKETS || s->form == FORM_SAMPLE)
		pools_free(pools, POOL_BUCKETS, s->block);
	*s = (struct spread){0};
}
