/* layout — which columns fit on the screen, and where. */
#ifndef KONN_VIEW_TUI_LAYOUT_H
#define KONN_VIEW_TUI_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/column.h"
#include "model/query.h"

#define LAYOUT_COLUMNS 512 /* columns of the model that can be shown */

struct field { /* one column on the screen */
	uint16_t column;
	int x, width;
	int at; /* column of the snapshot that is shown */
};

struct layout {
	struct field at[QUERY_COLUMNS];
	unsigned count;
};

struct layout_content { /* of one column, as far as it was seen */
	uint8_t width;  /* widest cell */
	bool known;     /* some row has a value */
	bool looked_at; /* rows were seen: `known` false means that nothing fills it */
};

struct layout_want {
	const uint16_t *columns; /* in the order of the screen */
	const uint8_t *priority; /* of each; 0 goes first */
	unsigned n_columns;
	int left, cols;   /* first usable column of the screen; width of the screen */
	int cursor, sort; /* columns that must be there if they are wanted; -1: none */
	const struct layout_content
		*content; /* LAYOUT_COLUMNS of them; NULL: not known */
};

/* The fields that fit, by priority; the space left makes texts wider. */
void layout_fit(struct layout *out, const struct layout_want *want);

/* True for types whose cells stand at the right of their column. */
bool layout_right(const struct column *c);

/* True for addresses: they are shortened in the middle, where they say least. */
bool layout_middle(const struct column *c);

/*
 * Shortens cleaned text to `width` columns by taking out its middle ("2001:db8…:17") or
 * its end. `dots` is the mark that replaces it, one column wide.
 */
struct layout_cut {
	int width;
	bool middle;
	const char *dots;
};
void layout_shorten(
	struct buf *out, const char *text, size_t len, const struct layout_cut *cut);

#endif
