/* group — rows gathered by the value of one column, the others aggregated
 * (column.aggregate). */
#ifndef KONN_MODEL_GROUP_H
#define KONN_MODEL_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/column.h"
#include "model/query.h"

#define GROUP_SET 8 /* different texts that AGG_SET keeps */

struct group {
	uint64_t hash; /* of the key: the group's uid, never 0 */
	uint64_t tie;  /* of its first row */
	uint64_t newest_ns;
	uint32_t key, key_len; /* in groups.text */
};

struct gathered {        /* one column of one group */
	uint64_t number; /* or length of the text at `text` */
	uint32_t count;  /* values that were present; AGG_SET: different ones */
	uint32_t text;   /* in groups.text; AGG_SET: head of a list in groups.nodes */
};

struct groups {
	int key;                             /* column */
	uint16_t columns[QUERY_COLUMNS + 1]; /* gathered ones */
	unsigned n_columns;
	uint32_t count, slots_cap; /* a power of two */
	uint32_t *slots;           /* owned; number of the group + 1 */
	struct buf all;            /* struct group */
	struct buf cells;          /* struct gathered, n_columns a group */
	struct buf nodes, text, key_bytes;
	bool oom;
};

/* A zeroed struct is empty. */
void groups_done(struct groups *g);

/* Starts anew; `sort` is gathered too, -1: none. */
void groups_reset(struct groups *g, int key, const struct query *q);

/* The row's scratch is used. `tie` orders groups that are equal. */
void groups_add(struct groups *g, const struct row *r, uint64_t tie);

/* What a group has in a column (one of the query's, or its sort); text is made in
 * `scratch`. */
struct value groups_value(
	const struct groups *g, uint32_t group, int column, struct buf *scratch);

const struct group *groups_at(const struct groups *g, uint32_t group);

#endif
