#include "decode/fragments.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS   8192u
#define WAYS      8u
#define RANGES    8u
#define EXPIRE_NS 30000000000u

struct range {
	uint16_t from, to;
};

struct datagram {
	struct fragment_key key;
	uint64_t ts_ns; /* of the fragment that came first */
	struct fragment_flow flow;
	struct range range[RANGES]; /* what came; apart from each other, unordered */
	uint16_t end;               /* valid when has_end */
	uint8_t ranges;
	bool used, has_flow, has_end;
};

struct fragments {
	struct hash_key key;
	uint64_t overlaps;
	struct datagram datagram[BUCKETS][WAYS];
};

_Static_assert(sizeof(struct fragment_key) == 40, "compared as bytes");
_Static_assert(sizeof(struct fragments) <= 16u << 20, "the bound that is promised");

struct fragments *fragments_new(const struct hash_key *key)
{
	/* zero pages: only what fragments touch becomes resident */
	struct fragments *t = calloc(1, sizeof(*t));

	if (t)
		t->key = *key;
	return t;
}

void fragments_free(struct fragments *t)
{
	free(t);
}

uint64_t fragments_overlaps(const struct fragments *t)
{
	return t->overlaps;
}

static bool expired(const struct datagram *g, uint64_t now_ns)
{
	uint64_t age = now_ns > g->ts_ns ? now_ns - g->ts_ns : g->ts_ns - now_ns;

	return age > EXPIRE_NS; /* also when the clock ran back by as much */
}

static bool complete(const struct datagram *g)
{
	return g->has_end && g->ranges == 1 && g->range[0].from == 0 &&
	       g->range[0].to == g->end;
}

static void reset(struct datagram *g, const struct fragment *f)
{
	memset(g, 0, sizeof(*g));
	g->key = f->key;
	g->ts_ns = f->ts_ns;
	g->used = true;
}

/* The datagram of a fragment; a new one takes the place of the oldest of its bucket. */
static struct datagram *datagram_get(struct fragments *t, const struct fragment *f)
{
	uint64_t hash = hash_bytes(&t->key, &f->key, sizeof(f->key));
	struct datagram *bucket = t->datagram[hash % BUCKETS];
	struct datagram *victim = bucket;
	unsigned i;

	for (i = 0; i < WAYS; i++) {
		struct datagram *g = &bucket[i];

		if (g->used && expired(g, f->ts_ns))
			g->used = false;
		if (g->used && memcmp(&g->key, &f->key, sizeof(g->key)) == 0)
			return g;
		if (victim->used && (!g->used || g->ts_ns < victim->ts_ns))
			victim = g;
	}
	reset(victim, f);
	return victim;
}

static bool touches(const struct range *a, const struct range *b)
{
	return a->from <= b->to && b->from <= a->to;
}

static bool overlaps(const struct range *a, const struct range *b)
{
	return a->from < b->to && b->from < a->to;
}

static void range_join(struct range *into, const struct range *other)
{
	if (other->from < into->from)
		into->from = other->from;
	if (other->to > into->to)
		into->to = other->to;
}

/* Adds what a fragment brings, and counts it when some of it was there. */
static void cover(struct fragments *t, struct datagram *g, const struct fragment *f)
{
	struct range r = {(uint16_t)f->from, (uint16_t)f->to};
	bool overlap = false;
	unsigned i = 0;

	while (i < g->ranges) {
		overlap |= overlaps(&g->range[i], &r);
		if (!touches(&g->range[i], &r)) {
			i++;
			continue;
		}
		range_join(&r, &g->range[i]);
		g->range[i] = g->range[--g->ranges];
		i = 0; /* grown: it may touch one that it did not */
	}
	if (g->ranges < RANGES)
		g->range[g->ranges++] = r;
	t->overlaps += overlap;
	if (f->more || g->has_end)
		return;
	g->has_end = true;
	g->end = (uint16_t)f->to;
}

void fragments_first(
	struct fragments *t, const struct fragment *f, const struct fragment_flow *flow)
{
	struct datagram *g = datagram_get(t, f);

	if (complete(g))
		reset(g, f); /* its id is used again */
	cover(t, g, f);
	if (g->has_flow)
		return;
	g->flow = *flow;
	g->has_flow = true;
}

const struct fragment_flow *fragments_later(
	struct fragments *t, const struct fragment *f)
{
	struct datagram *g = datagram_get(t, f);

	cover(t, g, f);
	return g->has_flow ? &g->flow : NULL;
}
