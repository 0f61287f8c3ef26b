#include "flow/pool.h"

#define SWEEP_NS  100000000u            /* how late an expired one may make room */
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

/*
 * Of half-open and one-way, small and full, the largest class: it is the flood, the
 * others are its victims.
 */
static uint32_t unproven(
	struct flow_table *t, unsigned first, unsigned last, enum evict_class *out_why)
{
	unsigned most = first;

	for (unsigned c = first + 1; c <= last; c++)
		if (t->wheel[c].count > t->wheel[most].count)
			most = c;
	*out_why = most == CLASS_HALF_OPEN_SMALL || most == CLASS_HALF_OPEN
			   ? EVICT_HALF_OPEN
			   : EVICT_ONE_WAY;
	return wheel_oldest(&t->wheel[most], &t->user);
}

static uint32_t established(struct flow_table *t, enum evict_class *out_why)
{
	uint32_t ref = wheel_oldest(&t->wheel[CLASS_ESTABLISHED], &t->user);
	uint32_t other = wheel_oldest(&t->wheel[CLASS_ANSWERED], &t->user);

	if (!ref ||
		(other && pool_full(t, other)->last_ns < pool_full(t, ref)->last_ns))
		ref = other;
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
	bool any = flows(t) >= t->flows_most, full = kind == REF_FULL;
	uint32_t ref = 0;

	*out_why = EVICT_CLOSED;
	if (any || full)
		ref = wheel_oldest(&t->wheel[CLASS_CLOSED], &t->user);
	if (!ref)
		ref = unproven(t,
			any || !full ? CLASS_HALF_OPEN_SMALL : CLASS_HALF_OPEN,
			any || full ? CLASS_ONE_WAY : CLASS_ONE_WAY_SMALL, out_why);
	if (!ref && (any || full))
		ref = established(t, out_why);
	return ref;
}

void pool_give_up(struct flow_table *t, uint32_t ref, enum evict_class why)
{
	if (pool_expiry_ns(t, ref) <= t->now_ns)
		pool_expire(t, ref); /* it is over anyway, the wheel just comes later */
	else
		pool_end(t, ref, why);
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

	if (!has_room(t, kind) && t->now_ns - t->swept_ns > SWEEP_NS)
		pool_sweep(t);
	while (!has_room(t, kind)) {
		enum evict_class why = EVICT_NONE;
		uint32_t ref = victim(t, kind, &why);

		if (!ref)
			break;
		pool_give_up(t, ref, why);
	}
	number = has_room(t, kind) ? slab_alloc(&t->slab[kind]) : 0;
	if (!number) {
		t->setup.counters->overruns++;
		return 0;
	}
	return (uint32_t)kind << 30 | number;
}
