/*
 * cell — how a value lies in a row of a snapshot.
 *
 *   row: uid (8) | presence bits (8 for each 64 columns) | cells
 *   cell: number 8; text, list: offset 4, length 4 in the arena; address: 16, family 1,
 * 7 unused
 */
#ifndef KONN_MODEL_CELL_H
#define KONN_MODEL_CELL_H

#include <string.h>

#include "model/column.h"
#include "model/query.h"

struct cell_place { /* of a column, in the snapshot's column table */
	uint16_t column;
	uint16_t at; /* offset in the row */
};

struct cell_text {
	uint32_t at, len; /* in the arena */
};

static inline unsigned cell_bytes(enum type type)
{
	return type == TYPE_ADDR ? 24 : 8;
}

/* Offset of the first cell. */
static inline unsigned cell_first(unsigned columns)
{
	return 8 + (columns + 63) / 64 * 8;
}

_Static_assert(8 + QUERY_COLUMNS / 64 * 8 + QUERY_COLUMNS * 24 <= UINT16_MAX,
	"offsets of cells fit into 16 bits");

static inline void cell_set_present(uint8_t *row, unsigned index)
{
	row[8 + index / 8] |= (uint8_t)(1u << index % 8);
}

static inline struct value cell_read(
	const uint8_t *row, unsigned index, struct cell_place place, const char *arena)
{
	struct value v = {.present = row[8 + index / 8] >> index % 8 & 1};
	struct cell_text text;
	enum type type;

	if (!v.present)
		return v;
	type = column_at(place.column)->type;
	if (type == TYPE_ADDR) {
		memcpy(&v.addr, row + place.at, 16);
		v.family = row[place.at + 16];
	} else if (type_is_text(type)) {
		memcpy(&text, row + place.at, sizeof(text));
		v.str.ptr = arena + text.at;
		v.str.len = text.len;
	} else {
		memcpy(&v.num, row + place.at, 8);
	}
	return v;
}

#endif
