/*
 * tcp_measure — everything that is measured of one TCP connection. The analyzers'
 * states come first, because each segment touches them.
 */
#ifndef KONN_MEASURE_TCP_MEASURE_H
#define KONN_MEASURE_TCP_MEASURE_H

#include <stddef.h>

#include "base/prefetch.h"
#include "core/packet.h"
#include "measure/expert.h"
#include "measure/limit.h"
#include "measure/loss.h"
#include "measure/measure.h"
#include "measure/rtt.h"
#include "measure/segment.h"
#include "measure/turns.h"

/* Four cache lines, of which the other side's segments leave the last one alone. */
struct tcp_side {
	_Alignas(64) struct rtt_state rtt;
	struct expert_state expert;
	struct loss_state loss;
	struct limit_state limit;
};

#define TCP_SIDE_SHARED_BYTES 192
_Static_assert(sizeof(struct tcp_side) == 256, "as said above");
_Static_assert(offsetof(struct tcp_side, limit.last_ns) <= TCP_SIDE_SHARED_BYTES,
	"what the other side's segments touch");

struct tcp_results {
	_Alignas(64) struct rtt rtt; /* of the path between the capture point and it */
	struct expert_counts expert; /* of the segments that side sent */
	_Alignas(64) struct limit_shares limit; /* of its sending */
	struct loss_counts loss;                /* of its data */
};

struct tcp_measure { /* zeroed at the start */
	/* looked at for each segment: the sides, and the line behind them */
	struct tcp_side side[2]; /* by direction: 0 is sent by endpoint 0 of the key */
	uint64_t newest_ns;
	uint64_t last_ns;      /* rtt.c's: of the segment before; may be less */
	uint32_t smooth_us[2]; /* of each half, RFC 6298 §2; 0: no figures yet */
	struct turns turns;
	struct loss_holes holes[2];
	uint64_t syn_ns[2]; /* expert.c's: the SYN of each side; once the handshake is
			       over both hold its round trip */
	struct tcp_results result[2];
};
_Static_assert(offsetof(struct tcp_measure, turns.first_byte_us) <= 2 * 256 + 64,
	"what each segment touches of the turns");

/* One segment, copies excluded; `orig` is the side that opened the connection. `s`
 * becomes what was found of it. */
void tcp_measure_segment(struct measure *g, struct tcp_measure *m,
	const struct packet *p, unsigned orig, struct segment *s);

/*
 * Fetches what the segment will touch, in three steps, each some time after the one
 * before. `m` may be anybody's by now: nothing but fetching is done with it.
 */
static inline void tcp_measure_fetch_state(
	const struct tcp_measure *m, const struct packet *p)
{
	prefetch_lines(&m->side[!p->dir], TCP_SIDE_SHARED_BYTES);
	prefetch_lines(&m->side[p->dir], TCP_SIDE_SHARED_BYTES);
	if (p->payload_len)
		prefetch_lines(
			(const uint8_t *)&m->side[p->dir] + TCP_SIDE_SHARED_BYTES, 64);
	prefetch_lines(&m->newest_ns, 64);
}

void tcp_measure_fetch(
	const struct measure *g, const struct tcp_measure *m, const struct packet *p);

void tcp_measure_fetch_figures(const struct tcp_measure *m, const struct packet *p);

/* The connection is over: gives back what waits for answers, the results stay. */
void tcp_measure_rest(struct measure *g, struct tcp_measure *m);

/* Gives back what it holds of the pools. */
void tcp_measure_done(struct measure *g, struct tcp_measure *m);

/* `out` becomes a copy of the results that holds nothing of the pools. */
void tcp_measure_seal(struct tcp_measure *out, const struct tcp_measure *m);

#endif
