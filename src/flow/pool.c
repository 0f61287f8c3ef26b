#include "flow/pool.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/prefetch.h"
#include "flow/replay.h"

#define SECOND_NS         1000000000ull
#define HALF_OPEN_NS      (60 * SECOND_NS)
#define MIDSTREAM_NS      (300 * SECOND_NS)
#define ESTABLISHED_NS    (7440 * SECOND_NS) /* RFC 5382 REQ-5: 2 hours 4 minutes */
#define UDP_ANSWERED_NS   (300 * SECOND_NS)  /* RFC 4787 REQ-5 */
#define UDP_ONE_WAY_NS    (120 * SECOND_NS)
#define ICMP_NS           (60 * SECOND_NS) /* RFC 5508 REQ-1 */
#define OTHER_NS          (300 * SECOND_NS)
#define SHORTEST_NS       (60 * SECOND_NS) /* none of these is shorter */
#define FIRST_INDEX_SLOTS (1u << 16)

static uint64_t closed_timeout_ns(const struct flow_table *t)
{
	return t->setup.keep_ns > FLOW_LINGER_NS ? t->setup.keep_ns : FLOW_LINGER_NS;
}

static uint64_t small_timeout_ns(const struct flow_table *t, const struct small *s)
{
	if (s->kind == SMALL_MIDSTREAM && s->mid.flags & TCP_RST)
		return closed_timeout_ns(t);
	if (t->setup.idle_ns)
		return t->setup.idle_ns;
	switch ((enum small_kind)s->kind) {
	case SMALL_SYN:
	case SMALL_SYN_SYNACK:
	case SMALL_SYNACK: return HALF_OPEN_NS;
	case SMALL_MIDSTREAM: return MIDSTREAM_NS;
	case SMALL_ICMP: return ICMP_NS;
	case SMALL_ONE_WAY: break;
	}
	return s->proto == PROTO_UDP ? UDP_ONE_WAY_NS : OTHER_NS;
}

/* TCP that is not established: in its handshake? Else one side of it is seen. */
static bool half_open(const struct flow *f)
{
	return f->side[0].state < TCP_ESTABLISHED && f->side[1].state < TCP_ESTABLISHED;
}

static uint64_t full_timeout_ns(const struct flow_table *t, const struct flow *f)
{
	if (f->facts & FLOW_CLOSED)
		return closed_timeout_ns(t);
	if (t->setup.idle_ns)
		return t->setup.idle_ns;
	if (f->key.proto == PROTO_TCP)
		return f->facts & FLOW_ESTABLISHED ? ESTABLISHED_NS
		       : half_open(f)              ? HALF_OPEN_NS
						   : MIDSTREAM_NS;
	if (f->key.proto == PROTO_UDP)
		return f->facts & FLOW_ESTABLISHED ? UDP_ANSWERED_NS : UDP_ONE_WAY_NS;
	return f->key.proto == PROTO_ICMP || f->key.proto == PROTO_ICMPV6 ? ICMP_NS
									  : OTHER_NS;
}

/* Stamps may be anything: the end of time is never passed. */
static uint64_t later(uint64_t ns, uint64_t by_ns)
{
	return ns > UINT64_MAX - by_ns ? UINT64_MAX : ns + by_ns;
}

uint64_t pool_expiry_ns(const struct flow_table *t, uint32_t ref)
{
	const struct small *s;

	if (REF_KIND(ref) == REF_FULL) {
		const struct flow *f = pool_full(t, ref);

		return later(f->last_ns, full_timeout_ns(t, f));
	}
	s = pool_small(t, ref);
	return later(small_last_ns(s), small_timeout_ns(t, s));
}

static struct wheel_link *ref_link(void *ctx, uint32_t ref)
{
	struct flow_table *t = ctx;

	return REF_KIND(ref) == REF_FULL ? &pool_full(t, ref)->link
					 : &pool_small(t, ref)->link;
}

static uint64_t ref_expiry_ns(void *ctx, uint32_t ref)
{
	return pool_expiry_ns(ctx, ref);
}

static enum flow_class class_of(const struct flow_table *t, uint32_t ref)
{
	const struct flow *f;

	if (REF_KIND(ref) != REF_FULL) {
		unsigned kind = pool_small(t, ref)->kind;

		return kind <= SMALL_SYNACK ? CLASS_HALF_OPEN_SMALL
					    : CLASS_ONE_WAY_SMALL;
	}
	f = pool_full(t, ref);
	if (f->facts & FLOW_CLOSED)
		return CLASS_CLOSED;
	if (f->facts & FLOW_ESTABLISHED)
		return f->key.proto == PROTO_TCP ? CLASS_ESTABLISHED : CLASS_ANSWERED;
	return f->key.proto == PROTO_TCP && half_open(f) ? CLASS_HALF_OPEN
							 : CLASS_ONE_WAY;
}

