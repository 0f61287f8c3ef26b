/*
 * machine — what the kernel says of this machine's sockets and of who has them.
 *
 * Two halves. machine_scan runs before anything is given up, with the rights of the
 * caller: it reads /proc and parses nothing but numbers and "socket:[N]"; the rest it
 * keeps as bytes. machine_tell runs in the worker: it dumps the kernel's tables, which
 * needs no right, parses those bytes and tells the engine.
 */
#ifndef KONN_APP_MACHINE_H
#define KONN_APP_MACHINE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/engine.h"
#include "source/owners.h"

struct machine {
	struct owners owners;
	struct buf processes; /* struct process_raw of those that have sockets, cut
				 behind what was read, each at a multiple of 8 */
	struct buf inodes;    /* uint64_t, sorted: of sockets older than the scan */
	uint64_t netns;       /* inode of this network namespace */
	uint32_t tables_lost; /* changed or overran again and again while dumped */
	uint32_t hidden;      /* sockets whose owners may not be looked at */
	bool root;            /* the caller was */
	bool scanned;         /* who has what is known */
};

/* -errno when not even /proc can be read: owners are then not known. */
int machine_scan(struct machine *m);
void machine_done(struct machine *m);

/*
 * One round of all tables into the engine, with the owners that the scan found. Waits
 * for the kernel. -errno with *err: what was told is not complete.
 */
int machine_tell(struct machine *m, struct engine *e, uint64_t now_ns, struct err *err);

/* Which rights would have shown more; NULL: none. */
const char *machine_missing(const struct machine *m);

#endif
