#include "core/counters.h"

#include <assert.h>

static const char *const evict_names[EVICT_COUNT] = {
	[EVICT_NONE] = "none",
	[EVICT_CLOSED] = "closed",
	[EVICT_EXPIRED] = "expired",
	[EVICT_HALF_OPEN] = "half_open",
	[EVICT_ONE_WAY] = "one_way",
	[EVICT_IDLE] = "idle",
	[EVICT_ACTIVE] = "active",
};

const char *evict_name(enum evict_class class)
{
	assert(class < EVICT_COUNT);
	return evict_names[class];
}

static void count_unsupported(struct counters *c, uint16_t linktype)
{
	unsigned i;

	for (i = 0; i < c->unsupported_types; i++)
		if (c->unsupported[i].linktype == linktype)
			break;
	if (i == c->unsupported_types) {
		if (i == COUNTERS_LINKTYPES)
			i--;
		else
			c->unsupported_types++;
		c->unsupported[i].linktype = i == COUNTERS_LINKTYPES - 1 ? UINT16_MAX
									 : linktype;
	}
	c->unsupported[i].packets++;
}

/* Any bucket but that of what is parsed and no stray fragment. */
static void count_odd(struct counters *c, const struct packet *p)
{
	switch ((enum outcome)p->outcome) {
	case OUTCOME_PARSED: c->fragments_unmatched++; return;
	case OUTCOME_MALFORMED: c->malformed[p->malformed]++; break;
	case OUTCOME_UNSUPPORTED: count_unsupported(c, p->linktype); break;
	case OUTCOME_FILTERED: c->filtered++; break;
	}
	c->parsed--;
}

void counters_batch(struct counters *c, const struct packet *packets, unsigned count)
{
	uint64_t bytes = 0, truncated = 0, first_ns = c->first_ns, last_ns = c->last_ns;

	c->packets += count;
	c->parsed += count;
	for (unsigned i = 0; i < count; i++) {
		const struct packet *p = &packets[i];

		bytes += p->wire_bytes;
		truncated += p->cut;
		if (p->ts_ns <= first_ns - 1) /* 0: none yet */
			first_ns = p->ts_ns;
		if (p->ts_ns > last_ns)
			last_ns = p->ts_ns;
		if (__builtin_expect(packet_is_odd(p), 0))
			count_odd(c, p);
	}
	c->bytes += bytes;
	c->truncated += truncated;
	c->first_ns = first_ns;
	c->last_ns = last_ns;
}
