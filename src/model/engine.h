/* engine — everything konn knows at this moment: flows in, rows and snapshots out. */
#ifndef KONN_MODEL_ENGINE_H
#define KONN_MODEL_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/table.h"
#include "model/build.h"
#include "model/column.h"
#include "model/query.h"
#include "model/socket_table.h"

struct engine_sink { /* callbacks; rows are borrowed for the call */
	void *ctx;
	/* May be NULL. */
	void (*event)(
		void *ctx, const struct row *r, enum flow_event e, uint64_t now_ns);
	/* May be NULL. A connection that ended, was evicted, or was there at the end.
	 */
	void (*ended)(void *ctx, const struct row *r, uint64_t uid);
	/* May be NULL. A round trip, valid or not. */
	void (*sample)(void *ctx, const struct row *r, const struct sample *s);
	/* May be NULL. As in struct flow_sink. */
	void (*segment)(void *ctx, const struct row *r, const struct segment *s);
};

struct engine_setup {
	struct row_world world;
	struct engine_sink sink;
	struct hash_key hash_key; /* random */
	uint64_t memory_bytes, idle_ns;
	uint64_t keep_ns; /* how long closed rows are shown */
	uint32_t max_flows;
	bool live; /* as in struct flow_setup */
	bool no_midstream;
	/*
	 * Of memory_bytes, for sockets and their owners; 0: there are none.
	 */
	uint64_t socket_bytes;
	bool captured_only; /* sockets whose packets were not seen are no rows */
	bool keep_ended;    /* rows that ended stay visible (a whole file in `top`) */
};

struct engine;

struct engine *engine_new(const struct engine_setup *setup); /* NULL: no memory */
void engine_free(struct engine *e);

/* As flow_table_merge_interfaces. */
void engine_merge_interfaces(struct engine *e);

/* As flow_table_feed. */
void engine_feed(struct engine *e, struct packet *packets, unsigned count);

/* Lets time pass without packets (live). */
void engine_tick(struct engine *e, uint64_t now_ns);

/* The end of input: every connection goes to sink.ended. Live: as of now_ns, when
 * capture stopped (0: as of the last packet). */
void engine_flush(struct engine *e, uint64_t now_ns);

/* A file was read to its end: rates are no more. */
void engine_ended(struct engine *e);

/* Forgets the closed rows that are still shown. */
void engine_forget_closed(struct engine *e);

/*
 * Queries answer from a copy of everything that is known now, until it is thawed;
 * counting goes on. Without memory for the copy nothing is frozen.
 */
void engine_freeze(struct engine *e);
void engine_thaw(struct engine *e);

/* The newest time seen in packets or told by engine_tick. */
uint64_t engine_now(const struct engine *e);

/*
 * What is known of sockets and of their owners, to be told by the caller. A socket is
 * joined with the packets of its connection; one without packets, and one without a
 * peer, is a row of its own. Two sockets that are each other's peer are one row.
 */
struct socket_table *engine_sockets(struct engine *e);
struct process_table *engine_processes(struct engine *e);

/* Written by the engine and by its caller (drops of the source). */
struct counters *engine_counters(struct engine *e);

/* Answers a query; valid until the next one. NULL when there is no memory. */
const struct snapshot *engine_query(struct engine *e, const struct query *q);

#endif
