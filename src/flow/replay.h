/* replay — what a small record still knows, measured when it becomes a full flow. */
#ifndef KONN_FLOW_REPLAY_H
#define KONN_FLOW_REPLAY_H

#include "flow/pool.h"

/* `f` is the full flow that `s` became, with an empty f->tcp if it is TCP. */
void replay_small(struct flow_table *t, struct flow *f, const struct small *s);

#endif
