/*
 * wheel — records in order of expiry, one wheel per class, 256 slots each.
 *
 * Packets never touch it: a record found in a due slot that was used meanwhile is put
 * into the slot of its new expiry. So the record in the first slots is also the best
 * one to evict.
 *
 *   slot:  … │ c-1 │  c  │ c+1 │ …        c = tick of now; slot s is due when s <= c
 *                    └─ records that expire in tick c (or later, if used meanwhile)
 */
#ifndef KONN_FLOW_WHEEL_H
#define KONN_FLOW_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_SLOTS 256
#define WHEEL_FIRST 0xc0000000u /* no reference has both of these bits */

struct wheel_link {    /* inside each record */
	uint32_t prev; /* reference; of the first in a slot: WHEEL_FIRST | slot */
	uint32_t next; /* reference; 0: the last in its slot */
};

struct wheel {
	uint64_t tick_ns;
	uint64_t tick; /* the last one that was handled */
	uint64_t filled[WHEEL_SLOTS / 64];
	uint32_t first[WHEEL_SLOTS], last[WHEEL_SLOTS]; /* first in, first out */
	uint32_t count;
};

/* How the wheel reaches records by reference. */
struct wheel_user {
	void *ctx;
	struct wheel_link *(*link)(void *ctx, uint32_t ref);
	uint64_t (*expiry_ns)(void *ctx, uint32_t ref); /* now, after all use so far */
};

/* Expiries lie at most `longest_ns` ahead of now. */
void wheel_init(struct wheel *w, uint64_t longest_ns);

void wheel_add(struct wheel *w, const struct wheel_user *u, uint32_t ref);

void wheel_remove(struct wheel *w, const struct wheel_user *u, uint32_t ref);

/* Time ran back: to be told before the next record is added. */
void wheel_back(struct wheel *w, uint64_t now_ns);

/*
 * A record that has expired at now_ns, still inside; 0 when there is none yet. The
 * caller removes it and calls again until it gives 0. Time may have run back.
 */
uint32_t wheel_due(struct wheel *w, const struct wheel_user *u, uint64_t now_ns);

/* A record nearest to expiry (to a tick), still inside; 0 when empty. */
uint32_t wheel_oldest(struct wheel *w, const struct wheel_user *u);

#endif
