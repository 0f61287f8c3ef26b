/* index — hash → reference, open addressing with linear probing in 8-byte slots. */
#ifndef KONN_FLOW_INDEX_H
#define KONN_FLOW_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/prefetch.h"

struct index_slot {
	uint32_t hash; /* keyed, so that chosen keys do not collide */
	uint32_t ref;  /* 0: empty */
};

struct index {
	struct index_slot *slot; /* owned */
	uint32_t mask;           /* slots - 1; a power of two */
	uint32_t used;
	uint64_t lookups, probes; /* slots looked at, since the start */
};

int index_init(struct index *x, uint32_t slots);
void index_done(struct index *x);

/* Makes room for one more; false when there is no memory (the index stays as it is). */
bool index_reserve(struct index *x);

/* After index_reserve. The pair must not be there yet. */
void index_insert(struct index *x, uint32_t hash, uint32_t ref);

/* The pair must be there. */
void index_remove(struct index *x, uint32_t hash, uint32_t ref);
void index_replace(struct index *x, uint32_t hash, uint32_t ref, uint32_t new_ref);

static inline void index_prefetch(const struct index *x, uint32_t hash)
{
	prefetch_lines(&x->slot[hash & x->mask], sizeof(struct index_slot));
}

/* First reference with this hash from slot *at on (start with hash); 0: none. Moves *at
 * on. */
static inline uint32_t index_next(struct index *x, uint32_t hash, uint32_t *at)
{
	for (;; (*at)++) {
		const struct index_slot *s = &x->slot[*at & x->mask];

		x->probes++;
		if (s->ref == 0)
			return 0;
		if (s->hash == hash) {
			(*at)++;
			return s->ref;
		}
	}
}

#endif