/* The class whose wheel holds it; for a full flow that may be that of older facts. */
static unsigned wheel_of(const struct flow_table *t, uint32_t ref)
{
	return REF_KIND(ref) == REF_FULL ? pool_full(t, ref)->class : class_of(t, ref);
}

static uint32_t small_most(const struct flow_table *t, size_t record_bytes)
{
	uint64_t most = t->small_bytes_most / record_bytes;

	return most > REF_NUMBER(UINT32_MAX) ? REF_NUMBER(UINT32_MAX) : (uint32_t)most;
}

static uint64_t least_timeout_ns(const struct flow_table *t)
{
	uint64_t closed_ns = closed_timeout_ns(t);
	uint64_t idle_ns = t->setup.idle_ns ? t->setup.idle_ns : SHORTEST_NS;

	return idle_ns < closed_ns ? idle_ns : closed_ns;
}
int pool_init(struct flow_table *t)
{
	uint64_t cap = t->setup.memory_bytes;
	uint64_t longest_ns = t->setup.idle_ns ? t->setup.idle_ns : ESTABLISHED_NS;
	uint64_t fulls = cap / 16 * 9 /
			 (sizeof(struct flow) + sizeof(struct tcp_measure));

	if (t->setup.keep_ns > longest_ns)
		longest_ns = t->setup.keep_ns;
	if (fulls > REF_NUMBER(UINT32_MAX))
		fulls = REF_NUMBER(UINT32_MAX);
	t->least_ns = least_timeout_ns(t);
	t->small_bytes_most = cap / 16 * 3;
	t->flows_most = t->setup.max_flows ? t->setup.max_flows : UINT32_MAX;
	t->user = (struct wheel_user){t, ref_link, ref_expiry_ns};
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		wheel_init(&t->wheel[c], c == CLASS_ESTABLISHED || t->setup.idle_ns
						 ? longest_ns
						 : OTHER_NS);
	if (t->setup.keep_ns > OTHER_NS)
		wheel_init(&t->wheel[CLASS_CLOSED], t->setup.keep_ns);
	if (slab_init(&t->slab[REF_FULL], sizeof(struct flow), (uint32_t)fulls) < 0 ||
		slab_init(&t->slab[REF_SMALL_V4], SMALL_V4_BYTES,
			small_most(t, SMALL_V4_BYTES)) < 0 ||
		slab_init(&t->slab[REF_SMALL_V6], SMALL_V6_BYTES,
			small_most(t, SMALL_V6_BYTES)) < 0 ||
		slab_init(&t->tcp, sizeof(struct tcp_measure), (uint32_t)fulls) < 0 ||
		measure_init(&t->measure, cap / 16 * 3, &t->setup.key) < 0 ||
		index_init(&t->index, FIRST_INDEX_SLOTS) < 0)
		return -ENOMEM;
	return paths_init(&t->paths, &t->setup.key);
}

void pool_done(struct flow_table *t)
{
	for (unsigned k = 0; k < REF_KINDS; k++)
		slab_done(&t->slab[k]);
	slab_done(&t->tcp);
	measure_done(&t->measure);
	index_done(&t->index);
	paths_done(&t->paths);
}

const struct flow *pool_flow(struct flow_table *t, uint32_t ref)
{
	if (REF_KIND(ref) == REF_FULL)
		return pool_full(t, ref);
	memset(&t->scratch, 0, sizeof(t->scratch));
	small_expand(&t->scratch, pool_small(t, ref), REF_KIND(ref) == REF_SMALL_V6,
		&t->paths);
	return &t->scratch;
}

static uint32_t hash_of(const struct flow_table *t, uint32_t ref)
{
	struct tuple key;

	if (REF_KIND(ref) == REF_FULL)
		return (uint32_t)tuple_hash(&t->setup.key, &pool_full(t, ref)->key);
	small_key(&key, pool_small(t, ref), REF_KIND(ref) == REF_SMALL_V6, &t->paths);
	return (uint32_t)tuple_hash(&t->setup.key, &key);
}

bool pool_measure(struct flow_table *t, uint32_t ref)
{
	struct flow *f = pool_full(t, ref);

	if (f->key.proto != PROTO_TCP)
		return false;
	f->tcp = pool_tcp(t, ref);
	memset(f->tcp, 0, sizeof(*f->tcp));
	return true;
}

static void measured(struct flow_table *t, struct flow *f)
{
	if (f->tcp)
		tcp_measure_done(&t->measure, f->tcp);
	if (f->talk) {
		talk_done(&t->measure, f->talk);
		pools_free(&t->measure.pools, POOL_TALK, f->talk_number);
	}
	names_done(&t->measure, &f->names);
}

static void record_free(struct flow_table *t, uint32_t ref)
{
	if (REF_KIND(ref) == REF_FULL)
		measured(t, pool_full(t, ref));
	slab_free(&t->slab[REF_KIND(ref)], REF_NUMBER(ref));
}

