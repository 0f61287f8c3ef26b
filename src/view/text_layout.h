/* text_layout — which columns of a table fit a width, and where each begins. */
#ifndef KONN_VIEW_TEXT_LAYOUT_H
#define KONN_VIEW_TEXT_LAYOUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/query.h"
#include "view/view.h"

struct text_column {
	unsigned index; /* in the table */
	unsigned start, width;
	bool right; /* numbers end at the same place */
	bool may_be_cut;
};

struct text_layout {
	unsigned limit; /* columns of the terminal; 0: none */
	unsigned total; /* where the last column ends */
	unsigned count;
	struct text_column columns[QUERY_COLUMNS];
};

/* Takes columns by priority as long as they fit into the style's width; those of
 * priority 0 always. */
void text_layout_fit(struct text_layout *l, const struct view_table *t);

/*
 * Brings a cell to its place: the bytes of `line` from `from` on, the last ones of a
 * line of `*pos` columns before them. What is wider than its column pushes the rest of
 * the line as far as the limit allows; then addresses lose their middle and other text
 * its end. Numbers are never shortened.
 */
void text_layout_cell(struct buf *line, const struct text_layout *l, unsigned column,
	size_t from, unsigned *pos);

#endif
