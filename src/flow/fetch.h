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
	/*
	 * Of full TCP flows, as far as they are known; else NULL. By the packet's turn
	 * they may be another's: nothing but fetching is done with them.
	 */
	const struct flow *flow[FRAME_BATCH];
	const struct tcp_measure *tcp[FRAME_BATCH];
};

/* What the first packets need; `count` at most FRAME_BATCH. */
void fetch_begin(struct fetch *f, struct flow_table *t, const struct packet *packets,
	unsigned count);

/* Called before packet `at` is looked at. */
void fetch_ahead(struct fetch *f, unsigned at);

#endif
