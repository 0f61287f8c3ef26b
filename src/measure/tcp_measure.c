#include "measure/tcp_measure.h"

void tcp_measure_segment(struct measure *g, struct tcp_measure *m,
	const struct packet *p, unsigned orig, struct segment *out)
{
	unsigned flags = p->tcp_flags;
	struct segment s = {.p = p, .dir = p->dir, .untimed = g->untimed};

	s.span = p->payload_len + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
	s.end = p->seq + s.span;
	s.back = p->ts_ns < m->newest_ns;
	if (!s.back)
		m->newest_ns = p->ts_ns;
	expert_segment(m, &s);
	loss_segment(g, m, &s);
	rtt_segment(g, m, &s);
	limit_segment(m, &s);
	turns_segment(g, m, &s, orig);
	*out = s;
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
		out->side[d] = (struct tcp_side){0};
		spread_seal(&out->result[d].rtt.spread, &m->result[d].rtt.spread);
	}
	spread_seal(&out->turns.app, &m->turns.app);
}