bool pool_enter(struct flow_table *t, uint32_t ref, uint32_t hash)
{
	enum flow_class class = class_of(t, ref);

	if (!index_reserve(&t->index)) {
		record_free(t, ref);
		t->setup.counters->overruns++;
		return false;
	}
	index_insert(&t->index, hash, ref);
	if (REF_KIND(ref) == REF_FULL)
		pool_full(t, ref)->class = class;
	wheel_add(&t->wheel[class], &t->user, ref);
	t->setup.counters->conns++;
	return true;
}

uint32_t pool_promote(struct flow_table *t, uint32_t ref, uint32_t hash)
{
	bool v6 = REF_KIND(ref) == REF_SMALL_V6;
	_Alignas(8) uint8_t copy[SMALL_V6_BYTES];
	struct flow *f;
	uint32_t full;

	/* Out of its wheel first: making room must not evict the record itself. */
	memcpy(copy, pool_small(t, ref), v6 ? SMALL_V6_BYTES : SMALL_V4_BYTES);
	wheel_remove(&t->wheel[class_of(t, ref)], &t->user, ref);
	slab_free(&t->slab[REF_KIND(ref)], REF_NUMBER(ref));
	full = pool_alloc(t, REF_FULL);
	if (!full) {
		memset(&t->scratch, 0, sizeof(t->scratch));
		small_expand(&t->scratch, (const struct small *)copy, v6, &t->paths);
		t->setup.sink.ended(t->setup.sink.ctx, &t->scratch, t->now_ns);
		index_remove(&t->index, hash, ref);
		return 0;
	}
	f = pool_full(t, full);
	memset(f, 0, sizeof(*f));
	small_expand(f, (const struct small *)copy, v6, &t->paths);
	f->facts &= ~(uint32_t)FLOW_SMALL;
	(void)pool_measure(t, full);
	replay_small(t, f, (const struct small *)copy);
	index_replace(&t->index, hash, ref, full);
	f->class = class_of(t, full);
	wheel_add(&t->wheel[f->class], &t->user, full);
	return full;
}

void pool_reclass(struct flow_table *t, uint32_t ref)
{
	struct flow *f = pool_full(t, ref);
	enum flow_class class = class_of(t, ref);

	if (f->class == class)
		return;
	wheel_remove(&t->wheel[f->class], &t->user, ref);
	f->class = class;
	wheel_add(&t->wheel[class], &t->user, ref);
}

void pool_end(struct flow_table *t, uint32_t ref, enum evict_class why)
{
	const struct flow *f = pool_flow(t, ref);
	uint32_t hash = hash_of(t, ref);

	if (why != EVICT_NONE) {
		t->setup.counters->evicted[why]++;
		/* a closed one is complete: nothing of it is missing in its row */
		if (why != EVICT_CLOSED && REF_KIND(ref) == REF_FULL)
			pool_full(t, ref)->evicted = (uint8_t)why;
		else if (why != EVICT_CLOSED)
			t->scratch.evicted = (uint8_t)why;
	}
	t->setup.sink.ended(t->setup.sink.ctx, f, t->now_ns);
	wheel_remove(&t->wheel[wheel_of(t, ref)], &t->user, ref);
	index_remove(&t->index, hash, ref);
	record_free(t, ref);
}

void pool_event(
	struct flow_table *t, const struct flow *f, enum flow_event e, uint64_t now_ns)
{
	if (t->setup.sink.event)
		t->setup.sink.event(t->setup.sink.ctx, f, e, now_ns);
}

void pool_expire(struct flow_table *t, uint32_t ref)
{
	const struct flow *f = pool_flow(t, ref);
	bool tcp = f->key.proto == PROTO_TCP;

	/* When it was due, not when that was noticed: a replay gives the same. */
	if (!(f->facts & FLOW_CLOSED))
		pool_event(t, f,
			!tcp && f->facts & FLOW_ESTABLISHED ? FLOW_EVENT_CLOSE
							    : FLOW_EVENT_TIMEOUT,
			pool_expiry_ns(t, ref));
	pool_end(t, ref, EVICT_NONE);
}

/* Who ends next was not touched for long, and what ends is read whole. */
static void fetch_next(struct flow_table *t, uint32_t ref)
{
	uint32_t next = t->user.link(t, ref)->next;

	if (!next || REF_KIND(next) != REF_FULL)
		return;
	prefetch_lines(pool_full(t, next), sizeof(struct flow));
	prefetch_lines(pool_tcp(t, next)->result, sizeof(pool_tcp(t, next)->result));
}

void pool_sweep(struct flow_table *t)
{
	uint32_t ref;

	t->swept_ns = t->now_ns;
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		while ((ref = wheel_due(&t->wheel[c], &t->user, t->now_ns))) {
			fetch_next(t, ref);
			pool_expire(t, ref);
		}
}
