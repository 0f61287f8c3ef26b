/* wire — what the emulator reads from a frame, and what a card with TSO would do to it.
 */
#ifndef PATH_WIRE_H
#define PATH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MOST 65600 /* a frame that still is to be cut into segments */

struct wire {
	bool tcp; /* the fields below are valid */
	uint8_t flags;
	uint16_t ip_id; /* 0 with IPv6 */
	uint16_t sport, dport;
	uint32_t seq, ack, len; /* len: payload */
	uint32_t ip_at, tcp_at, data_at;
	bool v6;
};

/* Reads an Ethernet frame with IPv4 or IPv6 without extension headers. */
void wire_read(const uint8_t *frame, size_t size, struct wire *out);

/*
 * Makes segment number `i` of a frame that was sent for TSO (mss bytes of payload each,
 * RFC 9293 §3.8.3) in `out`, which has WIRE_MOST bytes, with its checksums. The size of
 * the segment; 0 when there is none of that number.
 */
size_t wire_cut(const uint8_t *frame, const struct wire *w, unsigned mss, unsigned i,
	uint8_t *out);

/* Completes the TCP checksum of a frame whose sender left that to the card. */
void wire_checksum(uint8_t *frame, size_t size, const struct wire *w);

#endif
