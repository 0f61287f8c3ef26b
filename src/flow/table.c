#include "flow/table.h"

#include <stdlib.h>
#include <string.h>

#include "flow/fetch.h"
#include "flow/orient.h"
#include "flow/talks.h"
#include "flow/tcp.h"
#include "flow/update.h"

#define CLOCK_STEP_NS 5000000u  /* time that runs back further than this is a step */
#define COPY_NS       50000000u /* between interfaces of this machine */

static void tell_sample(void *ctx, const void *subject, const struct sample *s)
{
	struct flow_table *t = ctx;

	t->setup.sink.sample(t->setup.sink.ctx, subject, s);
}

struct flow_table *flow_table_new(const struct flow_setup *setup)
{
	struct flow_table *t = aligned_alloc(_Alignof(struct flow_table), sizeof(*t));

	if (!t)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->setup = *setup;
	if (pool_init(t) == 0) {
		t->measure.sink = (struct measure_sink){
			t, setup->sink.sample ? tell_sample : NULL};
		return t;
	}
	pool_done(t);
	free(t);
	return NULL;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	pool_done(t);
	free(t);
}

void flow_table_merge_interfaces(struct flow_table *t)
{
	t->merge_interfaces = true;
}

/*
 * Small records have no counters of copies; the summary has. A SYN or SYN-ACK that
 * comes again at once was not sent again: the shortest timer for that is 200 ms.
 */
static bool small_copy(
	const struct flow_table *t, const struct small *s, const struct packet *p)
{
	uint64_t last_ns = small_last_ns(s);
	/* Packets of two interfaces come in order within some ms only. */
	uint64_t since_ns = p->ts_ns > last_ns ? p->ts_ns - last_ns
					       : last_ns - p->ts_ns;

	if (s->packets[p->dir] == 0)
		return false;
	if (s->kind <= SMALL_SYNACK && p->tcp_flags & TCP_SYN)
		return small_is_repeat(s, p) &&
		       since_ns < (t->merge_interfaces ? COPY_NS : MIRROR_NS);
	if (since_ns <= MIRROR_NS && small_is_repeat(s, p))
		return true;
	return t->merge_interfaces && since_ns < TAKEOVER_NS &&
	       t->paths.path[s->path].carrier != p->carrier;
}

/* The flow it found is over: idle for too long, or its ports are used again. */
static bool outlived(struct flow_table *t, uint32_t ref, const struct packet *p)
{
	if (pool_expiry_ns(t, ref) <= p->ts_ns) {
		pool_expire(t, ref);
		return true;
	}
	if (p->kind != PACKET_TCP || !(p->tcp_flags & TCP_SYN))
		return false;
	t->follows = REF_KIND(ref) == REF_FULL ? tcp_is_reuse(pool_full(t, ref), p)
					       : small_is_reuse(pool_small(t, ref), p);
	if (t->follows)
		pool_end(t, ref, EVICT_NONE);
	return t->follows;
}

