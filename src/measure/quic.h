/*
 * quic — round trips of QUIC's handshake (RFC 9000 §17.2): what an endpoint answers to
 * the other one's first flight.
 */
#ifndef KONN_MEASURE_QUIC_H
#define KONN_MEASURE_QUIC_H

#include <stdint.h>

struct measure;
struct packet;
struct talk;

/* A datagram of a conversation that is known to be QUIC; `orig` is the client's side.
 */
void quic_packet(
	struct measure *g, struct talk *t, const struct packet *p, unsigned orig);

/* The client's first Initial, of which only the time is known. */
void quic_hello(struct measure *g, struct talk *t, uint64_t sent_ns);

#endif
