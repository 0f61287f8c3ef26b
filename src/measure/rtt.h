/*
 * rtt — round trips of TCP, each half of the path apart: between the capture point and
 * endpoint d is rtt[d].
 *
 *      endpoint 0 ------------- capture point ------------- endpoint 1
 *                  half 0                        half 1
 *
 * Data of 0 answered by 1 measures half 1 (receiver side: seq, timestamp); an
 * acknowledgement of 1 and the data of 0 that it sets free measure half 0 (sender side:
 * ack).
 */
#ifndef KONN_MEASURE_RTT_H
#define KONN_MEASURE_RTT_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/spread.h"

struct measure;
struct tcp_measure;
struct segment;

struct ring { /* entries in a pool block; of which kind, rtt.c and ring.c know */
	uint32_t block;       /* 0: none */
	uint16_t first, used; /* entries */
	uint8_t size;         /* 0: no block, else enum pool_kind - POOL_RING8 + 1 */
	uint8_t thinned; /* without room every second entry was given up: how often */
};

struct rtt_state {        /* of what one side sent and told */
	struct ring sent; /* its segments that are not acknowledged yet */
	struct ring
		told; /* its acknowledgements and timestamps that were not echoed yet */
	uint32_t tsval;     /* newest; valid when has_tsval */
	uint32_t ack, edge; /* newest acknowledgement, end of the window */
	bool has_tsval, has_ack, has_edge;
	uint8_t wscale;    /* of its window; 255: not known */
	uint32_t sent_end; /* highest sequence number sent + 1; valid when has_sent */
	bool has_sent;
};

struct rtt {                        /* of one half; times in microseconds */
	uint32_t samples;           /* valid ones that count (SYN, FIN apart) */
	uint32_t ambiguous;         /* left out: retransmitted, covered… */
	uint32_t smooth_us, var_us; /* RFC 6298 §2; valid when samples > 0 */
	uint32_t handshake_us;      /* valid when has_handshake */
	uint32_t window_least_us,
		window_before_us; /* of this and the 10 s before; spread.c's p50 minus
				     it is queueing */
	uint64_t window_ns;       /* when the current 10 s began */
	struct spread spread;     /* least, most, percentiles of the valid ones */
	bool has_handshake;
};

/* Takes the segment into account; sets s->has_known… and s->new_ack. */
void rtt_segment(struct measure *g, struct tcp_measure *m, struct segment *s);

/* Delay by queues now: median less minimum over about 10 s. False: not known. */
bool rtt_queue_us(const struct rtt *r, uint32_t *out);

/* The least of that half, handshake included. False: none yet. */
bool rtt_least_us(const struct rtt *r, uint32_t *out);

void rtt_done(struct measure *g, struct tcp_measure *m);

#endif
