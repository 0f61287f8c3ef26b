/*
 * rtt — round trips of TCP, each half of the path apart: between the capture point and
 * endpoint d is rtt[d].
 *
 *      endpoint 0 ------------- capture point ------------- endpoint 1
 *                  half 0                        half 1
 *
 * Data of 0 answered by 1 measures half 1 (receiver side: seq, timestamp); an
 * acknowledgement of 1 and the data of 0 that it sets free measure half 0 (sender side:
 * ack). The reset that refuses a SYN counts as its answer.
 *
 * All of them are told; the figures of a half come from one kind only, so that no
 * percentile mixes what waits for a delayed acknowledgement (timestamp) or for the
 * sender's application (ack) with what does not (seq). Median of the same half, us,
 * measured on emulated paths (download; queue: 8 Mbit/s into 400 kB):
 *
 *      seen at   half     clean: seq  timestamp    ack   queue: seq     ack
 *      client    server        81630          -  81907        30741  190909
 *      middle    server        66867          -  67035        19758   19860
 *      middle    client        14897      16719      -       170945       -
 *      server    client        82907      83671      -       190908       -
 *
 * Of the server's half there is one seq sample, that of the request, and a hundred to
 * 2,300 ack samples: seen at the client only those show the queue, with the median that
 * seq has at the server (190.9 ms). So the best kind leads unless a worse one has
 * sixteen times as many samples. The price: a sender that pauses within a round trip is
 * in ack (writes of 600 bytes each 4 ms: median 1.8 ms high; 20 kB each 50 ms: 7
 * samples are too few to lead). The least is of all kinds: that
 * of ack came out 0.01 to 0.11 ms above the handshake's in the middle of six paths.
 */
#ifndef KONN_MEASURE_RTT_H
#define KONN_MEASURE_RTT_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/ring.h"
#include "measure/spread.h"

struct measure;
struct sample;
struct tcp_measure;
struct segment;

enum rtt_family { /* the better one first */
	RTT_SEQ,  /* and handshake, fin */
	RTT_TIMESTAMP,
	RTT_ACK,
	RTT_FAMILIES,
};

struct rtt_state {        /* of what one side sent and told */
	struct ring sent; /* its segments that are not acknowledged yet */
	struct ring
		told; /* its acknowledgements and timestamps that were not echoed yet */
	uint64_t known_ns; /* of those the newest that the other side certainly has; */
	uint32_t known_ack, known_edge; /* valid when has_known */
	uint32_t tsval;                 /* newest; valid when has_tsval */
	uint32_t ack, edge;             /* newest acknowledgement, end of the window */
	uint32_t sent_end; /* highest sequence number sent + 1; valid when has_sent */
	uint32_t least_above; /* the least of the half between here and it, of all
				 kinds, plus 1, us; 0: not known */
	uint8_t wscale;       /* of its window; 255: not known */
	uint8_t offered;      /* by its SYN: 0: not seen, 1: no scale, else scale + 2 */
	bool has_tsval : 1, has_ack : 1, has_edge : 1, has_sent : 1, has_known : 1;
	bool begun : 1;
};
_Static_assert(sizeof(struct rtt_state) <= 104, "each segment touches both");

struct rtt {                   /* of one half; times in microseconds */
	uint32_t samples;      /* that the figures below and `spread` come from */
	uint32_t ambiguous;    /* left out: retransmitted, covered… */
	uint32_t var_us;       /* RFC 6298 §2, of tcp_measure.smooth_us; valid
				  when samples > 0 */
	uint32_t handshake_us; /* valid when has_handshake */
	uint32_t window_least_us,
		window_before_us; /* of this and the 10 s before; spread.c's p50 minus
				     it is queueing */
	uint32_t window_at;       /* when the current 10 s began, in 2^24 ns */
	uint32_t least_us[RTT_FAMILIES]; /* valid when count > 0 */
	uint16_t count[RTT_FAMILIES];    /* samples, all halved before one overflows */
	uint8_t family;                  /* enum rtt_family that the figures are of */
	bool has_handshake;
	struct spread spread; /* least, most, percentiles */
};
_Static_assert(sizeof(struct rtt) <= 112, "two of them in each connection");

/*
 * Takes the segment into account; sets s->new_ack and, for one with payload,
 * s->has_known and what it says is valid (known_edge: only when the other side's
 * wscale is known).
 */
void rtt_segment(struct measure *g, struct tcp_measure *m, struct segment *s);

/*
 * One pair of packets: counts it in that half and tells it (reason, kind, half, times
 * and numbers are the caller's). `figures` false: it is apart, of a SYN or a FIN.
 */
void rtt_take(
	struct measure *g, struct tcp_measure *m, struct sample *sample, bool figures);

/* Delay by queues: median less minimum over about 10 s. False: not known. */
bool rtt_queue_us(const struct rtt *r, uint32_t *out);

/* The least of its data and acknowledgements, of all kinds. False: none yet. */
bool rtt_minimum_us(const struct rtt *r, uint32_t *out);

/* The same, or the handshake's. False: none yet. */
static inline bool rtt_least_us(const struct rtt_state *half, uint32_t *out)
{
	*out = half->least_above - 1;
	return half->least_above != 0;
}

/* Another one of that half; the least stays. */
static inline void rtt_keep_least(struct rtt_state *half, uint32_t us)
{
	if (us < half->least_above - 1) /* (0 - 1 is the most) */
		half->least_above = us + 1;
}

void rtt_done(struct measure *g, struct tcp_measure *m);

#endif
