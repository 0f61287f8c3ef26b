/*
 * fetch — what the packets of a batch will touch, fetched ahead of them: index slots,
 * then records with what is measured, then the notes that those point to. The cache
 * misses of many packets overlap, instead of waiting for each other.
 */
#ifndef KONN_FLOW_FETCH_H
#define KONN_FLOW_FETCH_H

#include "core/frame.h"
#include "flow/pool.h"

struct fetch {
	struct flow_table *t;         /* borrowed */
	const struct packet *packets; /* borrowed */
	unsigned count;
	uint32_t ref[FRAME_BATCH]; /* found for each; 0: none. May be stale: a hint */
};

/* What the first packets need; `count` at most FRAME_BATCH. */
void fetch_begin(struct fetch *f, struct flow_table *t, const struct packet *packets,
	unsigned count);

/* Called before packet `at` is looked at. */
void fetch_ahead(struct fetch *f, unsigned at);

#endif
