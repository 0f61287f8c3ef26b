/* build_private — what the files of build share. */
#ifndef KONN_MODEL_BUILD_PRIVATE_H
#define KONN_MODEL_BUILD_PRIVATE_H

#include "model/build.h"
#include "model/cell.h"
#include "model/group.h"
#include "model/rank.h"

struct build {
	struct buf block; /* head, places, rows; build_finish adds the arena */
	struct buf arena;
	struct buf scratch; /* of getters */
	struct ranks ranks;
	struct groups groups;
	uint64_t schema;
	unsigned n_columns, rows;
	uint32_t first; /* rank of the first row */
	uint32_t row_bytes;
	size_t rows_at; /* in the block */
	struct cell_place places[QUERY_COLUMNS];
	struct cell_text newest[QUERY_COLUMNS]; /* rows often repeat the text above */
};

/* A row in steps: NULL when memory ran out; then each cell once. */
uint8_t *build_add_row(struct build *b, uint64_t uid);
void build_put(struct build *b, uint8_t *row, unsigned index, const struct value *v);

#endif
