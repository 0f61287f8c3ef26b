/*
 * owners — which processes have which socket: the facts of a scan, to be asked by
 *inode.
 *
 * Pure; it never touches the system. Whoever drives it does, on each tick:
 *
 *	owners_resolve() for each socket without an owner     (notes what is wanted)
 *	if (owners_wanted(o) != OWNERS_NOTHING)
 *		pass = owners_begin(o), owners_scan_begin(scan, pass, sink)
 *	owners_scan_step() until 0, spread over time as it likes
 *	owners_end(o, &scan->status)
 *
 * and now and then (10 s) a pass OWNERS_CHANGED though nothing is wanted: it tells
 *which owners ended and which got a socket by fork or from another process.
 */
#ifndef KONN_SOURCE_OWNERS_H
#define KONN_SOURCE_OWNERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/slab.h"
#include "core/owner_fact.h"
#include "core/proto.h"
#include "source/owners_scan.h"

#define OWNERS_MOST (1u << 18) /* usual bound of (socket, process) pairs */

struct owners {
	struct hash_key key;
	struct slab held;      /* (socket, process) pairs */
	struct slab processes; /* that were walked */
	uint32_t *by_inode;    /* owned: first pair of each bucket */
	uint32_t *by_pid;      /* owned: first process of each bucket */
	uint32_t inode_mask, pid_mask;
	uint32_t walking;                  /* process that is told about; 0: none */
	uint32_t passes;                   /* begun so far */
	uint32_t changed_pass, whole_pass; /* newest complete ones, 0: none */
	enum owners_pass wanted;
	struct owners_status status; /* of the newest complete pass */
	uint64_t lost;               /* pairs for which there was no room */
};

/* Room for `most` pairs, taken as it is used. 0 or -ENOMEM. */
int owners_init(struct owners *o, uint32_t most, const struct hash_key *key);
void owners_done(struct owners *o);

/* A struct owners_sink's callback; `ctx` is the struct owners. Facts may come from
 * another process. */
void owners_tell(void *ctx, enum owners_event event, const struct owner_fact *fact);

/* What questions since the last owners_begin could not be answered without. */
enum owners_pass owners_wanted(const struct owners *o);
/* A pass begins: what is wanted, at least OWNERS_CHANGED. */
enum owners_pass owners_begin(struct owners *o);
/* It is complete (not to be called for one that was given up). */
void owners_end(struct owners *o, const struct owners_status *status);

/* To be noted with a socket when it is first seen; see struct owners_question. */
static inline uint32_t owners_passes(const struct owners *o)
{
	return o->passes;
}

struct owners_question {
	uint64_t inode;    /* of the socket; 0: the kernel told none */
	uint64_t listener; /* inode of the socket that accepted it; 0: unknown, none */
	uint32_t first_passes; /* owners_passes() when the socket was first seen */
	enum tcp_state state;  /* TCP_STATE_NONE for other protocols */
};

/*
 * The owner of lowest pid with the count of all; else the listener's (inherited) beside
 * the reason why there is no better; else the reason alone. Of a socket that was not
 * searched for, a pass is wanted: of the changed processes first, then of all, once.
 */
void owners_resolve(struct owners *o, const struct owners_question *question,
	struct owner_fact *out);

/* All that have the socket: writes those of lowest pid in order, returns how many there
 * are. */
uint32_t owners_list(
	const struct owners *o, uint64_t inode, struct owner_fact *out, uint32_t most);

#endif
