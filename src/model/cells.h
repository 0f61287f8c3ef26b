/* cells — a row to be written: as the table has it now, or out of a snapshot. */
#ifndef KONN_MODEL_CELLS_H
#define KONN_MODEL_CELLS_H

#include "model/column.h"
#include "model/snapshot.h"

struct cells {
	const struct row *row; /* borrowed; NULL: row `number` of the snapshot */
	const struct snapshot *snapshot; /* borrowed */
	unsigned number;
};

/*
 * The value of a column: `get` is the column's own, `index` its number in the snapshot.
 * It lasts until the next one is asked for.
 */
static inline struct value cells_get(
	const struct cells *c, struct value (*get)(const struct row *r), unsigned index)
{
	if (c->row)
		return get(c->row);
	return snapshot_cell(c->snapshot, c->number, index);
}

/*
 * Fetches what most columns of a row read, before the first one is asked for: a
 * connection that ends was not touched for long, and has thirty cache lines to wait for
 * one after the other.
 */
void cells_fetch(const struct row *r);

#endif
