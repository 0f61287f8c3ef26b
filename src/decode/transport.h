/* transport — what the chain and the fast path both do with TCP and UDP headers. */
#ifndef KONN_DECODE_TRANSPORT_H
#define KONN_DECODE_TRANSPORT_H

#include <stdint.h>

#include "core/packet.h"
#include "decode/load.h"

/* Two numbers, one behind the other, in one go. */
static inline void put_two(uint32_t *out, const uint8_t *at)
{
	uint64_t both = load_be64(at);

	both = both << 32 | both >> 32;
	memcpy(out, &both, sizeof(both));
}
_Static_assert(
	offsetof(struct packet, ack) == offsetof(struct packet, seq) + 4 &&
		offsetof(struct packet, tsecr) == offsetof(struct packet, tsval) + 4 &&
		offsetof(struct packet, window) ==
			offsetof(struct packet, tcp_flags) + 2,
	"put_two, tcp_fixed");

/* The 20 bytes of a TCP header's fixed part, without ports. */
static inline void tcp_fixed(struct packet *p, const uint8_t *h)
{
	uint32_t word = load_be32(h + 12);

	word = (word << 16 | word >> 16) & 0xffff01ff;

	put_two(&p->seq, h + 4);
	memcpy(&p->tcp_flags, &word, sizeof(word)); /* and the window */
}

/* Options, as far as they are sound. `len` bytes at `at` were captured. */
void tcp_options(struct packet *p, const uint8_t *at, uint32_t len);

static inline void tcp_timestamps(struct packet *p, const uint8_t *values)
{
	p->has_timestamps = true;
	put_two(&p->tsval, values);
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
