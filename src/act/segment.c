#include "act/segment.h"

#include <string.h>

#include "core/proto.h"

#define TCP_BYTES  20
#define HOPS       64 /* as Linux sends */
#define V4_BYTES   20
#define V6_BYTES   40
#define DONT_SPLIT 0x40 /* of IPv4's flags; with it the id may be 0 (RFC 6864 §4.1) */

static void put_be16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_be32(uint8_t *at, uint32_t value)
{
	put_be16(at, (uint16_t)(value >> 16));
	put_be16(at + 2, (uint16_t)value);
}

/* Adds an even number of bytes to a sum of 16-bit words (RFC 1071). */
static uint32_t add(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void write_tcp(const struct segment_make *w, uint8_t *tcp)
{
	/* The pseudo header's words; IPv4's prefix is the same in both and left out. */
	size_t from = w->family == FAMILY_V4 ? 12 : 0;
	uint32_t sum = PROTO_TCP + TCP_BYTES;

	memset(tcp, 0, TCP_BYTES);
	put_be16(tcp, w->src_port);
	put_be16(tcp + 2, w->dst_port);
	put_be32(tcp + 4, w->seq);
	put_be32(tcp + 8, w->ack);
	tcp[12] = TCP_BYTES / 4 << 4;
	tcp[13] = w->flags;
	put_be16(tcp + 14, w->window);
	sum = add(sum, w->src.b + from, 16 - from);
	sum = add(sum, w->dst.b + from, 16 - from);
	put_be16(tcp + 16, fold(add(sum, tcp, TCP_BYTES)));
}

size_t segment_write(const struct segment_make *w, uint8_t out[SEGMENT_BYTES])
{
	memset(out, 0, SEGMENT_BYTES);
	if (w->family == FAMILY_V4) {
		out[0] = 0x45;
		put_be16(out + 2, V4_BYTES + TCP_BYTES);
		out[6] = DONT_SPLIT;
		out[8] = HOPS;
		out[9] = PROTO_TCP;
		memcpy(out + 12, w->src.b + 12, 4);
		memcpy(out + 16, w->dst.b + 12, 4);
		put_be16(out + 10, fold(add(0, out, V4_BYTES)));
		write_tcp(w, out + V4_BYTES);
		return V4_BYTES + TCP_BYTES;
	}
	out[0] = 0x60;
	put_be16(out + 4, TCP_BYTES);
	out[6] = PROTO_TCP;
	out[7] = HOPS;
	memcpy(out + 8, w->src.b, 16);
	memcpy(out + 24, w->dst.b, 16);
	write_tcp(w, out + V6_BYTES);
	return V6_BYTES + TCP_BYTES;
}
