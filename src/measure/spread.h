/*
 * spread — percentiles in bounded space: the first eight values as they are, then a
 * histogram from a pool. Its 64 buckets are 1/32 of an octave at first and grow with
 * the range: 1/4 of an octave at most, for 16 octaves (16 us to 1 s); what is beyond
 * counts in the outermost ones. Counts are halved before they overflow.
 */
#ifndef KONN_MEASURE_SPREAD_H
#define KONN_MEASURE_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/pools.h"

#define SPREAD_FEW 8

#define SPREAD_BUCKETS 64

struct spread_buckets {
	uint16_t *count; /* SPREAD_BUCKETS, owned pool record: two cache lines */
	int16_t base;    /* place of the first one, see spread.c */
	uint8_t merge;   /* how often pairs were merged */
};

struct spread {               /* zeroed: empty */
	uint32_t least, most; /* valid when count > 0 */
	uint32_t count;       /* values added, up to its highest value */
	uint32_t form;        /* spread.c's: few, buckets, sample, sealed */
	union {
		uint32_t few[SPREAD_FEW];
		uint32_t sealed[3]; /* SPREAD_P50… */
		struct spread_buckets buckets;
		uint32_t *sample; /* owned pool record */
	};
	uint32_t block; /* its number in POOL_BUCKETS */
};

/* Without room for a histogram the eight values become a sample of all. */
void spread_add(struct spread *s, struct pools *pools, uint32_t value);

/*
 * The same for what comes rarely and must be exact: up to 32 values as they are, of
 * more a sample in which each one has the same chance.
 */
void spread_add_exact(struct spread *s, struct pools *pools, uint32_t value);

/* 50, 95 or 99; s->count > 0. Between least and most; exact for up to eight values. */
uint32_t spread_percentile(const struct spread *s, unsigned percent);

enum { SPREAD_P50, SPREAD_P95, SPREAD_P99, SPREAD_PERCENTS };

/* All three, for little more than one. */
void spread_percentiles(const struct spread *s, uint32_t out[static SPREAD_PERCENTS]);

/* Makes `out` a copy that needs no pool any more (percentiles only). */
void spread_seal(struct spread *out, const struct spread *s);

/* Fetches what the next value will touch; `s` is there already, or may be anything. */
void spread_fetch(const struct spread *s);

void spread_done(struct spread *s, struct pools *pools);

#endif
