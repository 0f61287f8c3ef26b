/*
 * snapshot — the answer to a query: one contiguous block without pointers.
 *
 *   head | column numbers | rows (uid, presence words, cells) | string arena
 *
 * The same bytes can be drawn, sent over a socket or kept. Only rows and columns that
 * were asked for are inside. A block must lie at an address that is a multiple of 8.
 */
#ifndef KONN_MODEL_SNAPSHOT_H
#define KONN_MODEL_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/column.h"

#define SNAPSHOT_MAGIC   0x6e6e6f6bu /* "konn" */
#define SNAPSHOT_VERSION 1

/* Of everything that the engine holds, whatever the query's filter. Rates in bits a
 * second. */
struct totals {
	uint64_t now_ns;
	uint64_t rows, matched; /* connections; of those, passed by the filter */
	uint64_t by_state[TCP_STATE_COUNT]; /* TCP rows by the orig side's state */
	uint64_t udp, icmp, other;          /* rows that are not TCP */
	uint64_t in_bps, out_bps; /* wire bits; relative to home, see has_direction */
	uint64_t all_bps, all_pps;
	uint64_t closed_last_minute;
	uint8_t has_direction; /* in_bps and out_bps are known */
	uint8_t ended;         /* a file was read to its end */
	uint8_t pad[6];
	struct counters counters;
};

struct snapshot {
	uint32_t magic, version;
	uint64_t length; /* bytes of the whole block */
	uint64_t schema; /* column_schema() of who made it: numbers mean the same
			    columns */
	uint32_t rows, columns;
	uint32_t first; /* rank of the first row among the matched ones */
	uint32_t row_bytes;
	uint64_t columns_at, rows_at, arena_at; /* offsets from the block's start */
	struct totals totals;
};

const struct column *snapshot_column(const struct snapshot *s, unsigned column);
uint64_t snapshot_uid(const struct snapshot *s, unsigned row);

/* The cell; `present` false when absent. Strings point into the block. */
struct value snapshot_cell(const struct snapshot *s, unsigned row, unsigned column);

/*
 * Checks a block that came from outside: magic, version, schema, every offset inside
 * `length`, no control bytes in the texts.
 */
bool snapshot_valid(const void *block, size_t length);

#endif
