/*
 * copies — flows that left the table, or are looked at while it goes on: whole, with
 * what was measured, and bounded.
 */
#ifndef KONN_FLOW_COPIES_H
#define KONN_FLOW_COPIES_H

#include "base/slab.h"
#include "flow/flow.h"
#include "measure/measure.h"

struct copies { /* numbered from 1 on in order of adding */
	struct slab flows, tcp, talk;
};

/* 0 or -ENOMEM. */
int copies_init(struct copies *c, uint64_t memory_bytes);

/* `g` is what the flows were measured with: it must still be there. */
void copies_done(struct copies *c, struct measure *g);

/* False: no room. */
bool copies_add(struct copies *c, const struct flow *f);

static inline const struct flow *copies_at(const struct copies *c, uint32_t number)
{
	return slab_at(&c->flows, number);
}

static inline uint32_t copies_count(const struct copies *c)
{
	return c->flows.used;
}

#endif
