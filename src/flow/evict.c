#include "flow/pool.h"

#define ACTIVE_NS (60ull * 1000000000u) /* an established flow this fresh goes last */

static uint32_t flows(const struct flow_table *t)
{
	return t->slab[REF_FULL].used + t->slab[REF_SMALL_V4].used +
	       t->slab[REF_SMALL_V6].used;
}

static bool small_room(const struct flow_table *t)
{
	return (uint64_t)t->slab[REF_SMALL_V4].used * SMALL_V4_BYTES +
		       (uint64_t)t->slab[REF_SMALL_V6].used * SMALL_V6_BYTES +
		       SMALL_V6_BYTES <=
	       t->small_bytes_most;
}

/* Of half-open and one-way the larger class: it is the flood, the other one is its
 * victim. */
static uint32_t unproven(struct flow_table *t, bool small, enum evict_class *out_why)
{
	enum flow_class half = small ? CLASS_HALF_OPEN_SMALL : CLASS_HALF_OPEN;
	enum flow_class one = small ? CLASS_ONE_WAY_SMALL : CLASS_ONE_WAY;
	bool half_open = t->wheel[half].count >= t->wheel[one].count;

	*out_why = half_open ? EVICT_HALF_OPEN : EVICT_ONE_WAY;
	return wheel_oldest(&t->wheel[half_open ? half : one], &t->user);
}

static uint32_t established(struct flow_table *t, enum evict_class *out_why)
{
	uint32_t ref = wheel_oldest(&t->wheel[CLASS_ESTABLISHED], &t->user);

	if (ref)
		*out_why = pool_full(t, ref)->last_ns + ACTIVE_NS < t->now_ns
				   ? EVICT_IDLE
				   : EVICT_ACTIVE;
	return ref;
}

/* The record to give up, so that one of this kind fits; 0: there is none. */
static uint32_t victim(
	struct flow_table *t, enum ref_kind kind, enum evict_class *out_why)
{
	bool any = flows(t) >= t->flows_most;
	uint32_t ref = 0;

	if (any || kind == REF_FULL) {
		*out_why = EVICT_CLOSED;
		ref = wheel_oldest(&t->wheel[CLASS_CLOSED], &t->user);
	}
	if (!ref && (any || kind != REF_FULL))
		ref = unproven(t, true, out_why);
	if (!ref && (any || kind == REF_FULL))
		ref = unproven(t, false, out_why);
	if (!ref && (any || kind == REF_FULL))
		ref = established(t, out_why);
	return ref;
}

static bool has_room(const struct flow_table *t, enum ref_kind kind)
{
	if (flows(t) >= t->flows_most)
		return false;
	return kind == REF_FULL ? t->slab[REF_FULL].used < t->slab[REF_FULL].most
				: small_room(t);
}

uint32_t pool_alloc(struct flow_table *t, enum ref_kind kind)
{
	uint32_t number;

	while (!has_room(t, kind)) {
		enum evict_class why = EVICT_NONE;
		uint32_t ref = victim(t, kind, &why);

		if (!ref)
			break;
		pool_end(t, ref, why);
	}
	number = has_room(t, kind) ? slab_alloc(&t->slab[kind]) : 0;
	if (!number) {
		t->setup.counters->overruns++;
		return 0;
	}
	return (uint32_t)kind << 30 | number;
}
