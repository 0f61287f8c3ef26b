/* pool — the table's records: made, found by reference, classed, evicted, ended. */
#ifndef KONN_FLOW_POOL_H
#define KONN_FLOW_POOL_H

#include "base/slab.h"
#include "flow/index.h"
#include "flow/path.h"
#include "flow/small.h"
#include "flow/table.h"
#include "flow/wheel.h"

/* A reference: what kind of record in the upper two bits, its slab number below. */
#define REF_KIND(ref_)   ((ref_) >> 30)
#define REF_NUMBER(ref_) ((ref_)&0x3fffffffu)

enum ref_kind {
	REF_FULL,
	REF_SMALL_V4,
	REF_SMALL_V6,
	REF_KINDS,
};

enum flow_class { /* each has its wheel */
	CLASS_CLOSED,
	CLASS_HALF_OPEN_SMALL,
	CLASS_ONE_WAY_SMALL,
	CLASS_HALF_OPEN,
	CLASS_ONE_WAY,
	CLASS_ESTABLISHED, /* TCP */
	CLASS_ANSWERED,    /* the others, both ways: their timeouts are shorter */
	CLASS_COUNT,
};

struct flow_table {
	struct flow_setup setup;
	struct index index;
	struct slab slab[REF_KINDS];
	struct slab tcp; /* struct tcp_measure, of the flow with the same number */
	struct measure measure;
	struct paths paths;
	struct wheel wheel[CLASS_COUNT];
	struct wheel_user user;
	uint64_t now_ns;
	uint64_t swept_ns; /* now_ns of the last pool_sweep */
	uint64_t least_ns; /* the shortest timeout of a full flow */
	bool merge_interfaces;
	bool follows; /* the flow to be made uses the ports of one before */
	uint64_t small_bytes_most;
	uint32_t flows_most;
	struct flow scratch; /* a small record expanded for a callback */
};

static inline struct flow *pool_full(const struct flow_table *t, uint32_t ref)
{
	return slab_at(&t->slab[REF_FULL], REF_NUMBER(ref));
}

/* What is measured of a full TCP flow; its own flow.tcp. */
static inline struct tcp_measure *pool_tcp(const struct flow_table *t, uint32_t ref)
{
	return slab_at(&t->tcp, REF_NUMBER(ref));
}

static inline struct small *pool_small(const struct flow_table *t, uint32_t ref)
{
	return slab_at(&t->slab[REF_KIND(ref)], REF_NUMBER(ref));
}

int pool_init(struct flow_table *t);
void pool_done(struct flow_table *t);

/* Any record as a flow; a small one is expanded into t->scratch. */
const struct flow *pool_flow(struct flow_table *t, uint32_t ref);

/* Evicts until there is room; 0 when there is no memory at all (an overrun is counted).
 */
uint32_t pool_alloc(struct flow_table *t, enum ref_kind kind);

/* Puts a filled record into the index and its class's wheel. False: out of memory;
 * freed. */
bool pool_enter(struct flow_table *t, uint32_t ref, uint32_t hash);

/* Gives a full TCP flow its measure, empty; false: not TCP. */
bool pool_measure(struct flow_table *t, uint32_t ref);

/* The record of a small one becomes a full one, in the index and the wheels; 0: no
 * memory. */
uint32_t pool_promote(struct flow_table *t, uint32_t ref, uint32_t hash);

/* After a change of facts: moves a full flow to the wheel of its class. */
void pool_reclass(struct flow_table *t, uint32_t ref);

/* When the record would be forgotten, if nothing more came. */
uint64_t pool_expiry_ns(const struct flow_table *t, uint32_t ref);

/* A full flow that is surely not forgotten at now_ns; false: see pool_expiry_ns. */
static inline bool pool_lasts(
	const struct flow_table *t, const struct flow *f, uint64_t now_ns)
{
	return now_ns <
	       f->last_ns + t->least_ns; /* (a sum that wraps is a small one) */
}

/* Gives the flow to sink.ended and frees it. `why` EVICT_NONE: it ended by itself. */
void pool_end(struct flow_table *t, uint32_t ref, enum evict_class why);

/* Same, for one that was forgotten because idle: the event is given first. */
void pool_expire(struct flow_table *t, uint32_t ref);

/* Ends all that is due now, as far as the wheels tell. */
void pool_sweep(struct flow_table *t);

/* pool_expire for one that is due, though the wheel did not come to it yet; else
 * pool_end. */
void pool_give_up(struct flow_table *t, uint32_t ref, enum evict_class why);

/* Gives an event to the sink, if it wants them. */
void pool_event(
	struct flow_table *t, const struct flow *f, enum flow_event e, uint64_t now_ns);

#endif
