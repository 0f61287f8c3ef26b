/*
 * spread — percentiles in bounded space: the first eight values as they are, then a
 * histogram from a pool (quarter octaves; counts are halved before they overflow).
 */
#ifndef KONN_MEASURE_SPREAD_H
#define KONN_MEASURE_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/pools.h"

#define SPREAD_FEW 8

struct spread {               /* zeroed: empty */
	uint32_t least, most; /* valid when count > 0 */
	uint32_t count;       /* values added, up to its highest value */
	uint32_t form;        /* spread.c's: few, buckets, sealed */
	union {
		uint32_t few[SPREAD_FEW];
		uint32_t sealed[3]; /* p50, p95, p99 */
		uint8_t *buckets;   /* owned pool record */
	};
	uint32_t block; /* its number in POOL_BUCKETS */
};

/* Without room for a histogram the eight values become a sample of all. */
void spread_add(struct spread *s, struct pools *pools, uint32_t value);

/* 50, 95 or 99; s->count > 0. Between least and most. */
uint32_t spread_percentile(const struct spread *s, unsigned percent);

/* Makes `out` a copy that needs no pool any more (percentiles only). */
void spread_seal(struct spread *out, const struct spread *s);

void spread_done(struct spread *s, struct pools *pools);

#endif
