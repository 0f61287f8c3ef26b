/* scan — what a parser of capture records gets and tells: one step over a window. */
#ifndef KONN_SOURCE_SCAN_H
#define KONN_SOURCE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cur.h"
#include "base/err.h"
#include "core/frame.h"

#define SCAN_PACKET_BYTES \
	262144u /* longest packet of an ordinary capture (as libpcap) */
#define SCAN_LONGEST_BYTES ((uint32_t)16 << 20) /* longest packet and block of any */

struct scan {
	struct cur in; /* unread bytes; the parser moves it past each whole record */
	struct frame *frames;
	unsigned most, count;
	size_t want;      /* bytes that the next record needs, when it is not whole */
	bool in_packet;   /* valid with want: the record holds a packet */
	struct err fault; /* exit_code != 0: what is wrong with the next record */
};

static inline uint16_t scan_u16(struct cur *c, bool big)
{
	return big ? cur_be16(c) : cur_le16(c);
}

static inline uint32_t scan_u32(struct cur *c, bool big)
{
	return big ? cur_be32(c) : cur_le32(c);
}

/*
 * Longest packet that is believed: link types of storage and buses have longer ones,
 * and a file may announce longer ones itself. Numbers as in pcap-linktype(7).
 */
static inline uint32_t scan_most_bytes(uint16_t linktype, uint32_t snaplen)
{
	bool bus = linktype == 189 || linktype == 220 || linktype == 231 ||
		   linktype == 249 || linktype == 279;

	if (bus)
		return SCAN_LONGEST_BYTES;
	if (snaplen > SCAN_PACKET_BYTES && snaplen <= SCAN_LONGEST_BYTES)
		return snaplen;
	return SCAN_PACKET_BYTES;
}

#endif
