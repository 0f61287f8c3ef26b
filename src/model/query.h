/* query — which connections, in which order, which columns: the question behind every
 * view. */
#ifndef KONN_MODEL_QUERY_H
#define KONN_MODEL_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#define QUERY_COLUMNS 320

struct filter; /* compiled display filter (model/filter.h) */

struct query {
	const struct filter *filter; /* borrowed; NULL: all */
	int sort;                    /* column index; -1: order of creation */
	bool reverse;
	int group;       /* column index; -1: none */
	uint32_t first;  /* rows skipped after sorting */
	uint32_t count;  /* most rows; 0: all */
	uint64_t uid;    /* not 0: only this connection, whatever the filter says */
	uint64_t follow; /* not 0: move `first` so that this uid is inside [first,
			    first+count) */
	uint16_t columns[QUERY_COLUMNS];
	unsigned n_columns;
};

#endif
