/*
 * quic_initial — Initial packets of QUIC clients, whose keys follow from what they
 * carry (RFC 9001 §5.2; version 2: RFC 9369 §3.3): version 1, version 2, drafts 23
 * to 34.
 */
#ifndef KONN_MEASURE_QUIC_INITIAL_H
#define KONN_MEASURE_QUIC_INITIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cur.h"

#define QUIC_ID_MOST        20
#define QUIC_PLAIN_MOST     2048
#define QUIC_DATAGRAM_LEAST 1200 /* of a client's Initial: RFC 9000 §14.1 */

struct quic_id { /* connection id */
	uint8_t len, bytes[QUIC_ID_MOST];
};

struct quic_initial {
	uint32_t version;
	struct quic_id destination;
	struct cur packet;    /* borrowed: header and body, ends where it ends */
	size_t number_offset; /* of the packet number in it */
};

/*
 * Whether the first packet of a datagram is an Initial of a known version. The bytes
 * may be cut: `len` is what the datagram has.
 */
bool quic_initial_begins(const void *bytes, size_t captured, size_t len);

/*
 * Takes packets with long headers from a datagram up to the next Initial of a known
 * version. False: there is none, or it is cut.
 */
bool quic_initial_next(struct cur *datagram, struct quic_initial *out);

/*
 * Opens it with the client's keys that the destination `id` of the first Initial gave.
 * Returns the bytes at `out`; 0: it was not sealed with them.
 */
size_t quic_initial_open(const struct quic_initial *i, const struct quic_id *id,
	uint8_t out[static QUIC_PLAIN_MOST]);

/*
 * Takes frames up to the next CRYPTO frame: its data and their offset in the stream.
 * False: there is none, or what comes has no place in a client's first Initials.
 */
bool quic_initial_crypto(struct cur *frames, uint64_t *offset, struct cur *out);

#endif
