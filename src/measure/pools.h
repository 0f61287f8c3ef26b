/*
 * pools — records that connections take only while they need them, within fixed shares
 * of the memory. Addresses stay valid until the record is freed.
 */
#ifndef KONN_MEASURE_POOLS_H
#define KONN_MEASURE_POOLS_H

#include <stdint.h>

#include "base/slab.h"

enum pool_kind {
#define POOL(name_, bytes_, share_) POOL_##name_,
#include "measure/pools.def"
#undef POOL
	POOL_COUNT,
};

struct pools {
	struct slab slab[POOL_COUNT];
};

/* 0 or -ENOMEM (then nothing is held). */
int pools_init(struct pools *p, uint64_t memory_bytes);
void pools_done(struct pools *p);

/* A number whose record holds garbage; 0: the share is used up. */
static inline uint32_t pools_alloc(struct pools *p, enum pool_kind kind)
{
	return slab_alloc(&p->slab[kind]);
}

/* 0 is allowed and does nothing. */
static inline void pools_free(struct pools *p, enum pool_kind kind, uint32_t number)
{
	if (number)
		slab_free(&p->slab[kind], number);
}

/* The record; the number is not 0. */
static inline void *pools_at(
	const struct pools *p, enum pool_kind kind, uint32_t number)
{
	return slab_at(&p->slab[kind], number);
}

uint64_t pools_bytes(const struct pools *p);

#endif
