/* history — Zeek's letters for what each side did first, and the conn_state that
 * follows. */
#ifndef KONN_FLOW_HISTORY_H
#define KONN_FLOW_HISTORY_H

#include "flow/flow.h"

enum history_letter { /* bits of flow_side.letters; upper case for orig, lower for resp
		       */
	HISTORY_SYN = 1 << 0,         /* S */
	HISTORY_SYNACK = 1 << 1,      /* H */
	HISTORY_ACK = 1 << 2,         /* A: pure ACK */
	HISTORY_DATA = 1 << 3,        /* D */
	HISTORY_FIN = 1 << 4,         /* F */
	HISTORY_RST = 1 << 5,         /* R */
	HISTORY_RETRANSMIT = 1 << 6,  /* T */
	HISTORY_ZERO_WINDOW = 1 << 7, /* W */
	HISTORY_GAP = 1 << 8,         /* G */
	HISTORY_INCONSISTENT = 1
			       << 9, /* I: FIN and RST, or SYN and FIN, in one packet */
	HISTORY_FLIPPED = 1 << 10,   /* ^: orientation was corrected; has no case */
};

/* Notes a letter that direction `dir` does not have yet. */
void history_new(struct flow *f, unsigned dir, enum history_letter letter);

/* Notes a letter of direction `dir` once; asked for each packet. */
static inline void history_add(struct flow *f, unsigned dir, enum history_letter letter)
{
	if (__builtin_expect(!(f->side[dir].letters & letter), 0))
		history_new(f, dir, letter);
}

#endif
