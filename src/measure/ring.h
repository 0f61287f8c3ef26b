/*
 * ring — what one side sent or told, oldest first, until it is answered.
 *
 * One note is kept in the ring itself: four of five come when there is none. For more
 * it takes a block from the pools until it is empty again: 8, then 64, then 512 notes
 * (of the samples that can be had a ring of 4 keeps 83 %, 32: 92 %, 64: 98.5 %,
 * 128: 99.9 %; measured). Without room for more every second note goes, both ends stay,
 * and from then on only each 2nd, 4th… is kept besides the newest: the notes stay
 * evenly spread over the flight, and memory that comes back is used.
 */
#ifndef KONN_MEASURE_RING_H
#define KONN_MEASURE_RING_H

#include <stdint.h>

#include "measure/measure.h"

enum ring_flag {
	RING_SYN = 1 << 0,
	RING_FIN = 1 << 1,
	RING_STARTS = 1 << 2, /* its TSval was new: the first echo of it is a sample */
	RING_AGAIN = 1 << 3,  /* it, or what overlaps it, was sent again */
	RING_PROBE = 1 << 4,
	RING_SACKED = 1 << 5,
	RING_UNTIMED = 1 << 6,
	RING_CLOCK = 1 << 7, /* the clock ran back since */
	RING_LOOSE = 1 << 8, /* ring.c's: the next one takes its place */
};

/* Notes that no sample is lost with. */
#define RING_SPOILT (RING_AGAIN | RING_PROBE | RING_SACKED | RING_UNTIMED | RING_CLOCK)

struct ring_note {
	uint64_t ns;
	uint32_t number; /* sequence number after the segment; acknowledged */
	uint32_t extent; /* its length in sequence numbers; end of the window */
	uint32_t tsval;
	uint16_t flags;  /* enum ring_flag */
	uint16_t serial; /* ring.c's */
};
_Static_assert(sizeof(struct ring_note) == 24, "as the pools have it");

struct ring {           /* zeroed: empty */
	uint32_t block; /* number in its pool; valid when size > 0 */
	uint16_t used;
	uint16_t first : 9;
	uint16_t size : 2;    /* 0: no block, 1: 8 notes, 2: 64, 3: 512 */
	uint16_t thinned : 4; /* only each 2^thinned-th note is kept */
	struct ring_note one; /* valid when size == 0 and used == 1 */
};
_Static_assert(sizeof(struct ring) == 32, "four of them in each connection");

/* Those of the block; size > 0. */
static inline struct ring_note *ring_block(
	const struct measure *g, const struct ring *r, uint32_t i)
{
	struct ring_note *notes = pools_at(
		&g->pools, (enum pool_kind)(POOL_RING8 + r->size - 1), r->block);

	return &notes[(r->first + i) & ((1u << 3 * r->size) - 1)];
}

/* The i-th oldest; i < used. Valid until the ring is changed. */
static inline struct ring_note *ring_at(
	const struct measure *g, struct ring *r, uint32_t i)
{
	return r->size ? ring_block(g, r, i) : &r->one;
}

void ring_push_more(struct measure *g, struct ring *r, const struct ring_note *note);

/* As the newest one. What finds no room is counted in g->lost. */
static inline void ring_push(
	struct measure *g, struct ring *r, const struct ring_note *note)
{
	if (r->used || r->size) {
		ring_push_more(g, r, note);
		return;
	}
	r->one = *note;
	r->used = 1;
}

/* At its place by number. */
void ring_insert(struct measure *g, struct ring *r, const struct ring_note *note);

/* The oldest one whose number is after this one, or r->used. */
uint32_t ring_find(const struct measure *g, struct ring *r, uint32_t number);

void ring_done(struct measure *g, struct ring *r);

void ring_pop_some(struct measure *g, struct ring *r, uint32_t n);

/* Gives up the n oldest; n <= used. */
static inline void ring_pop(struct measure *g, struct ring *r, uint32_t n)
{
	if (r->size)
		ring_pop_some(g, r, n);
	else if (n)
		r->used = 0;
}

#endif
