/* build — makes snapshots: row by row, or by running a query over a feed.
 */
#ifndef KONN_MODEL_BUILD_H
#define KONN_MODEL_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include "model/query.h"
#include "model/snapshot.h"

struct build; /* buffers, reused from one snapshot to the next */

struct build *build_new(void); /* NULL when there is no memory */
void build_free(struct build *b);

/* ---- rows that are held to be sorted: `list -s` ---- */

/* Starts a snapshot of these columns. */
void build_begin(struct build *b, const uint16_t *columns, unsigned n_columns);
void build_row(struct build *b, const struct row *r, uint64_t uid);
size_t build_bytes(const struct build *b); /* held so far */

/*
 * Puts the rows in order of a column (which must be one of the snapshot's own; absent
 * last; equal ones keep their order).
 */
void build_sort(struct build *b, int column, bool reverse);

/* The finished block, valid until the next build_begin; NULL when memory ran out. */
const struct snapshot *build_finish(struct build *b, const struct totals *totals);

/* ---- queries: `top`, `stat`… ---- */

/* Where a query's rows come from. A handle names a row again within one build_query. */
struct row_feed {
	void *ctx;
	void (*each)(void *ctx, void *state,
		void (*visit)(void *state, const struct row *r, uint64_t uid,
			uint64_t handle));
	void (*get)(void *ctx, uint64_t handle, void *state,
		void (*visit)(void *state, const struct row *r, uint64_t uid,
			uint64_t handle));
};

/*
 * One scan that filters, keeps a sort key and handle of each match and selects the
 * first + count rows (never sorts what is not shown), then copies only those. Groups
 * aggregate during the scan (columns as their AGG_* says; key column, `conns` = how
 * many). *totals is read after the scan, so the feed may count rows as
 * they go by; matched is filled in. Valid until the next call; NULL without memory.
 */
const struct snapshot *build_query(struct build *b, const struct query *q,
	const struct row_feed *feed, const struct totals *totals);

#endif
