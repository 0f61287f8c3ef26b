/*
 * loss — where segments were lost, and which came in another order: konn's own classes,
 * by direction of the data.
 */
#ifndef KONN_MEASURE_LOSS_H
#define KONN_MEASURE_LOSS_H

#include <stdbool.h>
#include <stdint.h>

struct measure;
struct tcp_measure;
struct segment;

struct loss_state {     /* of the data of one side; zeroed at the start */
	uint32_t next;  /* highest sequence number seen + 1; valid when has_next */
	uint32_t acked; /* highest acknowledgement by the other side; valid when
			   has_acked */
	bool has_next, has_acked;
	uint32_t holes; /* POOL_HOLES; 0: none open */
};

struct loss_counts {
	uint32_t before, after; /* segments lost before, after the capture point */
	uint32_t reordered;
	uint32_t spurious;       /* sent again for nothing: not in `after` */
	uint32_t fast, rto, tlp; /* what made the sender send again */
	uint32_t keep_alives;
	uint64_t missed_bytes; /* acknowledged, or jumped over, and never seen */
};

/* Sets s->class, s->rto, fast, tlp, acked_before; counts for the sender of the data. */
void loss_segment(struct measure *g, struct tcp_measure *m, struct segment *s);

void loss_done(struct measure *g, struct tcp_measure *m);

#endif
