#include "table_check.h"

/* TCP of which nothing but the handshake's first two packets was seen. */
static bool half_open(const struct flow *f)
{
	return f->key.proto == PROTO_TCP && f->side[0].state < TCP_ESTABLISHED &&
	       f->side[1].state < TCP_ESTABLISHED;
}

/* The class that the record's facts ask for. */
static enum flow_class wanted_class(const struct flow_table *t, uint32_t ref)
{
	const struct flow *f = pool_full(t, ref);

	if (REF_KIND(ref) != REF_FULL)
		return pool_small(t, ref)->kind <= SMALL_SYNACK ? CLASS_HALF_OPEN_SMALL
								: CLASS_ONE_WAY_SMALL;
	if (f->facts & FLOW_CLOSED)
		return CLASS_CLOSED;
	if (f->facts & FLOW_ESTABLISHED)
		return f->key.proto == PROTO_TCP ? CLASS_ESTABLISHED : CLASS_ANSWERED;
	return half_open(f) ? CLASS_HALF_OPEN : CLASS_ONE_WAY;
}

static uint32_t hash_of(struct flow_table *t, uint32_t ref)
{
	return (uint32_t)tuple_hash(&t->setup.key, &pool_flow(t, ref)->key);
}

/* Found through the index, and in no other place but that one. */
static bool indexed_once(struct flow_table *t, uint32_t ref)
{
	uint32_t hash = hash_of(t, ref), at = hash, found;
	unsigned times = 0;

	while ((found = index_next(&t->index, hash, &at)))
		times += found == ref;
	return times == 1;
}

/* A record must lie in a slot that comes up before it has been expired for long. */
static bool in_time(
	const struct flow_table *t, const struct wheel *w, uint32_t slot, uint32_t ref)
{
	uint64_t tick = w->tick + 1 + (slot - (w->tick + 1)) % WHEEL_SLOTS;
	uint64_t due = pool_expiry_ns(t, ref) / w->tick_ns;

	return tick <= (due > w->tick ? due : w->tick + 1);
}

static const char *check_record(
	struct flow_table *t, unsigned class, uint32_t slot, uint32_t ref)
{
	const struct wheel *w = &t->wheel[class];
	uint32_t next = t->user.link(t, ref)->next;

	if (REF_KIND(ref) >= REF_KINDS ||
		REF_NUMBER(ref) >= t->slab[REF_KIND(ref)].fresh)
		return "a reference to no record";
	if (wanted_class(t, ref) != class)
		return "a record in the wheel of another class";
	if (REF_KIND(ref) == REF_FULL && pool_full(t, ref)->class != class)
		return "a flow that does not know its wheel";
	if (!indexed_once(t, ref))
		return "a record that the index does not have once";
	if (!in_time(t, w, slot, ref))
		return "a record in a slot after its expiry";
	if (next ? t->user.link(t, next)->prev != ref : w->last[slot] != ref)
		return "links of a slot that do not agree";
	return NULL;
}

static const char *check_slot(
	struct flow_table *t, unsigned class, uint32_t slot, uint32_t *count)
{
	const struct wheel *w = &t->wheel[class];
	uint32_t ref = w->first[slot];
	const char *problem;

	if ((ref != 0) != (w->filled[slot / 64] >> slot % 64 & 1))
		return "the mark of a filled slot";
	if (ref && t->user.link(t, ref)->prev != (WHEEL_FIRST | slot))
		return "the first of a slot does not say so";
	for (; ref; ref = t->user.link(t, ref)->next, (*count)++) {
		problem = check_record(t, class, slot, ref);
		if (problem)
			return problem;
		if (*count > w->count)
			return "a slot that is a ring";
	}
	return NULL;
}

static const char *check_wheel(struct flow_table *t, unsigned class)
{
	uint32_t count = 0;
	const char *problem;

	for (uint32_t slot = 0; slot < WHEEL_SLOTS; slot++) {
		problem = check_slot(t, class, slot, &count);
		if (problem)
			return problem;
	}
	return count == t->wheel[class].count ? NULL : "the count of a wheel";
}

static const char *check_bounds(const struct flow_table *t, uint32_t records)
{
	uint64_t small = (uint64_t)t->slab[REF_SMALL_V4].used * SMALL_V4_BYTES +
			 (uint64_t)t->slab[REF_SMALL_V6].used * SMALL_V6_BYTES;

	if (records > t->flows_most)
		return "more flows than allowed";
	if (small > t->small_bytes_most)
		return "more small records than their share";
	return NULL;
}

const char *table_check(struct flow_table *t)
{
	uint32_t records = 0, linked = 0;
	const char *problem;

	for (unsigned k = 0; k < REF_KINDS; k++)
		records += t->slab[k].used;
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		linked += t->wheel[c].count;
	if (records != linked || records != t->index.used)
		return "records, wheels and index count differently";
	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		problem = check_wheel(t, c);
		if (problem)
			return problem;
	}
	return check_bounds(t, records);
}

const char *table_check_all(struct flow_table *t)
{
	uint32_t slots = 0;

	for (uint32_t i = 0; i <= t->index.mask; i++)
		slots += t->index.slot[i].ref != 0;
	return slots == t->index.used ? table_check(t) : "slots that nobody counts";
}
