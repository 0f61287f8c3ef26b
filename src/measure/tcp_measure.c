#include "measure/tcp_measure.h"

void tcp_measure_segment(struct measure *g, struct tcp_measure *m,
	const struct packet *p, unsigned orig, struct segment *s)
{
	unsigned flags = p->tcp_flags;
	uint32_t span = p->payload_len + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);

	*s = (struct segment){.p = p,
		.dir = p->dir,
		.untimed = g->untimed,
		.back = p->ts_ns < m->newest_ns,
		.span = span,
		.end = p->seq + span};
	if (!s->back)
		m->newest_ns = p->ts_ns;
	expert_segment(m, s);
	loss_segment(g, m, s);
	rtt_segment(g, m, s);
	limit_segment(m, s);
	if (p->payload_len || flags & TCP_SYN)
		turns_segment(g, m, s, orig);
}

/* The one at `i`, and what comes next in memory. */
__attribute__((always_inline)) static inline void fetch_notes(
	const struct measure *g, const struct ring *r, uint32_t i, size_t bytes)
{
	if (r->size)
		prefetch_lines(ring_block(g, r, i), bytes);
}

/* Whether a round trip may end with it. */
static bool may_answer(const struct tcp_measure *m, const struct packet *p)
{
	const struct rtt_state *peer = &m->side[!p->dir].rtt;

	return peer->sent.used || (p->payload_len && peer->told.used);
}

void tcp_measure_fetch(
	const struct measure *g, const struct tcp_measure *m, const struct packet *p)
{
	const struct tcp_side *own = &m->side[p->dir], *peer = &m->side[!p->dir];
	const struct tcp_results *r = &m->result[p->dir];

	fetch_notes(g, &peer->rtt.told, 0, 128);
	fetch_notes(g, &own->rtt.told, own->rtt.told.used, 64);
	fetch_notes(g, &peer->rtt.sent, 0, 128);
	if (may_answer(m, p))
		prefetch_lines(&r->rtt, sizeof(r->rtt));
	if (p->payload_len == 0)
		return;
	fetch_notes(g, &own->rtt.sent, own->rtt.sent.used, 64);
	prefetch_lines(&r->limit, LIMIT_HOT_BYTES);
}

void tcp_measure_fetch_figures(const struct tcp_measure *m, const struct packet *p)
{
	if (may_answer(m, p))
		spread_fetch(&m->result[p->dir].rtt.spread);
}

void tcp_measure_rest(struct measure *g, struct tcp_measure *m)
{
	for (unsigned d = 0; d < 2; d++) {
		ring_done(g, &m->side[d].rtt.sent);
		ring_done(g, &m->side[d].rtt.told);
	}
}

void tcp_measure_done(struct measure *g, struct tcp_measure *m)
{
	rtt_done(g, m);
	loss_done(g, m);
	turns_done(g, m);
}

void tcp_measure_seal(struct tcp_measure *out, const struct tcp_measure *m)
{
	*out = *m;
	for (unsigned d = 0; d < 2; d++) {
		out->side[d].rtt.sent = out->side[d].rtt.told = (struct ring){0};
		spread_seal(&out->result[d].rtt.spread, &m->result[d].rtt.spread);
	}
	spread_seal(&out->turns.app, &m->turns.app);
}
