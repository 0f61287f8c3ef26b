/*
 * memo — what several columns of one row are made of: the first getter that needs it
 * leaves it here for the others.
 */
#ifndef KONN_MODEL_MEMO_H
#define KONN_MODEL_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/spread.h"
#include "measure/verdict.h"

enum { /* bits of row_memo.has */
	MEMO_UID = 1 << 0,
	MEMO_DIRECTION = 1 << 1,
	MEMO_VERDICT = 1 << 2,
	MEMO_RTT = 1 << 3, /* of half 0; the next bit: of half 1 */
};

struct row_memo {     /* of one row at one moment; `has` 0: empty */
	unsigned has; /* the others are valid when their bit is set */
	uint64_t uid;
	uint8_t direction; /* enum direction */
	bool limited;      /* there is a verdict */
	struct verdict verdict;
	uint32_t rtt[2][SPREAD_PERCENTS];
};

#endif
