#include "flow/flow.h"

uint64_t flow_uid(const struct flow *f, const struct hash_key *key)
{
	struct hash_state s = hash_begin(key);
	uint64_t word[5];

	memcpy(word, &f->key, sizeof(word));
	for (unsigned i = 0; i < 5; i++)
		hash_word(&s, word[i]);
	hash_word(&s, f->first_ns);
	return hash_end(&s, sizeof(word) + sizeof(f->first_ns));
}
