#include "measure/ring.h"

#include <assert.h>
#include <string.h>

#include "measure/segment.h"

#define SIZE_MOST    3
#define THINNED_MOST 15

static enum pool_kind pool_of(unsigned size)
{
	return (enum pool_kind)(POOL_RING8 + size - 1);
}

static uint32_t room(const struct ring *r)
{
	return 1u << 3 * r->size;
}

static void lose(struct measure *g, const struct ring_note *note)
{
	if (!(note->flags & RING_SPOILT))
		g->lost++;
}

/* Into a block of another size, which has room for them. */
static bool move(struct measure *g, struct ring *r, unsigned size)
{
	struct ring made = {.size = size,
		.used = r->used,
		.thinned = r->thinned,
		.block = pools_alloc(&g->pools, pool_of(size))};

	if (!made.block)
		return false;
	for (uint32_t i = 0; i < r->used; i++)
		*ring_at(g, &made, i) = *ring_at(g, r, i);
	if (r->size)
		pools_free(&g->pools, pool_of(r->size), r->block);
	*r = made;
	return true;
}

/* Both ends and every second one stay. */
static void thin(struct measure *g, struct ring *r)
{
	uint32_t kept = 0, last = r->used - 1;

	for (uint32_t i = 0; i <= last; i++) {
		const struct ring_note *note = ring_at(g, r, i);

		if (i % 2 == 0 || i == last)
			*ring_at(g, r, kept++) = *note;
		else
			lose(g, note);
	}
	r->used = kept;
	if (r->thinned < THINNED_MOST)
		r->thinned++;
	ring_at(g, r, kept - 1)->serial = 0;
}

/* Room for one more. False: no block is left, and it holds one. */
static bool make_room(struct measure *g, struct ring *r)
{
	if (r->used < room(r))
		return true;
	if (r->size < SIZE_MOST && move(g, r, r->size + 1u))
		return true;
	if (!r->size)
		return false;
	thin(g, r);
	return true;
}

static void push_thinned(
	struct measure *g, struct ring *r, const struct ring_note *note)
{
	const struct ring_note *tail = ring_at(g, r, r->used - 1u);
	struct ring_note made = *note;

	made.serial = (uint16_t)(tail->serial + 1u);
	if (made.serial & ((1u << r->thinned) - 1u))
		made.flags |= RING_LOOSE;
	if (tail->flags & RING_LOOSE) {
		lose(g, tail);
		r->used--;
	}
	if (make_room(g, r))
		*ring_at(g, r, r->used++) = made;
}

void ring_push_more(struct measure *g, struct ring *r, const struct ring_note *note)
{
	if (__builtin_expect(r->thinned, 0)) {
		push_thinned(g, r, note);
	} else if (make_room(g, r)) {
		r->used++;
		*ring_at(g, r, r->used - 1u) = *note;
	} else {
		lose(g, note);
	}
}

uint32_t ring_find(const struct measure *g, struct ring *r, uint32_t number)
{
	uint32_t low = 0, high = r->used;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (segment_after(ring_at(g, r, middle)->number, number))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

void ring_insert(struct measure *g, struct ring *r, const struct ring_note *note)
{
	uint32_t at;

	if (!make_room(g, r)) {
		lose(g, note);
		return;
	}
	at = ring_find(g, r, note->number);
	r->used++;
	for (uint32_t i = r->used - 1u; i > at; i--)
		*ring_at(g, r, i) = *ring_at(g, r, i - 1);
	*ring_at(g, r, at) = *note;
}

void ring_pop_some(struct measure *g, struct ring *r, uint32_t n)
{
	assert(n <= r->used);
	r->used -= n;
	if (!r->used) {
		ring_done(g, r);
		return;
	}
	r->first = (uint16_t)((r->first + n) & (room(r) - 1)) & 511;
	if (__builtin_expect(r->thinned && r->used <= room(r) / 4, 0))
		r->thinned--;
	/* A long flight that ended must not keep 12 KiB. */
	if (__builtin_expect(r->size == SIZE_MOST && r->used <= 16, 0))
		(void)move(g, r, SIZE_MOST - 1); /* else it stays where it is */
}

void ring_done(struct measure *g, struct ring *r)
{
	if (r->size)
		pools_free(&g->pools, pool_of(r->size), r->block);
	*r = (struct ring){0};
}
