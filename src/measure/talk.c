#include "measure/talk.h"

#include <string.h>

#include "core/packet.h"
#include "measure/dns.h"
#include "measure/echo.h"
#include "measure/measure.h"
#include "measure/quic.h"

#define SMOOTH 8 /* RFC 6298 §2.3 */

void talk_packet(
	struct measure *g, struct talk *t, const struct packet *p, unsigned orig)
{
	if (!t) {
		if (p->kind == PACKET_UDP)
			dns_datagram(g, NULL, p);
		return;
	}
	switch ((enum talk_kind)t->kind) {
	case TALK_QUIC: quic_packet(g, t, p, orig); break;
	case TALK_ICMP: echo_packet(g, t, p); break;
	case TALK_DNS: dns_datagram(g, t, p); break;
	case TALK_NONE: break;
	}
}

static void add(struct measure *g, struct talk_rtt *r, const struct sample *s)
{
	uint32_t us = talk_us(s->rtt_ns);

	if (s->reason) {
		r->ambiguous++;
		return;
	}
	if (!r->samples || s->rtt_ns < r->least_ns)
		r->least_ns = s->rtt_ns;
	if (r->samples)
		r->smooth_us = (uint32_t)(((uint64_t)r->smooth_us * (SMOOTH - 1) + us) /
					  SMOOTH);
	else
		r->smooth_us = us;
	r->samples++;
	spread_add(&r->spread, &g->pools, us);
}

void talk_sample(struct measure *g, struct talk *t, struct sample *s)
{
	struct talk_rtt *r = &t->rtt[s->half == SAMPLE_WHOLE ? 0 : s->half];

	add(g, r, s);
	s->min_ns = r->samples ? r->least_ns : UINT64_MAX;
	measure_sample(g, s);
}

const struct talk_rtt *talk_half(const struct talk *t, unsigned half)
{
	const struct talk_rtt *r = &t->rtt[half];

	return t->kind != TALK_QUIC && (r->samples || r->ambiguous) ? r : NULL;
}

const struct talk_rtt *talk_whole(const struct talk *t)
{
	return t->whole ? &t->rtt[0] : NULL;
}

void *talk_block(struct measure *g, struct talk *t)
{
	void *block;

	if (t->block)
		return pools_at(&g->pools, POOL_RING8, t->block);
	t->block = pools_alloc(&g->pools, POOL_RING8);
	if (!t->block)
		return NULL;
	block = pools_at(&g->pools, POOL_RING8, t->block);
	memset(block, 0, TALK_BLOCK);
	return block;
}

void talk_done(struct measure *g, struct talk *t)
{
	for (unsigned d = 0; d < 2; d++)
		spread_done(&t->rtt[d].spread, &g->pools);
	pools_free(&g->pools, POOL_RING8, t->block);
	t->block = 0;
}

void talk_seal(struct talk *out, const struct talk *t)
{
	*out = *t;
	out->block = 0;
	for (unsigned d = 0; d < 2; d++)
		spread_seal(&out->rtt[d].spread, &t->rtt[d].spread);
}
