#include "model/engine.h"

#include <stdlib.h>
#include <string.h>

#include "flow/copies.h"
#include "model/getters.h"
#include "model/home.h"
#include "model/join.h"
#include "model/memo.h"
#include "model/traffic.h"

#define SECOND_NS     1000000000ull
#define MINUTE        60u
#define FOREVER_NS    (10ull * 365 * 86400 * SECOND_NS)
#define HANDLE_SOCKET (1ull << 34) /* the rest is a number of engine.sockets */
#define HANDLE_FROZEN (1ull << 33) /* the rest is an index into engine.frozen */
#define HANDLE_ENDED  (1ull << 32) /* the rest is a number of engine.ended */
#define ENDED_SHARE   2            /* half of the memory may hold rows that ended */
#define COPY_BYTES    8192 /* room that is reserved for a frozen row, and more */

/* A copy of what a query sees. */
struct frozen {
	struct copies flows;
	bool there;
	uint64_t now_ns;
	struct totals totals; /* rates and counters of that moment */
};

struct engine {
	struct engine_setup setup;
	struct frozen frozen;
	struct flow_table *table;
	struct socket_table sockets;
	struct process_table processes;
	struct counters counters;
	struct build *build;
	struct buf scratch;
	struct copies ended; /* only with keep_ended */
	struct totals totals;
	struct traffic traffic;
	uint32_t closed[MINUTE]; /* closes by second */
	uint64_t closed_second;
	uint64_t now_ns, forget_before_ns;
	bool finished, flushing;
};

static struct row row_of(struct engine *e, const struct flow *f)
{
	struct row r = {
		.flow = f,
		.world = &e->setup.world,
		.now_ns = e->now_ns > f->last_ns ? e->now_ns : f->last_ns,
		.scratch = &e->scratch,
	};

	if (socket_table_count(&e->sockets))
		join_flow(&e->sockets, &r);
	return r;
}

static struct row row_of_socket(struct engine *e, struct socket_entry *s)
{
	struct row r = {
		.world = &e->setup.world,
		.now_ns = e->now_ns,
		.scratch = &e->scratch,
	};

	join_socket(&e->sockets, s, &r);
	return r;
}

static uint64_t uid_of(const struct engine *e, const struct flow *f)
{
	return flow_uid(f, &e->setup.world.uid_key);
}

static void close_seen(struct engine *e, uint64_t now_ns)
{
	uint64_t second = now_ns / SECOND_NS;

	if (second - e->closed_second >= MINUTE)
		memset(e->closed, 0, sizeof(e->closed));
	else
		for (uint64_t s = e->closed_second + 1; s <= second; s++)
			e->closed[s % MINUTE] = 0;
	e->closed_second = second;
}

static void on_event(
	void *ctx, const struct flow *f, enum flow_event event, uint64_t now_ns)
{
	struct engine *e = ctx;
	struct row r = row_of(e, f);

	if (event == FLOW_EVENT_CLOSE || event == FLOW_EVENT_RESET ||
		event == FLOW_EVENT_REFUSE) {
		close_seen(e, now_ns);
		e->closed[now_ns / SECOND_NS % MINUTE]++;
	}
	if (e->setup.sink.event)
		e->setup.sink.event(e->setup.sink.ctx, &r, event, now_ns);
}

/*
 * A row is written as of its last packet: its rates are those of its last second. Live
 * ones that are there at the end are written as of now.
 */
static void on_ended(void *ctx, const struct flow *f, uint64_t now_ns)
{
	struct engine *e = ctx;
	struct row_memo memo = {.has = MEMO_UID, .uid = uid_of(e, f)};
	struct row r = row_of(e, f);

	(void)now_ns;
	r.memo = &memo;
	if (!e->flushing)
		r.now_ns = f->last_ns;
	if (e->setup.sink.ended)
		e->setup.sink.ended(e->setup.sink.ctx, &r, memo.uid);
	if (e->setup.keep_ended && !copies_add(&e->ended, f))
		e->counters.evicted[EVICT_CLOSED]++;
}

static void on_sample(void *ctx, const struct flow *f, const struct sample *sample)
{
	struct engine *e = ctx;
	struct row r = row_of(e, f);

	e->setup.sink.sample(e->setup.sink.ctx, &r, sample);
}

static void on_segment(void *ctx, const struct flow *f, const struct segment *segment)
{
	struct engine *e = ctx;
	struct row r = row_of(e, f);

	e->setup.sink.segment(e->setup.sink.ctx, &r, segment);
}

/* Processes are few beside their sockets, but their texts are long. */
static int open_sockets(struct engine *e)
{
	uint64_t bytes = e->setup.socket_bytes;
	int r;

	if (!bytes)
		return 0;
	r = socket_table_init(&e->sockets, bytes / 4 * 3, &e->setup.hash_key);
	return r < 0 ? r : process_table_init(&e->processes, bytes / 4);
}

