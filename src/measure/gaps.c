#include "measure/gaps.h"

#include <string.h>

#include "measure/segment.h"

static struct gap *all(const struct pools *p, const struct loss_holes *h)
{
	return pools_at(p, POOL_HOLES, h->gaps);
}

static void drop(struct gap *gap, struct loss_holes *h, uint32_t i)
{
	h->gaps_used--;
	memmove(&gap[i], &gap[i + 1], (h->gaps_used - i) * sizeof(*gap));
}

void gaps_done(struct pools *p, struct loss_holes *h)
{
	pools_free(p, POOL_HOLES, h->gaps);
	h->gaps = 0;
	h->gaps_used = 0;
}

void gaps_prune(struct pools *p, struct loss_holes *h, uint32_t acked, uint32_t now,
	uint32_t age)
{
	struct gap *gap = all(p, h);

	for (uint32_t i = h->gaps_used; i-- > 0;)
		if (now - gap[i].at >= age && !segment_after(gap[i].to, acked))
			drop(gap, h, i);
	if (h->gaps_used == 0)
		gaps_done(p, h);
}

static void join(struct gap *last, const struct gap *gap)
{
	if (gap->to - last->from > GAP_MOST) {
		*last = *gap;
		return;
	}
	last->to = gap->to;
	last->missing += gap->missing;
}

bool gaps_open(struct pools *p, struct loss_holes *h, const struct gap *gap)
{
	if (!h->gaps)
		h->gaps = pools_alloc(p, POOL_HOLES);
	if (!h->gaps)
		return false;
	if (h->gaps_used == GAPS_MOST)
		join(&all(p, h)[GAPS_MOST - 1], gap);
	else
		all(p, h)[h->gaps_used++] = *gap;
	return true;
}

/* [at, end), relative to its start, came of a gap of which all is missing. */
static void cut(
	struct gap *gap, struct loss_holes *h, uint32_t i, uint32_t at, uint32_t end)
{
	struct gap *g = &gap[i];
	uint32_t size = g->to - g->from;

	if (at && end < size && h->gaps_used < GAPS_MOST) {
		memmove(g + 1, g, (h->gaps_used - i) * sizeof(*g));
		h->gaps_used++;
		g[1].from += end;
		g[1].missing = size - end;
		end = size;
	}
	if (at && end == size) {
		g->to = g->from + at;
		g->missing = at;
		return;
	}
	g->missing -= end - at;
	if (at == 0)
		g->from += end;
}

/* The same of a gap that holds bytes that came as well. */
static uint32_t thin(struct gap *g, uint32_t at, uint32_t end)
{
	uint32_t taken = end - at < g->missing ? end - at : g->missing;

	g->missing -= taken;
	if (at == 0)
		g->from += end;
	if (g->to - g->from < g->missing)
		g->missing = g->to - g->from;
	return taken;
}

uint32_t gaps_fill(struct pools *p, struct loss_holes *h, uint32_t from, uint32_t to,
	struct gap *first)
{
	struct gap *gap = all(p, h);
	uint32_t filled = 0;

	/* Newest first: what is added or dropped is behind, and was looked at. */
	for (uint32_t i = h->gaps_used; i-- > 0;) {
		int32_t at = (int32_t)(from - gap[i].from);
		int32_t end = (int32_t)(to - gap[i].from);
		int32_t size = (int32_t)(gap[i].to - gap[i].from);

		if (at < 0)
			at = 0;
		if (end > size)
			end = size;
		if (at >= end)
			continue;
		*first = gap[i];
		if (gap[i].missing == (uint32_t)size) {
			filled += (uint32_t)(end - at);
			cut(gap, h, i, (uint32_t)at, (uint32_t)end);
		} else {
			filled += thin(&gap[i], (uint32_t)at, (uint32_t)end);
		}
		if (gap[i].missing == 0)
			drop(gap, h, i);
	}
	if (h->gaps_used == 0)
		gaps_done(p, h);
	return filled;
}
