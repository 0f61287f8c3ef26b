/* transport — what the chain and the fast path both do with TCP and UDP headers. */
#ifndef KONN_DECODE_TRANSPORT_H
#define KONN_DECODE_TRANSPORT_H

#include <stdint.h>

#include "core/packet.h"
#include "decode/load.h"

/* The 20 bytes of a TCP header's fixed part, without ports. */
static inline void tcp_fixed(struct packet *p, const uint8_t *h)
{
	p->seq = load_be32(h + 4);
	p->ack = load_be32(h + 8);
	p->tcp_flags = load_be16(h + 12) & 0x1ff;
	p->window = load_be16(h + 14);
}

/* Options, as far as they are sound. `len` bytes at `at` were captured. */
void tcp_options(struct packet *p, const uint8_t *at, uint32_t len);

static inline void tcp_timestamps(struct packet *p, const uint8_t *values)
{
	p->has_timestamps = true;
	p->tsval = load_be32(values);
	p->tsecr = load_be32(values + 4);
}

/* The usual NOP, NOP, timestamps (RFC 7323 appendix A) without a look at each byte. */
static inline void tcp_options_fast(struct packet *p, const uint8_t *at, uint32_t len)
{
	if (len == 12 && load_be32(at) == 0x0101080a)
		tcp_timestamps(p, at + 4);
	else if (len)
		tcp_options(p, at, len);
}

#endif
