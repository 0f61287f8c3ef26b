/* gaps — stretches of one side's data that were jumped over and may still come. */
#ifndef KONN_MEASURE_GAPS_H
#define KONN_MEASURE_GAPS_H

#include "measure/loss.h"
#include "measure/pools.h"

#define GAPS_MOST 32
#define GAP_MOST  0x3fffffffu /* bytes */

struct gap {
	uint32_t at;       /* when it was jumped over, loss_at */
	uint32_t new_at;   /* when the last new data before it came */
	uint32_t from, to; /* to: the first number behind it */
	uint32_t tsval;    /* of the segment that jumped; valid when has_tsval */
	/* Bytes that did not come; fewer than to - from: where in it is not known,
	   because there was no room for each stretch apart. */
	uint32_t missing : 30;
	uint32_t has_tsval : 1;
};
_Static_assert(sizeof(struct gap) == 24, "a record of POOL_HOLES holds 32");

/*
 * Notes a gap behind all others; `missing` is its size. Without room in the record it
 * is joined to the last one. False: the pool is used up.
 */
bool gaps_open(struct pools *p, struct loss_holes *h, const struct gap *gap);

/*
 * Takes [from, to) out of them. The bytes of it that were in gaps; `first` is the
 * lowest such gap as it was (unchanged: none).
 */
uint32_t gaps_fill(struct pools *p, struct loss_holes *h, uint32_t from, uint32_t to,
	struct gap *first);

/* Gives up those up to `acked` that are `age` old, in the unit of loss_at. */
void gaps_prune(struct pools *p, struct loss_holes *h, uint32_t acked, uint32_t now,
	uint32_t age);

void gaps_done(struct pools *p, struct loss_holes *h);

#endif
