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

void counters_packet(struct counters *c, const struct packet *p)
{
	c->packets++;
	c->bytes += p->wire_bytes;
	c->truncated += p->cut;
	if (c->first_ns == 0 || p->ts_ns < c->first_ns)
		c->first_ns = p->ts_ns;
	if (p->ts_ns > c->last_ns)
		c->last_ns = p->ts_ns;
	switch ((enum outcome)p->outcome) {
	case OUTCOME_PARSED:
		c->parsed++;
		c->fragments_unmatched += p->kind == PACKET_FRAGMENT;
		break;
	case OUTCOME_MALFORMED: c->malformed[p->malformed]++; break;
	case OUTCOME_UNSUPPORTED: count_unsupported(c, p->linktype); break;
	case OUTCOME_FILTERED: c->filtered++; break;
	}
}
