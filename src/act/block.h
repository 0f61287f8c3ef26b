/*
 * block — packets of a connection that passes here are dropped as they come in, by a
 * table of konn's own in nf_tables (`table inet konn`).
 *
 * Needs CAP_NET_ADMIN over the namespace in which it was opened. The table is owned by
 * the descriptor: the kernel removes it when that is closed, also by a crash. Before
 * Linux 5.12 it stays until block_close() or the next block_open(), empty once the
 * timeouts are over. Packets that a flow table forwards are not stopped.
 *
 * Nothing here waits: nf_tables answers while it is asked.
 */
#ifndef KONN_ACT_BLOCK_H
#define KONN_ACT_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "act/result.h"

struct block {
	int fd; /* owned; -1 */
	uint32_t serial;
	bool owned; /* the table goes with the descriptor */
};

/*
 * Makes the table. -EBUSY: another konn that runs here has it; -EPERM; -EPROTONOSUPPORT
 * or -EOPNOTSUPP: no nf_tables.
 */
int block_open(struct block *block);

/* Removes the table. */
void block_close(struct block *block);

/*
 * Drops packets from target.local to target.peer, as target.local sends them (before
 * any translation), for `timeout_ms` (not 0). Both ends of a connection need one each.
 */
void block_add(struct block *block, const struct act_target *target,
	uint64_t timeout_ms, struct act_result *out);

/* Lets them pass again. 0, -ENOENT (it had timed out), -errno. */
int block_delete(struct block *block, const struct act_target *target);

#endif
