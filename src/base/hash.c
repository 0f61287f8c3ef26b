#include "base/hash.h"

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t len)
{
	struct hash_state s = hash_begin(key);
	const uint8_t *at = bytes;
	uint64_t word = 0;
	size_t left;

	for (left = len; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		hash_word(&s, word);
	}
	word = (uint64_t)len << 56;
	for (size_t i = 0; i < left; i++)
		word |= (uint64_t)at[i] << 8 * i;
	hash_word(&s, word);
	s.v2 ^= 0xff;
	hash_round(&s);
	hash_round(&s);
	hash_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
