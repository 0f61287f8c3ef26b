#include "measure/resent.h"

#include <string.h>

#include "measure/segment.h"

#define BURST_NS 100000 /* sent again together: one entry */

static struct resent *all(const struct pools *p, const struct loss_holes *h)
{
	return pools_at(p, POOL_HOLES, h->resent);
}

static void drop(struct resent *r, struct loss_holes *h, uint32_t i)
{
	h->resent_used--;
	memmove(&r[i], &r[i + 1], (h->resent_used - i) * sizeof(*r));
}

void resent_done(struct pools *p, struct loss_holes *h)
{
	pools_free(p, POOL_HOLES, h->resent);
	h->resent = 0;
	h->resent_used = 0;
}

void resent_prune(
	struct pools *p, struct loss_holes *h, uint32_t acked, uint64_t before_ns)
{
	struct resent *r = all(p, h);

	for (uint32_t i = h->resent_used; i-- > 0;)
		if (r[i].ns <= before_ns && !segment_after(r[i].to, acked))
			drop(r, h, i);
	if (h->resent_used == 0)
		resent_done(p, h);
}

bool resent_between(const struct pools *p, const struct loss_holes *h, uint64_t from_ns,
	uint64_t to_ns)
{
	const struct resent *r = all(p, h);

	for (uint32_t i = 0; i < h->resent_used; i++)
		if (r[i].ns >= from_ns && r[i].ns <= to_ns)
			return true;
	return false;
}

static bool join(struct resent *last, const struct resent *r)
{
	if (last->to != r->from || last->kind != r->kind ||
		last->has_tsval != r->has_tsval || r->ns - last->ns > BURST_NS ||
		last->segments + r->segments > UINT16_MAX)
		return false;
	last->to = r->to;
	last->segments = (uint16_t)(last->segments + r->segments);
	return true;
}

void resent_add(struct pools *p, struct loss_holes *h, const struct resent *r)
{
	struct resent *at;

	if (!h->resent)
		h->resent = pools_alloc(p, POOL_HOLES);
	if (!h->resent)
		return;
	at = all(p, h);
	if (h->resent_used && join(&at[h->resent_used - 1], r))
		return;
	if (h->resent_used == RESENT_MOST)
		drop(at, h, 0);
	at[h->resent_used++] = *r;
}

static bool too_early(const struct resent *r, const struct resent_ack *ack)
{
	if (ack->now_ns - r->ns < ack->soon_ns)
		return true;
	/* Eifel: the answer to the lowest segment echoes what made it (RFC 3522 §3.2)
	 */
	return ack->has_tsecr && r->has_tsval && !segment_after(r->from, ack->from) &&
	       segment_after(r->tsval, ack->tsecr);
}

void resent_acked(struct pools *p, struct loss_holes *h, const struct resent_ack *ack,
	uint32_t *needless)
{
	struct resent *r = all(p, h);

	for (uint32_t i = 0; i < h->resent_used; i++) {
		if (r[i].kind != RESENT_AFTER || segment_after(r[i].to, ack->to) ||
			!segment_after(r[i].to, ack->from) || !too_early(&r[i], ack))
			continue;
		*needless += r[i].segments;
		r[i].kind = RESENT_SETTLED;
	}
}

/* Takes [from, to), part of the entry, out of it. */
static void take(struct resent *all, struct loss_holes *h, uint32_t i, uint32_t from,
	uint32_t to)
{
	struct resent *r = &all[i];

	if (from == r->from)
		r->from = to;
	else
		r->to = from; /* what is behind a middle part is forgotten */
	if (r->from == r->to || r->segments == 0)
		drop(all, h, i);
}

void resent_twice(struct pools *p, struct loss_holes *h, uint32_t from, uint32_t to,
	uint32_t *needless)
{
	struct resent *r = all(p, h);

	for (uint32_t i = h->resent_used; i-- > 0 && from != to;) {
		uint32_t a = segment_after(r[i].from, from) ? r[i].from : from;
		uint32_t b = segment_after(r[i].to, to) ? to : r[i].to;
		uint32_t size = r[i].to - r[i].from, n;

		if (!segment_after(b, a) || r[i].kind == RESENT_BEFORE)
			continue;
		n = (uint32_t)(((uint64_t)(b - a) * r[i].segments + size - 1) / size);
		*needless += r[i].kind == RESENT_AFTER ? n : 0;
		r[i].segments = (uint16_t)(r[i].segments - n);
		take(r, h, i, a, b);
		if (a == from)
			from = b;
		else
			to = a;
	}
}

bool resent_overtook(struct pools *p, struct loss_holes *h, const struct resent *late,
	uint32_t *needless)
{
	struct resent *r = all(p, h);

	for (uint32_t i = h->resent_used; i-- > 0;) {
		if (!segment_after(late->to, r[i].from) ||
			!segment_after(r[i].to, late->from) || !r[i].has_tsval)
			continue;
		if (!late->has_tsval || !segment_after(r[i].tsval, late->tsval))
			return false;
		if (r[i].kind == RESENT_BEFORE) {
			*needless += r[i].segments;
			r[i].kind = RESENT_SETTLED;
		}
		return true;
	}
	return false;
}
