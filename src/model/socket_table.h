/*
 * socket_table — the kernel's sockets by cookie and by the connection that they are an
 * end of, each with its owner.
 *
 * Rounds: begin, tell each socket of the dumps, end. What a round did not tell is gone:
 * it stays one round more, so that whoever shows it can say so, and is then forgotten.
 * Keys have scope 0: the sockets are those of one namespace.
 */
#ifndef KONN_MODEL_SOCKET_TABLE_H
#define KONN_MODEL_SOCKET_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/slab.h"
#include "core/addr.h"
#include "core/owner_fact.h"
#include "core/services.h"
#include "core/socket_fact.h"
#include "model/process_table.h"

struct socket_entry {
	struct socket_fact fact;
	struct owner_fact owner;       /* valid when has_owner */
	const struct process *process; /* borrowed; NULL: not known */
	/*
	 * The connection that it is an end of; without a peer endpoint 0 is its own and
	 * endpoint 1 is empty.
	 */
	struct tuple key;
	uint64_t first_ns, seen_ns; /* when it was told first and last */
	uint32_t by_cookie, by_key; /* next of the bucket; 0: none */
	uint32_t round;             /* in which it was told last */
	uint32_t given;             /* in this pass over all rows: see socket_table */
	uint8_t end;                /* its own endpoint in key */
	bool alone;                 /* no peer: it listens, or is not connected */
	bool gone;                  /* died, or not in the newest round */
	bool has_owner;
};

struct socket_table {
	struct slab entries;
	struct hash_key key;
	uint32_t *cookies, *keys; /* owned: first of each bucket */
	uint32_t mask;
	uint32_t highest; /* number of the highest entry ever used */
	uint32_t round;
	uint32_t pass; /* entries whose `given` is this were part of a row */
	uint64_t lost; /* facts for which there was no room */
};

/* Room for what fits into `memory_bytes`, taken as it is used. 0 or -ENOMEM. */
int socket_table_init(
	struct socket_table *t, uint64_t memory_bytes, const struct hash_key *key);
void socket_table_done(struct socket_table *t);

static inline uint32_t socket_table_count(const struct socket_table *t)
{
	return t->entries.used;
}

/* A round of dumps. `end` is not to be called for one that failed. */
void socket_table_begin(struct socket_table *t);
void socket_table_tell(
	struct socket_table *t, const struct socket_fact *fact, uint64_t now_ns);
void socket_table_end(struct socket_table *t);

/* Who has the socket of owner->cookie. `process` may be NULL; borrowed for good. */
void socket_table_own(struct socket_table *t, const struct owner_fact *owner,
	const struct process *process);

/* All entries: number 1 to highest; NULL for those that are free. */
struct socket_entry *socket_table_at(const struct socket_table *t, uint32_t number);

/* The socket that is endpoint `end` of the connection; NULL: none. */
struct socket_entry *socket_table_find(
	const struct socket_table *t, const struct tuple *key, unsigned end);

/*
 * The socket that takes what is sent to endpoint `end`: the listening or unconnected
 * one of that address and port, else of the port alone. NULL when there is none, or
 * several share the port.
 */
struct socket_entry *socket_table_server(
	const struct socket_table *t, const struct tuple *key, unsigned end);

/*
 * Endpoint that opened the entry's connection: by its state, by who listens, else by
 * the ports (`services` may be NULL).
 */
unsigned socket_table_orient(const struct socket_table *t, const struct socket_entry *e,
	const struct services *services);

#endif
