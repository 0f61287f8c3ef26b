#include "model/traffic.h"

#define SECOND_NS 1000000000ull

static bool at_home(const struct home *home, const struct packet *p, unsigned side)
{
	return home_has(home, &p->key.addr[side], p->key.family);
}

/* Into the machine or the home networks, out of them, or neither (local, passing by).
 */
static void count_direction(
	struct traffic *t, const struct home *home, const struct packet *p)
{
	bool src, dst;

	if (p->outcome != OUTCOME_PARSED || p->kind < PACKET_TCP)
		return;
	src = at_home(home, p, p->dir);
	dst = at_home(home, p, !p->dir);
	if (src && !dst)
		t->out_bytes += p->wire_bytes;
	else if (dst && !src)
		t->in_bytes += p->wire_bytes;
	/* Where everything is local or passes by, the sum says more. */
	t->has_direction |= src != dst;
}

static __attribute__((noinline)) void roll_traffic(struct traffic *t, uint64_t now_ns)
{
	uint32_t second = (uint32_t)(now_ns / SECOND_NS);

	t->second_ns = now_ns / SECOND_NS * SECOND_NS;
	if (second <= t->second)
		return;
	rate_roll(&t->all, second, t->all_bytes, t->packets);
	rate_roll(&t->in, second, t->in_bytes, 0);
	rate_roll(&t->out, second, t->out_bytes, 0);
	t->second = second;
}

void traffic_count(struct traffic *t, const struct home *home,
	const struct packet *packets, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct packet *p = &packets[i];

		if (p->copy)
			continue;
		if (__builtin_expect(p->ts_ns - t->second_ns >= SECOND_NS, 0))
			roll_traffic(t, p->ts_ns);
		t->all_bytes += p->wire_bytes;
		t->packets += p->segments;
		if (home)
			count_direction(t, home, p);
	}
}

void traffic_rates(const struct traffic *t, uint64_t now_ns, struct totals *out)
{
	out->all_bps = 8 * rate_per_second(&t->all, t->all_bytes, now_ns, RATE_1S);
	out->in_bps = 8 * rate_per_second(&t->in, t->in_bytes, now_ns, RATE_1S);
	out->out_bps = 8 * rate_per_second(&t->out, t->out_bytes, now_ns, RATE_1S);
	out->all_pps = rate_packets_per_second(&t->all, t->packets, now_ns);
	out->has_direction = t->has_direction;
}
