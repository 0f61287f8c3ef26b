/*
 * tcp_measure — everything that is measured of one TCP connection. The analyzers'
 * states come first, because each segment touches them.
 */
#ifndef KONN_MEASURE_TCP_MEASURE_H
#define KONN_MEASURE_TCP_MEASURE_H

#include <stddef.h>

#include "measure/expert.h"
#include "measure/limit.h"
#include "measure/loss.h"
#include "measure/measure.h"
#include "measure/rtt.h"
#include "measure/segment.h"
#include "measure/turns.h"

struct tcp_side {
	struct rtt_state rtt;
	struct expert_state expert;
	struct loss_state loss;
	struct limit_state limit;
};

struct tcp_results {
	_Alignas(64) struct rtt rtt; /* of the path between the capture point and it */
	struct expert_counts expert; /* of the segments that side sent */
	_Alignas(64) struct limit_shares limit; /* of its sending */
	struct loss_counts loss;                /* of its data */
};

struct tcp_measure { /* zeroed at the start */
	_Alignas(64) struct tcp_side
		side[2]; /* by direction: 0 is sent by endpoint 0 of the key */
	uint64_t newest_ns;
	uint64_t last_ns; /* rtt.c's: of the segment before; may be less */
	struct turns turns;
	struct tcp_results result[2];
};

/* Looked at for each segment: the sides, and how the turns stand. */
#define TCP_MEASURE_HOT_BYTES offsetof(struct tcp_measure, turns.first_byte_us)

/* One segment, copies excluded; `orig` is the side that opened the connection. `s`
 * becomes what was found of it. */
void tcp_measure_segment(struct measure *g, struct tcp_measure *m,
	const struct packet *p, unsigned orig, struct segment *s);

/*
 * Fetches what the segment will touch behind the pointers of `m`, whose hot bytes are
 * there already. `m` may be anybody's by now: nothing but fetching is done with it.
 */
void tcp_measure_fetch(
	const struct measure *g, const struct tcp_measure *m, const struct packet *p);

/* The same, a step later. */
void tcp_measure_fetch_figures(const struct tcp_measure *m, const struct packet *p);

/* The connection is over: gives back what waits for answers, the results stay. */
void tcp_measure_rest(struct measure *g, struct tcp_measure *m);

/* Gives back what it holds of the pools. */
void tcp_measure_done(struct measure *g, struct tcp_measure *m);

/* `out` becomes a copy of the results that holds nothing of the pools. */
void tcp_measure_seal(struct tcp_measure *out, const struct tcp_measure *m);

#endif
