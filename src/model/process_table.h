/*
 * process_table — the processes that own sockets, each known once; pid and start time
 * name one.
 */
#ifndef KONN_MODEL_PROCESS_TABLE_H
#define KONN_MODEL_PROCESS_TABLE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slab.h"
#include "core/owner_fact.h"

#define PROCESS_TABLE_BUCKETS 1024u

struct process {
	struct process_fact fact; /* until it is told, only the id is known */
	uint32_t next;            /* of the bucket; 0: none */
	/* Each ends with NUL, lies in `text`, and is "" where absent. */
	const char *exe, *cmdline, *unit, *container; /* container: docker:ID */
	struct buf text;                              /* owned */
};

struct process_table {
	struct slab processes;
	uint64_t text_bytes, text_most;
	uint32_t bucket[PROCESS_TABLE_BUCKETS];
};

/* `memory_bytes` bounds records and texts together; taken as used. 0 or -ENOMEM. */
int process_table_init(struct process_table *t, uint64_t memory_bytes);
void process_table_done(struct process_table *t);

/*
 * The record of a process, made when it is new. Stays where it is until
 * process_table_done; NULL when there is no room.
 */
struct process *process_table_get(struct process_table *t, struct process_id id);

/*
 * What is known of it; replaces what was. Texts for which there is no room are absent.
 * 0 or -ENOMEM.
 */
int process_table_tell(struct process_table *t, const struct process_fact *fact,
	const struct process_text *text);

#endif
