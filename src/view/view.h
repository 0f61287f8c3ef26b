/* view — snapshots and records as bytes: text, JSON Lines, CSV. */
#ifndef KONN_VIEW_VIEW_H
#define KONN_VIEW_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/snapshot.h"

struct view_style {
	unsigned width; /* columns of the terminal; 0: never cut (pipes, files) */
	bool bits;      /* rates as bits */
	bool si;        /* bytes in powers of 1000 */
	bool epoch;     /* times as integer microseconds since the epoch */
	bool color;
	bool numeric;    /* no names for ports */
	unsigned hidden; /* so many columns at the end are not shown (only sorted by) */
	const struct services *services; /* borrowed; may be NULL */
};

static inline unsigned view_columns(
	const struct snapshot *s, const struct view_style *v)
{
	return s->columns > v->hidden ? s->columns - v->hidden : 0;
}

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

struct view {
	const char *name; /* "text", "json", "csv" */
	/* Before the first row: titles (JSON: nothing). */
	void (*head)(
		struct buf *out, const struct snapshot *s, const struct view_style *v);
	/* Every row of the snapshot, a line each, kind "conn". */
	void (*rows)(
		struct buf *out, const struct snapshot *s, const struct view_style *v);
	/* One line. CSV writes titles when `first`. */
	void (*record)(struct buf *out, const struct record *r,
		const struct view_style *v, bool first);
	bool summary_inline; /* the summary is a line of the output, else of stderr */
};

/* By name; NULL when there is none. The build's list of files is the registry. */
const struct view *view_find(const char *name);

/*
 * One value as text tables and the TUI show it: units visible; absent is "-". Numbers
 * keep to the column's width if they can, text and addresses are whole.
 */
void view_cell(struct buf *out, const struct column *c, const struct value *v,
	const struct view_style *style);

#endif