static void announce(struct flow_table *t, uint32_t ref, const struct packet *p)
{
	if (t->setup.sink.event && p->kind == PACKET_TCP && p->fragment != 2 &&
		(p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		pool_event(t, pool_flow(t, ref), FLOW_EVENT_ATTEMPT, p->ts_ns);
}

static void tell_segment(struct flow_table *t, uint32_t ref, const struct packet *p)
{
	struct segment s = {.p = p, .dir = p->dir, .span = tcp_span(p)};

	if (p->kind != PACKET_TCP || !tcp_has_sequence(p))
		return;
	s.end = p->seq + s.span;
	s.class = s.span ? SEGMENT_NEW : SEGMENT_EMPTY;
	t->setup.sink.segment(t->setup.sink.ctx, pool_flow(t, ref), &s);
}

/* The handshake's first half; a repeated SYN makes it ambiguous (RFC 6298 §3). */
static void tell_handshake(struct flow_table *t, uint32_t ref, const struct packet *p,
	const struct small *before)
{
	uint64_t syn_ns = small_last_ns(before);
	struct sample s = {.ts_ns = p->ts_ns,
		.min_ns = UINT64_MAX,
		.seq = p->ack,
		.kind = SAMPLE_handshake,
		.half = p->dir};

	if (before->packets[before->orig] > 1)
		s.reason = REASON_retransmitted;
	if (p->ts_ns < syn_ns)
		s.reason = REASON_clock;
	else
		s.rtt_ns = p->ts_ns - syn_ns;
	if (s.reason == SAMPLE_VALID)
		s.min_ns = s.rtt_ns;
	if (t->setup.sink.sample)
		t->measure.subject = pool_flow(t, ref);
	measure_sample(&t->measure, &s);
}

/* What a full flow tells in the course of being measured. */
static void tell_small(struct flow_table *t, uint32_t ref, const struct packet *p,
	const struct small *before)
{
	if (before->kind == SMALL_SYN && pool_small(t, ref)->kind == SMALL_SYN_SYNACK)
		tell_handshake(t, ref, p, before);
	if (t->setup.sink.segment)
		tell_segment(t, ref, p);
}

static void create_full(struct flow_table *t, const struct packet *p)
{
	uint32_t ref = pool_alloc(t, REF_FULL);

	if (!ref)
		return;
	update_begin(t, pool_full(t, ref), p);
	(void)pool_measure(t, ref);
	if (t->follows && pool_full(t, ref)->tcp) {
		pool_full(t, ref)->facts |= FLOW_FOLLOWS;
		expert_reused(pool_full(t, ref)->tcp, p->dir);
	}
	if (!pool_enter(t, ref, p->hash))
		return;
	announce(t, ref, p);
	if (t->merge_interfaces)
		(void)update_is_copy(t, ref, p); /* the first never is */
	update_flow(t, ref, p);
}

static void create(struct flow_table *t, const struct packet *p)
{
	enum ref_kind kind = p->key.family == FAMILY_V6 ? REF_SMALL_V6 : REF_SMALL_V4;
	enum small_kind small;
	bool certain, syn = p->tcp_flags & TCP_SYN && !(p->tcp_flags & TCP_ACK);
	uint16_t path;
	uint32_t ref;

	if (t->setup.no_midstream && p->kind == PACKET_TCP && !syn)
		return;
	path = paths_find(&t->paths, p);
	if (path == 0 || !small_accepts(p, &small)) {
		create_full(t, p);
		return;
	}
	ref = pool_alloc(t, kind);
	if (!ref)
		return;
	small_init(pool_small(t, ref), p, small, orient(p, t->setup.services, &certain),
		path);
	if (t->follows && small <= SMALL_SYNACK)
		pool_small(t, ref)->note |= SMALL_NOTE_FOLLOWS;
	if (!pool_enter(t, ref, p->hash))
		return;
	announce(t, ref, p);
	if (__builtin_expect(t->setup.sink.segment != NULL, 0))
		tell_segment(t, ref, p);
	if (small == SMALL_ONE_WAY)
		talks_first(t, pool_small(t, ref), p);
}

/* Only a full flow knows which interface counts in which direction. */
static bool changes_carrier(
	const struct flow_table *t, const struct small *s, const struct packet *p)
{
	if (!t->merge_interfaces)
		return false;
	if (s->packets[p->dir] == 0)
		return s->kind == SMALL_ICMP;
	/* answers: their carrier is not kept, and a flood's may be many */
	if (s->kind == SMALL_SYN_SYNACK && p->dir != s->orig)
		return false;
	return t->paths.path[s->path].carrier != p->carrier;
}

static bool update_small(struct flow_table *t, uint32_t ref, const struct packet *p)
{
	struct small *s = pool_small(t, ref), before = *s;

	if (small_copy(t, s, p)) {
		t->setup.counters->copies++;
		return true;
	}
	if (!changes_carrier(t, s, p) && small_update(s, p)) {
		if (s->kind == SMALL_ICMP && s->packets[p->dir] == 1 &&
			s->packets[!p->dir])
			pool_event(t, pool_flow(t, ref), FLOW_EVENT_OPEN, p->ts_ns);
		tell_small(t, ref, p, &before);
		return false;
	}
	ref = pool_promote(t, ref, p->hash);
	if (!ref)
		return false;
	if (update_is_copy(t, ref, p))
		return true;
	update_flow(t, ref, p);
	return false;
}

static void icmp_error(struct flow_table *t, uint32_t ref, const struct packet *p)
{
	if (!ref)
		return;
	if (pool_expiry_ns(t, ref) <= p->ts_ns) {
		pool_expire(t, ref);
		return;
	}
	if (REF_KIND(ref) != REF_FULL)
		ref = pool_promote(t, ref, p->hash);
	if (ref)
		update_icmp_error(t, ref, p);
}

static inline __attribute__((always_inline)) bool feed_full(
	struct flow_table *t, uint32_t ref, const struct packet *p)
{
	if (!update_is_new(t, ref, p) && update_is_copy(t, ref, p))
		return true;
	update_flow(t, ref, p);
	return false;
}

/* Of no known flow, or of one that may end by it or is small. True for a copy. */
static bool feed_rest(struct flow_table *t, uint32_t ref, const struct packet *p)
{
	if (p->kind == PACKET_ICMP_ERROR) {
		icmp_error(t, ref, p);
		return false;
	}
	if (ref && outlived(t, ref, p))
		ref = 0;
	if (!ref) {
		create(t, p);
		t->follows = false;
		return false;
	}
	if (REF_KIND(ref) != REF_FULL)
		return update_small(t, ref, p);
	return feed_full(t, ref, p);
}

/* Nearly all packets of full flows: nothing of feed_rest can be. */
static bool goes_on(
	const struct flow_table *t, const struct flow *f, const struct packet *p)
{
	return pool_lasts(t, f, p->ts_ns) && p->kind != PACKET_ICMP_ERROR &&
	       !(p->tcp_flags & TCP_SYN);
}

/* True for a copy. */
static bool feed_one(struct flow_table *t, const struct packet *p)
{
	uint32_t at = p->hash, ref;

	t->index.lookups++;
	while ((ref = index_next(&t->index, p->hash, &at))) {
		bool v6 = REF_KIND(ref) == REF_SMALL_V6;

		if (REF_KIND(ref) == REF_FULL) {
			const struct flow *f = pool_full(t, ref);

			if (!tuple_equal(&f->key, &p->key))
				continue;
			if (__builtin_expect(goes_on(t, f, p), 1))
				return feed_full(t, ref, p);
			break;
		}
		if (v6 == (p->key.family == FAMILY_V6) &&
			small_is(pool_small(t, ref), p, &t->paths))
			break;
	}
	return feed_rest(t, ref, p);
}

static void clock_back(struct flow_table *t, uint64_t ts_ns)
{
	if (t->setup.live || t->now_ns - ts_ns <= CLOCK_STEP_NS)
		return;
	t->setup.counters->clock_steps++;
	t->now_ns = ts_ns;
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		wheel_back(&t->wheel[c], ts_ns);
}

void flow_table_feed(struct flow_table *t, struct packet *packets, unsigned count)
{
	struct fetch fetch;

	counters_batch(t->setup.counters, packets, count);
	fetch_begin(&fetch, t, packets, count);
	for (unsigned i = 0; i < count; i++) {
		struct packet *p = &packets[i];

		fetch_ahead(&fetch, i);
		if (__builtin_expect(p->ts_ns >= t->now_ns, 1))
			t->now_ns = p->ts_ns;
		else
			clock_back(t, p->ts_ns);
		p->copy = packet_has_flow(p) && feed_one(t, p);
	}
	flow_table_advance(t, t->now_ns);
}

void flow_table_advance(struct flow_table *t, uint64_t now_ns)
{
	if (now_ns > t->now_ns)
		t->now_ns = now_ns;
	pool_sweep(t);
}

void flow_table_flush(struct flow_table *t, uint64_t now_ns)
{
	uint32_t ref;

	if (now_ns > t->now_ns)
		t->now_ns = now_ns;
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		while ((ref = wheel_oldest(&t->wheel[c], &t->user)))
			pool_give_up(t, ref, EVICT_NONE);
}

void flow_table_each(struct flow_table *t, void *ctx, flow_visit *each)
{
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
			for (uint32_t ref = t->wheel[c].first[slot]; ref;
				ref = t->user.link(t, ref)->next)
				each(ctx, pool_flow(t, ref), ref);
}

const struct flow *flow_table_at(struct flow_table *t, uint32_t handle)
{
	return pool_flow(t, handle);
}

uint32_t flow_table_count(const struct flow_table *t)
{
	return t->index.used;
}

size_t flow_table_bytes(const struct flow_table *t)
{
	size_t sum = sizeof(*t) +
		     (size_t)t->slab[REF_FULL].fresh * t->tcp.record_bytes +
		     pools_bytes(&t->measure.pools) + dns_bytes(&t->measure.dns) +
		     ((size_t)t->index.mask + 1) * sizeof(struct index_slot) +
		     PATHS_MOST * (sizeof(struct path) + 2 * sizeof(uint16_t));

	for (unsigned k = 0; k < REF_KINDS; k++)
		sum += slab_bytes(&t->slab[k]);
	return sum;
}

uint64_t flow_table_probes(const struct flow_table *t)
{
	return t->index.lookups ? t->index.probes * 1000 / t->index.lookups : 0;
}

struct measure *flow_table_measure(struct flow_table *t)
{
	return &t->measure;
}
