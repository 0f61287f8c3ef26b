/* view — rows and records as bytes: text, JSON Lines, CSV. */
#ifndef KONN_VIEW_VIEW_H
#define KONN_VIEW_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/cells.h"
#include "model/query.h"

struct view_style {
	unsigned width; /* columns of the terminal; 0: never cut (pipes, files) */
	bool bits;      /* rates as bits */
	bool si;        /* bytes in powers of 1000 */
	bool epoch;     /* times as integer microseconds since the epoch */
	bool color;
	bool numeric;                    /* no names for ports */
	const struct services *services; /* borrowed; may be NULL */
};

/* A line that is not a connection: event, load, summary. */
struct record_field {
	const char *key;
	struct value value;
	enum type type;
	bool truth; /* the number is 0 or 1, and written as false or true */
	unsigned map_size;
	/* nested {name: count}; used when not NULL, type and value are not */
	const struct record_count *map;
};

struct record_count {
	const char *name;
	uint64_t count;
};

struct record {
	const char *kind; /* "event", "load", "summary"… */
	const struct record_field *fields;
	unsigned count;
	const char *text; /* line for text output, no newline; borrowed, cleaned */
};

/* The columns of all rows that follow, and what an output makes of them once. */
struct view_table {
	const struct view *view;
	const struct view_style *style; /* borrowed */
	unsigned count;
	const struct column *columns[QUERY_COLUMNS];
	void *made; /* owned: the output's own, view->made_bytes */
};

struct view {
	const char *name; /* "text", "json", "csv" */
	size_t made_bytes;
	/* Fills the zeroed t->made; may be NULL. */
	void (*make)(struct view_table *t);
	/* Before the first row: titles (JSON: nothing). */
	void (*head)(struct buf *out, const struct view_table *t);
	/* One row, a line of kind "conn". */
	void (*row)(struct buf *out, const struct view_table *t, const struct cells *c);
	/* One line. CSV writes titles when `first`. */
	void (*record)(struct buf *out, const struct record *r,
		const struct view_style *v, bool first);
	bool summary_inline; /* the summary is a line of the output, else of stderr */
};

/* Copies the list of columns. False: no memory. */
bool view_table_init(struct view_table *t, const struct view *view,
	const struct view_style *style, const struct column *const *columns,
	unsigned count);
void view_table_done(struct view_table *t);

/* By name; NULL when there is none. The build's list of files is the registry. */
const struct view *view_find(const char *name);

/*
 * One value as text tables and the TUI show it: units visible; absent is "-". Numbers
 * keep to the column's width if they can, text and addresses are whole.
 */
void view_cell(struct buf *out, const struct column *c, const struct value *v,
	const struct view_style *style);

#endif
