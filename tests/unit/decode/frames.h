/*
 * frames — frames built layer by layer for the tests, and decoded both ways.
 *
 * Addresses are 10.0.0.1 → 10.0.0.2 and 2001:db8::1 → 2001:db8::2 unless `outer`, then
 * 192.0.2.1 → 192.0.2.2 and 2001:db8:ff::1 → 2001:db8:ff::2. Length fields are filled
 * in by frame_end.
 */
#ifndef KONN_TESTS_FRAMES_H
#define KONN_TESTS_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "decode/chain.h"
#include "decode/decode.h"

#define SPORT   1234
#define DPORT   80
#define PAYLOAD 5 /* bytes that add_tcp and add_udp put behind the header */

struct build {
	uint8_t b[4096];
	uint32_t len;
	struct {
		uint32_t at, from; /* big-endian 16 bits at `at` count the bytes from
				      `from` */
	} length[16];
	unsigned lengths;
	uint16_t linktype;
};

struct build frame_begin(uint16_t linktype);
void add_hex(struct build *b, const char *hex);
void add_zeros(struct build *b, uint32_t count);
void add_u16(struct build *b, unsigned value);
void add_u32(struct build *b, uint32_t value);
/* The 16 bits at `at` will count all bytes from offset `from` on. */
void add_length(struct build *b, uint32_t at, uint32_t from);

void add_ethernet(struct build *b, unsigned type); /* 02:…:01 → 02:…:02 */
void add_ip4(struct build *b, unsigned proto, bool outer);
void add_ip6(struct build *b, unsigned proto, bool outer);
void add_ip(struct build *b, bool v6, unsigned proto, bool outer);
void add_tcp(struct build *b); /* ack, seq 1000, ack 2000, no options, PAYLOAD bytes */
void add_udp_header(struct build *b, unsigned sport, unsigned dport);
void add_udp(struct build *b); /* SPORT → DPORT, PAYLOAD bytes */
/* A whole inner packet: IP and TCP. */
void add_flow(struct build *b, bool v6);

void frame_end(struct build *b);

/* A decoder with a fixed key; freed by decoder_free. */
struct decoder *test_decoder(void);

/* The frame as it is: nothing cut. Borrows from b. */
struct frame frame_of(const struct build *b);

/*
 * Decodes a copy of exactly caplen bytes by decode_batch and, when `twin` is not NULL,
 * by the chain of that other decoder: both must agree. payload is compared, then
 * pointed into f.
 */
struct packet decode_both(
	struct decoder *d, struct decoder *twin, const struct frame *f);

/* With new decoders. */
struct packet decode_frame(const struct frame *f);
struct packet decode_built(struct build *b); /* ends it first */

/* The packet is that of add_flow: kind, key, direction, lengths, sequence numbers. */
void assert_flow(const struct packet *p, bool v6);
void assert_malformed(const struct packet *p, enum malformed why);

#endif