struct engine *engine_new(const struct engine_setup *setup)
{
	struct engine *e = calloc(1, sizeof(*e));
	uint64_t share = setup->keep_ended ? ENDED_SHARE : 1;
	struct flow_setup flows = {
		.key = setup->hash_key,
		.services = setup->world.services,
		.memory_bytes = (setup->memory_bytes - setup->socket_bytes) / share,
		.max_flows = setup->max_flows,
		.idle_ns = setup->keep_ended ? FOREVER_NS : setup->idle_ns,
		.keep_ns = setup->keep_ended ? FOREVER_NS : setup->keep_ns,
		.live = setup->live,
		.no_midstream = setup->no_midstream,
	};

	if (!e)
		return NULL;
	e->setup = *setup;
	flows.counters = &e->counters;
	flows.sink = (struct flow_sink){.ctx = e,
		.event = on_event,
		.ended = on_ended,
		.sample = setup->sink.sample ? on_sample : NULL,
		.segment = setup->sink.segment ? on_segment : NULL};
	e->table = flow_table_new(&flows);
	e->build = build_new();
	if (copies_init(&e->ended, setup->memory_bytes / ENDED_SHARE) == 0 &&
		e->table && e->build && open_sockets(e) == 0) {
		e->setup.world.measure = flow_table_measure(e->table);
		return e;
	}
	engine_free(e);
	return NULL;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	if (e->table) {
		engine_thaw(e);
		copies_done(&e->ended, flow_table_measure(e->table));
	}
	flow_table_free(e->table);
	socket_table_done(&e->sockets);
	process_table_done(&e->processes);
	build_free(e->build);
	buf_done(&e->scratch);
	free(e);
}

void engine_merge_interfaces(struct engine *e)
{
	flow_table_merge_interfaces(e->table);
}

/* NULL: what is in and out is not known. */
static const struct home *setup_home(const struct engine *e)
{
	return e->setup.world.has_home ? e->setup.world.home : NULL;
}

void engine_feed(struct engine *e, struct packet *packets, unsigned count)
{
	flow_table_feed(e->table, packets, count);
	if (e->counters.last_ns > e->now_ns)
		e->now_ns = e->counters.last_ns;
	traffic_count(&e->traffic, setup_home(e), packets, count);
}

void engine_tick(struct engine *e, uint64_t now_ns)
{
	if (now_ns > e->now_ns)
		e->now_ns = now_ns;
	flow_table_advance(e->table, now_ns);
}

/* Sockets that were no part of any row so far. */
static void flush_sockets(struct engine *e)
{
	struct row_memo memo;

	for (uint32_t n = 1; n <= e->sockets.highest; n++) {
		struct socket_entry *s = join_next(&e->sockets, n);
		struct row r;

		if (!s || !e->setup.sink.ended || e->setup.captured_only)
			continue;
		r = row_of_socket(e, s);
		memo = (struct row_memo){.has = MEMO_UID, .uid = row_uid(&r)};
		r.memo = &memo;
		e->counters.conns++;
		e->setup.sink.ended(e->setup.sink.ctx, &r, memo.uid);
	}
}

void engine_flush(struct engine *e, uint64_t now_ns)
{
	e->flushing = e->setup.live;
	if (now_ns > e->now_ns)
		e->now_ns = now_ns;
	flow_table_flush(e->table, now_ns);
	flush_sockets(e);
}

struct socket_table *engine_sockets(struct engine *e)
{
	return &e->sockets;
}

struct process_table *engine_processes(struct engine *e)
{
	return &e->processes;
}

void engine_ended(struct engine *e)
{
	e->finished = true;
}

void engine_forget_closed(struct engine *e)
{
	e->forget_before_ns = e->now_ns + 1;
}

uint64_t engine_now(const struct engine *e)
{
	return e->now_ns;
}

struct counters *engine_counters(struct engine *e)
{
	const struct measure *m = flow_table_measure(e->table);

	e->counters.rtt_samples = m->samples;
	e->counters.rtt_lost = m->lost;
	return &e->counters;
}

typedef void row_visit(void *state, const struct row *r, uint64_t uid, uint64_t handle);

struct scan {
	struct engine *engine;
	void *state;
	row_visit *visit;
};

static uint8_t counted_state(const struct row *r)
{
	return r->flow ? flow_orig(r->flow)->state : row_end(r, END_PLAIN)->fact.state;
}

static void count_row(struct totals *t, const struct row *r)
{
	t->rows++;
	switch (row_key(r)->proto) {
	case PROTO_TCP: t->by_state[counted_state(r)]++; break;
	case PROTO_UDP: t->udp++; break;
	case PROTO_ICMP:
	case PROTO_ICMPV6: t->icmp++; break;
	default: t->other++; break;
	}
}

/* Closed rows are shown for a while, though the table keeps them longer. */
static bool shown(const struct engine *e, const struct flow *f)
{
	if (!f->closed_ns || e->setup.keep_ended)
		return !f->closed_ns || f->closed_ns >= e->forget_before_ns;
	return f->closed_ns >= e->forget_before_ns &&
	       f->closed_ns + e->setup.keep_ns >= e->now_ns;
}

