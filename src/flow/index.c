#include "flow/index.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int index_init(struct index *x, uint32_t slots)
{
	assert(slots >= 8 && (slots & (slots - 1)) == 0);
	*x = (struct index){.mask = slots - 1};
	x->slot = calloc(slots, sizeof(*x->slot));
	return x->slot ? 0 : -ENOMEM;
}

void index_done(struct index *x)
{
	free(x->slot);
	*x = (struct index){0};
}

bool index_reserve(struct index *x)
{
	struct index_slot *old = x->slot;
	uint32_t slots = x->mask + 1;

	if (x->used < slots / 8 * 5)
		return true;
	if (slots > UINT32_MAX / 2)
		return false;
	x->slot = calloc((size_t)slots * 2, sizeof(*x->slot));
	if (!x->slot) {
		x->slot = old;
		return x->used < slots - 1; /* slower, but still right */
	}
	x->mask = slots * 2 - 1;
	x->used = 0;
	for (uint32_t i = 0; i < slots; i++)
		if (old[i].ref)
			index_insert(x, old[i].hash, old[i].ref);
	free(old);
	return true;
}

void index_insert(struct index *x, uint32_t hash, uint32_t ref)
{
	uint32_t at = hash & x->mask;

	while (x->slot[at].ref)
		at = (at + 1) & x->mask;
	x->slot[at] = (struct index_slot){hash, ref};
	x->used++;
}

static uint32_t index_place(const struct index *x, uint32_t hash, uint32_t ref)
{
	uint32_t at = hash & x->mask;

	while (x->slot[at].ref != ref) {
		assert(x->slot[at].ref);
		at = (at + 1) & x->mask;
	}
	return at;
}

void index_replace(struct index *x, uint32_t hash, uint32_t ref, uint32_t new_ref)
{
	x->slot[index_place(x, hash, ref)].ref = new_ref;
}

/* Backward shift: no tombstones, so look-ups never get slower with age. */
void index_remove(struct index *x, uint32_t hash, uint32_t ref)
{
	uint32_t hole = index_place(x, hash, ref), at = hole;

	for (;;) {
		at = (at + 1) & x->mask;
		if (x->slot[at].ref == 0)
			break;
		/* may it move into the hole? only if its home is not between them */
		if (((at - x->slot[at].hash) & x->mask) >= ((at - hole) & x->mask)) {
			x->slot[hole] = x->slot[at];
			hole = at;
		}
	}
	x->slot[hole] = (struct index_slot){0, 0};
	x->used--;
}
