/*
 * segment — TCP segments without data that an act sends: pure functions, IP header and
 * checksums included, no link header.
 */
#ifndef KONN_ACT_SEGMENT_H
#define KONN_ACT_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"

#define SEGMENT_BYTES 60 /* the longest: IPv6 and TCP without options */

struct segment_make {
	struct addr src, dst;
	uint16_t src_port, dst_port; /* host order */
	uint8_t family;              /* enum family of both addresses */
	uint8_t flags;               /* TCP_SYN… of core/packet.h */
	uint16_t window;
	uint32_t seq, ack;
};

/* Writes the packet; returns its length: 40 (IPv4) or 60. */
size_t segment_write(const struct segment_make *what, uint8_t out[SEGMENT_BYTES]);

#endif
