/*
 * fragments — which flow the later fragments of an IP datagram belong to.
 *
 * A fixed table of at most 16 MiB, keyed by (src, dst, protocol, id, family); a
 * datagram is forgotten 30 s after its first fragment came. Nothing is reassembled.
 */
#ifndef KONN_DECODE_FRAGMENTS_H
#define KONN_DECODE_FRAGMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "core/packet.h"

struct fragment_key {
	struct addr src, dst;
	uint32_t id;
	uint8_t proto, family;
	uint16_t zero; /* no padding: compared and hashed as bytes */
};

struct fragment {
	struct fragment_key key;
	uint64_t ts_ns;
	uint32_t from, to; /* bytes of the datagram's payload, to <= 65535 */
	bool more;         /* not the last */
};

struct fragment_flow { /* what a first fragment tells about the others */
	struct tuple key;
	struct tunnel tunnel[PACKET_TUNNELS];
	uint16_t icmp_id, icmp_seq;
	uint8_t kind, dir, tunnels;
	uint8_t icmp_type, icmp_code;
	bool has_icmp_id;
};

struct fragments;

struct fragments *fragments_new(const struct hash_key *key);
void fragments_free(struct fragments *t);

/* Notes a first fragment and its flow; an earlier one of the same datagram wins. */
void fragments_first(struct fragments *t, const struct fragment *f,
	const struct fragment_flow *flow);

/* Notes a later one. NULL: the first is not known. Borrowed until the next call. */
const struct fragment_flow *fragments_later(
	struct fragments *t, const struct fragment *f);

uint64_t fragments_overlaps(const struct fragments *t);

#endif
