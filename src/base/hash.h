/* hash — SipHash-1-3, keyed, over whole 64-bit words (Aumasson & Bernstein, 2012). */
#ifndef KONN_BASE_HASH_H
#define KONN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hash_key {
	uint64_t k0, k1;
};

struct hash_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t hash_rotl(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

static inline void hash_round(struct hash_state *s)
{
	s->v0 += s->v1;
	s->v1 = hash_rotl(s->v1, 13) ^ s->v0;
	s->v0 = hash_rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = hash_rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = hash_rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = hash_rotl(s->v1, 17) ^ s->v2;
	s->v2 = hash_rotl(s->v2, 32);
}

static inline struct hash_state hash_begin(const struct hash_key *key)
{
	return (struct hash_state){key->k0 ^ 0x736f6d6570736575u,
		key->k1 ^ 0x646f72616e646f6du, key->k0 ^ 0x6c7967656e657261u,
		key->k1 ^ 0x7465646279746573u};
}

static inline void hash_word(struct hash_state *s, uint64_t word)
{
	s->v3 ^= word;
	hash_round(s);
	s->v0 ^= word;
}

/*
 * The last `len_bytes` % 8 bytes are in the lower ones of `rest`, the others are 0;
 * `len_bytes` is the length of everything fed, as SipHash's last block wants it.
 */
static inline uint64_t hash_end_with(
	struct hash_state *s, uint64_t rest, size_t len_bytes)
{
	hash_word(s, rest | (uint64_t)len_bytes << 56);
	s->v2 ^= 0xff;
	hash_round(s);
	hash_round(s);
	hash_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t hash_end(struct hash_state *s, size_t len_bytes)
{
	return hash_end_with(s, 0, len_bytes);
}

/* SipHash-1-3 of any bytes; for names and other rare keys. */
uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t len);

#endif
