#include "source/conntrack_pace.h"

#define ENTRY_GUESS_NS  2500u /* measured: 2.4 us, accounting and timestamps on */
#define ENTRY_ENOUGH    1000u /* below, walking the empty buckets is what costs */
#define QUIET_FACTOR    20u
#define STALE_CHEAP_NS  600000000u /* 200,000 entries and some more */
#define STALE_FACTOR    3u
#define INTERVAL_MAX_NS (3600u * UINT64_C(1000000000))

void conntrack_pace_spent(struct conntrack_pace *p, uint64_t spent_ns)
{
	p->spent_ns += spent_ns;
}

void conntrack_pace_ended(struct conntrack_pace *p, uint64_t now_ns, uint32_t entries)
{
	p->cost_ns = p->spent_ns ? p->spent_ns : 1;
	if (entries >= ENTRY_ENOUGH)
		p->entry_ns = p->cost_ns / entries + 1;
	p->ended_ns = now_ns;
	p->spent_ns = 0;
}

uint64_t conntrack_pace_cost_ns(const struct conntrack_pace *p, uint32_t entries)
{
	uint64_t by_entries = (p->entry_ns ? p->entry_ns : ENTRY_GUESS_NS) * entries;

	/* The table may have grown since; and a small one still has its buckets. */
	return by_entries > p->cost_ns ? by_entries : p->cost_ns;
}

uint64_t conntrack_pace_due_ns(const struct conntrack_pace *p, uint32_t entries,
	uint64_t interval_ns, bool stale)
{
	uint64_t cost_ns = conntrack_pace_cost_ns(p, entries);
	uint64_t pause_ns;

	if (!p->cost_ns)
		return 0; /* nothing is known: at once */
	if (cost_ns > INTERVAL_MAX_NS / QUIET_FACTOR)
		cost_ns = INTERVAL_MAX_NS / QUIET_FACTOR;
	pause_ns = cost_ns * QUIET_FACTOR;
	if (stale)
		pause_ns = cost_ns <= STALE_CHEAP_NS ? cost_ns : cost_ns * STALE_FACTOR;
	else if (pause_ns < interval_ns)
		pause_ns = interval_ns;
	return p->ended_ns + pause_ns;
}
