#include "decode/decode.h"

#include <stdlib.h>

#include "decode/chain.h"

struct decoder *decoder_new(const struct hash_key *key)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->key = *key;
	d->fragments = fragments_new(key);
	if (!d->fragments) {
		free(d);
		return NULL;
	}
	chain_register(d);
	return d;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	fragments_free(d->fragments);
	free(d);
}

uint64_t decoder_overlaps(const struct decoder *d)
{
	return fragments_overlaps(d->fragments);
}
