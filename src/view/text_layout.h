/* text_layout — which columns of a table fit a width, and where each begins. */
#ifndef KONN_VIEW_TEXT_LAYOUT_H
#define KONN_VIEW_TEXT_LAYOUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/query.h"
#include "view/view.h"
#include "model/snapshot.h"

struct text_column {
	const struct column *column;
	unsigned index; /* in the snapshot */
	unsigned start, width;
	bool right; /* numbers end at the same place */
};

struct text_layout {
	unsigned limit; /* columns of the terminal; 0: none */
	unsigned total; /* where the last column ends */
	unsigned count;
	struct text_column columns[QUERY_COLUMNS];
};

/* Takes columns by priority as long as they fit into v->width; those of priority 0
 * always. */
void text_layout_fit(
	struct text_layout *l, const struct snapshot *s, const struct view_style *v);

/*
 * Adds one cell to a line of `*pos` columns so far. What is wider than its column
 * pushes the rest of the line as far as the limit allows; then addresses lose their
 * middle and other text its end. Numbers are never shortened.
 */
void text_layout_cell(struct buf *line, const struct text_layout *l, unsigned column,
	const struct buf *cell, unsigned *pos);

#endif