static void scan_flow(void *ctx, const struct flow *f, uint32_t handle)
{
	struct scan *s = ctx;
	struct row r;

	if (!shown(s->engine, f))
		return;
	r = row_of(s->engine, f);
	count_row(&s->engine->totals, &r);
	s->visit(s->state, &r, uid_of(s->engine, f), handle);
}

/* Those that are no part of a row of packets. */
static void each_socket(struct engine *e, void *state, row_visit *visit)
{
	for (uint32_t n = 1; n <= e->sockets.highest; n++) {
		struct socket_entry *s = join_next(&e->sockets, n);
		struct row r;

		if (!s || s->gone || e->setup.captured_only)
			continue;
		r = row_of_socket(e, s);
		count_row(&e->totals, &r);
		visit(state, &r, row_uid(&r), HANDLE_SOCKET | n);
	}
}

static void each_live(struct engine *e, void *state, row_visit *visit)
{
	struct scan s = {e, state, visit};

	e->sockets.pass++;
	for (uint32_t n = 1; n <= copies_count(&e->ended); n++) {
		const struct flow *f = copies_at(&e->ended, n);
		struct row r = row_of(e, f);

		count_row(&e->totals, &r);
		visit(state, &r, uid_of(e, f), HANDLE_ENDED | n);
	}
	flow_table_each(e->table, &s, scan_flow);
	each_socket(e, state, visit);
}

static struct row frozen_row(struct engine *e, const struct flow *f)
{
	struct row r = row_of(e, f);

	r.now_ns = e->frozen.now_ns > f->last_ns ? e->frozen.now_ns : f->last_ns;
	return r;
}

static void feed_each(void *ctx, void *state, row_visit *visit)
{
	struct engine *e = ctx;

	if (!e->frozen.there) {
		each_live(e, state, visit);
		return;
	}
	for (uint32_t i = 1; i <= copies_count(&e->frozen.flows); i++) {
		const struct flow *f = copies_at(&e->frozen.flows, i);
		struct row r = frozen_row(e, f);

		count_row(&e->totals, &r);
		visit(state, &r, uid_of(e, f), HANDLE_FROZEN | i);
	}
}

static const struct flow *flow_at(struct engine *e, uint64_t handle)
{
	if (handle & HANDLE_FROZEN)
		return copies_at(&e->frozen.flows, (uint32_t)handle);
	if (handle & HANDLE_ENDED)
		return copies_at(&e->ended, (uint32_t)handle);
	return flow_table_at(e->table, (uint32_t)handle);
}

static void feed_get(void *ctx, uint64_t handle, void *state, row_visit *visit)
{
	struct engine *e = ctx;
	const struct flow *f;
	struct row r;

	if (handle & HANDLE_SOCKET) {
		r = row_of_socket(e, socket_table_at(&e->sockets, (uint32_t)handle));
		visit(state, &r, row_uid(&r), handle);
		return;
	}
	f = flow_at(e, handle);
	r = handle & HANDLE_FROZEN ? frozen_row(e, f) : row_of(e, f);
	visit(state, &r, uid_of(e, f), handle);
}

static void freeze_row(void *state, const struct row *r, uint64_t uid, uint64_t handle)
{
	struct frozen *frozen = state;

	(void)uid;
	(void)handle;
	if (r->flow)
		(void)copies_add(&frozen->flows, r->flow); /* there is room for all */
}

static void total_rates(struct engine *e)
{
	struct totals *t = &e->totals;
	const struct traffic *traffic = &e->traffic;

	if (e->finished)
		return;
	traffic_rates(traffic, e->now_ns, t);
}

static void take_totals(struct engine *e)
{
	e->totals = (struct totals){
		.now_ns = e->now_ns, .counters = e->counters, .ended = e->finished};
	total_rates(e);
	close_seen(e, e->now_ns);
	for (unsigned i = 0; i < MINUTE; i++)
		e->totals.closed_last_minute += e->closed[i];
}

void engine_freeze(struct engine *e)
{
	struct frozen frozen = {.there = true, .now_ns = e->now_ns};
	uint64_t rows = copies_count(&e->ended) + flow_table_count(e->table) + 1;

	engine_thaw(e);
	if (copies_init(&frozen.flows, rows * COPY_BYTES) < 0)
		return;
	take_totals(e);
	frozen.totals = e->totals;
	each_live(e, &frozen, freeze_row);
	e->frozen = frozen;
}

void engine_thaw(struct engine *e)
{
	if (e->frozen.there)
		copies_done(&e->frozen.flows, flow_table_measure(e->table));
	e->frozen = (struct frozen){0};
}

const struct snapshot *engine_query(struct engine *e, const struct query *q)
{
	struct row_feed feed = {e, feed_each, feed_get};

	if (e->frozen.there)
		e->totals = e->frozen.totals;
	else
		take_totals(e);
	return build_query(e->build, q, &feed, &e->totals);
}
