/* addr — network addresses and the canonical 5-tuple of a connection. */
#ifndef KONN_CORE_ADDR_H
#define KONN_CORE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"

enum family {
	FAMILY_NONE = 0,
	FAMILY_V4 = 4,
	FAMILY_V6 = 6,
};

/* Network byte order; IPv4 as ::ffff:a.b.c.d. The family is said beside it. */
struct addr {
	uint8_t b[16];
};

/*
 * Key of a flow: endpoint 0 is the lower one (address, then port, compared as bytes and
 * numbers). ICMP: the identifier (or 0) in both ports. Other protocols: ports 0.
 * No padding, so it compares and hashes as bytes.
 */
struct tuple {
	struct addr addr[2];
	uint16_t port[2]; /* host order */
	uint8_t proto;    /* IP protocol number */
	uint8_t family;   /* enum family */
	uint16_t scope;   /* namespace the flow was seen in; 0: this one, or a file */
};
_Static_assert(sizeof(struct tuple) == 40, "compared and hashed as five words");

static inline struct addr addr_v4(const uint8_t bytes[4])
{
	struct addr a = {{[10] = 0xff, [11] = 0xff}};

	memcpy(a.b + 12, bytes, 4);
	return a;
}

static inline struct addr addr_v6(const uint8_t bytes[16])
{
	struct addr a;

	memcpy(a.b, bytes, 16);
	return a;
}

static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, 16) == 0;
}

static inline bool tuple_equal(const struct tuple *a, const struct tuple *b)
{
	uint64_t x[5], y[5];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) |
		       (x[4] ^ y[4])) == 0;
}

/* Keyed hash of the canonical key; IPv4 takes fewer rounds. */
static inline uint64_t tuple_hash(const struct hash_key *key, const struct tuple *t)
{
	struct hash_state s = hash_begin(key);
	uint64_t w[5];

	memcpy(w, t, sizeof(w));
	if (t->family == FAMILY_V4) {
		/* addresses are in the upper halves of words 1 and 3 */
		hash_word(&s, w[1] >> 32 | (w[3] >> 32) << 32);
		hash_word(&s, w[4]);
		return hash_end(&s, 16);
	}
	hash_word(&s, w[0]);
	hash_word(&s, w[1]);
	hash_word(&s, w[2]);
	hash_word(&s, w[3]);
	hash_word(&s, w[4]);
	return hash_end(&s, 40);
}

/*
 * Puts src and dst in canonical order. Returns the direction of src → dst: 0 when src
 * became endpoint 0, else 1.
 */
unsigned tuple_order(struct tuple *t, const struct addr *src, uint16_t src_port,
	const struct addr *dst, uint16_t dst_port);

/*
 * Dotted quad, or RFC 5952, at a place that has room for ADDR_PUT_MOST bytes; returns
 * where the text ends.
 */
#define ADDR_PUT_MOST 45
char *addr_put(char *at, const struct addr *a, enum family family);

/* The same behind what `out` holds. */
void addr_format(struct buf *out, const struct addr *a, enum family family);

/* Numeric text into an address; false (nothing written) on anything else. */
bool addr_parse(
	const char *text, size_t len, struct addr *out, enum family *out_family);

/* True when the first `prefix` bits of both are equal (IPv4: of the 32). */
bool addr_in(const struct addr *a, const struct addr *net, enum family family,
	unsigned prefix);

bool addr_is_loopback(const struct addr *a, enum family family);
bool addr_is_link_local(const struct addr *a, enum family family);
/* 255.255.255.255 too. */
bool addr_is_multicast(const struct addr *a, enum family family);

#endif
