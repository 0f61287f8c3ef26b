/*
 * spin — whole round trips out of QUIC's spin bit (RFC 9000 §17.4, RFC 9312 §3.8): the
 * client inverts what it got last, the server sends it back, so each direction's bit
 * changes once a round trip. Endpoints may also send a fixed or a random bit; then
 * nothing is said.
 */
#ifndef KONN_MEASURE_SPIN_H
#define KONN_MEASURE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

struct measure;
struct packet;
struct talk;

struct spin_side {                        /* of one direction */
	uint64_t edge_ns;                 /* last edge; valid when has_edge */
	uint64_t last_ns;                 /* last short header; valid when seen */
	uint32_t interval_us;             /* between the last two edges; 0: not known */
	uint16_t packets, changes, edges; /* changes: from packet to packet */
	bool seen, has_edge;
	bool bit;  /* without packets that were overtaken */
	bool last; /* of the last packet */
};

struct spin { /* zeroed at the start; counts are halved before they overflow */
	struct spin_side side[2];
	uint64_t first_ns;
	uint16_t intervals, early; /* between edges; too short for a round trip */
	uint16_t causal, odd;      /* edges that follow the other side's, or do not */
	uint16_t even, uneven; /* intervals about as long as the one before, or not */
};

struct spin_packet {
	const struct packet *p;
	uint64_t rtt_ns; /* of the handshake, whole; 0: not known */
	bool bit, from_client;
};

/* A packet with a short header. */
void spin_packet(struct measure *g, struct talk *t, struct spin *s,
	const struct spin_packet *in);

#endif
