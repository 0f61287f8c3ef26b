#include "flow/wheel.h"

#include <assert.h>

void wheel_init(struct wheel *w, uint64_t longest_ns)
{
	*w = (struct wheel){.tick_ns = longest_ns / (WHEEL_SLOTS / 2) + 1};
}

static void slot_append(
	struct wheel *w, const struct wheel_user *u, uint32_t ref, uint32_t slot)
{
	struct wheel_link *link = u->link(u->ctx, ref);

	link->next = 0;
	if (w->first[slot]) {
		link->prev = w->last[slot];
		u->link(u->ctx, w->last[slot])->next = ref;
	} else {
		link->prev = WHEEL_FIRST | slot;
		w->first[slot] = ref;
		w->filled[slot / 64] |= 1ull << slot % 64;
	}
	w->last[slot] = ref;
	w->count++;
}

/* The tick in which the record should come up next: its expiry, as far as slots reach.
 */
static uint64_t tick_of(const struct wheel *w, const struct wheel_user *u, uint32_t ref)
{
	uint64_t tick = u->expiry_ns(u->ctx, ref) / w->tick_ns;

	if (tick <= w->tick)
		return w->tick + 1;
	if (tick > w->tick + WHEEL_SLOTS - 1)
		return w->tick + WHEEL_SLOTS - 1;
	return tick;
}

void wheel_add(struct wheel *w, const struct wheel_user *u, uint32_t ref)
{
	slot_append(w, u, ref, (uint32_t)(tick_of(w, u, ref) % WHEEL_SLOTS));
}

/* Slot number when the record is the last of one; its own links do not say which. */
static uint32_t slot_of(const struct wheel *w, const struct wheel_user *u, uint32_t ref)
{
	uint32_t prev = u->link(u->ctx, ref)->prev;

	if ((prev & WHEEL_FIRST) == WHEEL_FIRST)
		return prev & ~WHEEL_FIRST;
	for (uint32_t slot = 0; slot < WHEEL_SLOTS; slot++)
		if (w->last[slot] == ref)
			return slot;
	assert(!"a record that is last in no slot");
	return 0;
}

void wheel_remove(struct wheel *w, const struct wheel_user *u, uint32_t ref)
{
	struct wheel_link *link = u->link(u->ctx, ref);
	bool first = (link->prev & WHEEL_FIRST) == WHEEL_FIRST;
	uint32_t slot = first || link->next == 0 ? slot_of(w, u, ref) : 0;

	if (first)
		w->first[slot] = link->next;
	else
		u->link(u->ctx, link->prev)->next = link->next;
	if (link->next)
		u->link(u->ctx, link->next)->prev = link->prev;
	else
		w->last[slot] = first ? 0 : link->prev;
	if (w->first[slot] == 0 && (first || link->next == 0))
		w->filled[slot / 64] &= ~(1ull << slot % 64);
	w->count--;
}

/* First filled slot from tick + 1 on, as a tick; 0: the wheel is empty. */
static uint64_t next_filled(const struct wheel *w)
{
	uint64_t tick = w->tick + 1;

	if (w->count == 0)
		return 0;
	for (unsigned looked = 0; looked <= WHEEL_SLOTS;) {
		uint32_t slot = (uint32_t)(tick % WHEEL_SLOTS);
		uint64_t word = w->filled[slot / 64] >> slot % 64;

		if (word)
			return tick + (uint64_t)__builtin_ctzll(word);
		tick += 64 - slot % 64;
		looked += 64 - slot % 64;
	}
	return 0;
}

void wheel_back(struct wheel *w, uint64_t now_ns)
{
	uint64_t now = now_ns / w->tick_ns;

	if (now <= w->tick) /* the current tick has still to come up */
		w->tick = now ? now - 1 : 0;
}

uint32_t wheel_due(struct wheel *w, const struct wheel_user *u, uint64_t now_ns)
{
	uint64_t now = now_ns / w->tick_ns;

	if (now <= w->tick) {
		wheel_back(w, now_ns);
		return 0;
	}
	if (now - w->tick > WHEEL_SLOTS)
		w->tick = now - WHEEL_SLOTS - 1;
	for (;;) {
		uint64_t tick = next_filled(w);
		uint32_t ref;

		if (tick == 0 || tick >= now) {
			w->tick = now - 1;
			return 0;
		}
		w->tick = tick - 1;
		ref = w->first[tick % WHEEL_SLOTS];
		if (u->expiry_ns(u->ctx, ref) <= now_ns)
			return ref;
		wheel_remove(w, u, ref);
		wheel_add(w, u, ref); /* its expiry is not before now: a later slot */
	}
}

/* A record moves only when it was used since it was put: once a packet, at the most. */
uint32_t wheel_oldest(struct wheel *w, const struct wheel_user *u)
{
	for (;;) {
		uint64_t tick = next_filled(w);
		uint32_t ref;

		if (tick == 0)
			return 0;
		ref = w->first[tick % WHEEL_SLOTS];
		if (tick_of(w, u, ref) <= tick)
			return ref;
		wheel_remove(w, u, ref);
		wheel_add(w, u, ref);
	}
}
