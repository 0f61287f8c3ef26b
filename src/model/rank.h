/* rank — keys of rows, ordered and selected without sorting what is not shown. */
#ifndef KONN_MODEL_RANK_H
#define KONN_MODEL_RANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/column.h"

struct rank {
	uint64_t key;    /* number, or the first 8 bytes of what is longer */
	uint64_t handle; /* of the row */
	uint64_t tie;    /* equal ones keep this order, in reverse too */
	uint32_t rest;   /* offset of the other bytes in ranks.rest */
	uint32_t len; /* bytes of the whole key; RANK_ABSENT: comes last, in reverse too
		       */
};

#define RANK_ABSENT UINT32_MAX

struct ranks {
	struct rank *all; /* owned; a heap (the last one first) once `most` are there */
	size_t count, cap;
	size_t most; /* only so many of the first are kept */
	struct buf rest;
	bool reverse, oom;
};

/* A zeroed struct is empty. */
void ranks_done(struct ranks *r);
void ranks_reset(struct ranks *r, size_t most, bool reverse);

/* Adds a row by its sort value, of a column's type. */
void ranks_add(struct ranks *r, enum type type, const struct value *v, uint64_t handle,
	uint64_t tie);

/* How many come before number `index`; all must have been kept. */
size_t ranks_before(const struct ranks *r, size_t index);

/* Keeps the first `most` (at least 1) and sorts them; all[0…count) are in order then.
 */
void ranks_finish(struct ranks *r, size_t most);

#endif
