/* table — all flows: found by key, fed in batches, ended by a timing wheel, bounded. */
#ifndef KONN_FLOW_TABLE_H
#define KONN_FLOW_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/services.h"
#include "flow/flow.h"

enum flow_event {
	FLOW_EVENT_ATTEMPT, /* TCP: first SYN */
	FLOW_EVENT_OPEN,    /* TCP: established; others: first answer */
	FLOW_EVENT_CLOSE,
	FLOW_EVENT_RESET,
	FLOW_EVENT_REFUSE,
	FLOW_EVENT_TIMEOUT,
	FLOW_EVENT_COUNT,
};

/* Segments that come late still belong to the closed connection, not to a new one. */
#define FLOW_LINGER_NS (5ull * 1000000000u)

struct flow_sink { /* callbacks; the flow is borrowed for the call */
	void *ctx;
	/* May be NULL. `now_ns` is the time of what caused it. */
	void (*event)(
		void *ctx, const struct flow *f, enum flow_event e, uint64_t now_ns);
	/* May be NULL. A round trip, valid or not; the flow has what came before it. */
	void (*sample)(void *ctx, const struct flow *f, const struct sample *s);
	/*
	 * May be NULL. Each TCP segment with a whole header, copies excluded, after its
	 * samples. The flow has counted it, but its sequence numbers are those before.
	 * Of a flow that is FLOW_SMALL only p, dir, span and end of it are known.
	 */
	void (*segment)(void *ctx, const struct flow *f, const struct segment *s);
	/* The flow leaves the table: some time after its close, idle, evicted, or at
	 * the end. */
	void (*ended)(void *ctx, const struct flow *f, uint64_t now_ns);
};

struct flow_setup {
	struct hash_key key; /* random; tests may fix it */
	const struct services
		*services;         /* borrowed for the table's life; may be NULL */
	struct counters *counters; /* borrowed: evicted[], copies, conns, clock_steps */
	struct flow_sink sink;
	uint64_t memory_bytes; /* cap of the whole table */
	uint32_t max_flows;    /* 0: only memory bounds it */
	uint64_t idle_ns;      /* forget idle ones; 0: by protocol and state */
	uint64_t keep_ns;      /* closed ones stay so long (at least FLOW_LINGER_NS) */
	bool live; /* stamps only run back by the delay of rings: no clock step */
	bool no_midstream; /* ignore TCP whose start was not seen */
};

struct flow_table;

struct flow_table *flow_table_new(const struct flow_setup *setup);

void flow_table_free(struct flow_table *t);

/* The end of input: every flow ends (sink.ended). */
void flow_table_flush(struct flow_table *t, uint64_t now_ns);

/*
 * Several interfaces are known from now on: per flow and direction the first one
 * counts, the packets of the others are copies. (Not the start, because it costs a
 * cache line a packet.)
 */
void flow_table_merge_interfaces(struct flow_table *t);

/*
 * Counts a batch (at most FRAME_BATCH packets, in order of arrival) and updates the
 * flows of the parsed ones; also advances the time to the newest stamp.
 */
void flow_table_feed(struct flow_table *t, struct packet *packets, unsigned count);

/* Ends what is due at now_ns. Live: called each tick too. */
void flow_table_advance(struct flow_table *t, uint64_t now_ns);

/*
 * Calls `each` for all flows in the table, in an order that does not depend on the hash
 * key (small ones expanded); `each` must not feed. The handle names the flow until the
 * next feed.
 */
typedef void flow_visit(void *ctx, const struct flow *f, uint32_t handle);
void flow_table_each(struct flow_table *t, void *ctx, flow_visit *each);

/* The flow of a handle, valid until the next call of any function of the table. */
const struct flow *flow_table_at(struct flow_table *t, uint32_t handle);

/* What its flows are measured with. */
struct measure *flow_table_measure(struct flow_table *t);

/* How many flows there are, and bytes taken from the system. */
uint32_t flow_table_count(const struct flow_table *t);
size_t flow_table_bytes(const struct flow_table *t);

/* Slots looked at per look-up since the start, times 1000 (a sign of chosen
 * collisions). */
uint64_t flow_table_probes(const struct flow_table *t);

#endif
