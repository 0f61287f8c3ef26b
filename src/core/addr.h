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

static inline uint64_t tuple_word(const struct tuple *t, unsigned i)
{
	uint64_t word;

	memcpy(&word, (const uint8_t *)t + 8 * (size_t)i, sizeof(word));
	return word;
}

static inline bool tuple_equal(const struct tuple *a, const struct tuple *b)
{
	/* Word by word: of arrays gcc makes vectors, which it then takes apart. */
	return ((tuple_word(a, 0) ^ tuple_word(b, 0)) |
		       (tuple_word(a, 1) ^ tuple_word(b, 1)) |
		       (tuple_word(a, 2) ^ tuple_word(b, 2)) |
		       (tuple_word(a, 3) ^ tuple_word(b, 3)) |
		       (tuple_word(a, 4) ^ tuple_word(b, 4))) == 0;
}

/*
 * What is hashed ends with scope, ports and protocol: 7 bytes, which share SipHash's
 * last block with the length. The length tells the families apart: 15 bytes or 39.
 */
static inline uint64_t tuple_rest(uint64_t last_word)
{
	return last_word << 24 >> 8 | last_word >> 48;
}

/*
 * `s` is what hash_begin gave; `addresses` those of both endpoints, the first in the
 * lower half, as in memory.
 */
static inline uint64_t tuple_hash_v4(
	struct hash_state s, uint64_t addresses, uint64_t rest)
{
	hash_word(&s, addresses);
	return hash_end_with(&s, rest, 15);
}

/* (inline also where there are several calls: gcc copies the state for each) */
static inline __attribute__((always_inline)) uint64_t tuple_hash_v6(
	struct hash_state s, const struct addr addr[static 2], uint64_t rest)
{
	uint64_t word[4];

	memcpy(word, addr, sizeof(word));
	hash_word(&s, word[0]);
	hash_word(&s, word[1]);
	hash_word(&s, word[2]);
	hash_word(&s, word[3]);
	return hash_end_with(&s, rest, 39);
}

/* Keyed hash of the canonical key; IPv4 takes fewer rounds. */
static inline uint64_t tuple_hash(const struct hash_key *key, const struct tuple *t)
{
	uint64_t rest = tuple_rest(tuple_word(t, 4));

	if (t->family == FAMILY_V4) /* in the upper halves of words 1 and 3 */
		return tuple_hash_v4(hash_begin(key),
			tuple_word(t, 1) >> 32 | tuple_word(t, 3) >> 32 << 32, rest);
	return tuple_hash_v6(hash_begin(key), t->addr, rest);
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
