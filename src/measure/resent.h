/* resent — what one side sent again lately, until it is known whether that was needed.
 */
#ifndef KONN_MEASURE_RESENT_H
#define KONN_MEASURE_RESENT_H

#include "measure/loss.h"
#include "measure/pools.h"

#define RESENT_MOST 32

struct resent {
	uint64_t ns;
	uint32_t from, to;
	uint32_t tsval;    /* valid when has_tsval */
	uint16_t segments; /* counted as lost, before or after */
	bool has_tsval;
	uint8_t kind; /* enum resent_kind */
};
_Static_assert(sizeof(struct resent) == 24, "a record of POOL_HOLES holds 32");

enum resent_kind {
	RESENT_AFTER,  /* the first copy came here, too */
	RESENT_BEFORE, /* it did not */
	RESENT_SETTLED /* spurious already: a DSACK is no news */
};

struct resent_ack {               /* what an acknowledgement says of data */
	uint64_t now_ns, soon_ns; /* soon: no answer can come within; 0: not known */
	uint32_t from, to;        /* acknowledged before, now; or a SACK block */
	uint32_t tsecr;           /* valid when has_tsecr; not for SACK blocks */
	bool has_tsecr;
};

/* Without room the oldest one is forgotten, or this one. */
void resent_add(struct pools *p, struct loss_holes *h, const struct resent *r);

/*
 * Settles what was acknowledged too early for an answer, if its first copy came here.
 * These three add up the segments that were needless after all.
 */
void resent_acked(struct pools *p, struct loss_holes *h, const struct resent_ack *ack,
	uint32_t *needless);

/*
 * Settles [from, to), that the receiver got twice: each byte's newest copy. (What was
 * lost before stays so: only one copy of it came here, the network made the other.)
 */
void resent_twice(struct pools *p, struct loss_holes *h, uint32_t from, uint32_t to,
	uint32_t *needless);

/*
 * A copy of [from, to) came that was sent before the newest one of it, by its TSval:
 * true. If it was the first copy, late, then what repaired it is settled.
 */
bool resent_overtook(struct pools *p, struct loss_holes *h, const struct resent *late,
	uint32_t *needless);

/* Whether any was sent in this time. */
bool resent_between(const struct pools *p, const struct loss_holes *h, uint64_t from_ns,
	uint64_t to_ns);

/* Gives up those up to `acked` that were sent before `before_ns`. */
void resent_prune(
	struct pools *p, struct loss_holes *h, uint32_t acked, uint64_t before_ns);

void resent_done(struct pools *p, struct loss_holes *h);

#endif
