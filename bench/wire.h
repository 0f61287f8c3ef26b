/* wire — writes made-up packets to a pcap file, cut to a snapshot length. */
#ifndef KONN_BENCH_WIRE_H
#define KONN_BENCH_WIRE_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { WIRE_FIN = 1, WIRE_SYN = 2, WIRE_RST = 4, WIRE_PSH = 8, WIRE_ACK = 16 };
enum { WIRE_HEAD_MAX = 16 }; /* payload bytes that are not zero */

struct endpoint {
	uint8_t addr[16]; /* IPv4 uses the first four */
	uint16_t port;
};

struct segment {
	uint64_t time_us;
	const struct endpoint *from, *to;
	bool v6, udp;
	uint8_t flags;
	uint16_t window;
	uint32_t seq, ack;
	uint32_t tsval, tsecr; /* the timestamps option; tsval 0 leaves it out */
	uint32_t len_bytes;    /* payload */
	const uint8_t
		*head; /* first bytes of the payload, the rest is 0; may be NULL */
	uint32_t head_bytes;
};

struct wire {
	FILE *out; /* borrowed */
	uint32_t snaplen;
	uint64_t packets, bytes;
};

/* Writes the file header (pcap, microseconds, Ethernet). */
int wire_init(struct wire *w, FILE *out, uint32_t snaplen);

/* Writes one packet; -errno when the file cannot take it. */
int wire_put(struct wire *w, const struct segment *s);
#endif
