#include "measure/cause.h"

#include "measure/tcp_measure.h"

#define MS_NS    1000000ull
#define RTO_NS   (200 * MS_NS) /* least timeout that is in use */
#define PROBE_NS (10 * MS_NS)

void cause_round_trip(const struct tcp_measure *m, uint64_t *smooth, uint64_t *timeout)
{
	uint64_t us = 0, var_us = 0;

	for (unsigned d = 0; d < 2; d++) {
		const struct rtt *r = &m->result[d].rtt;
		uint32_t least;

		if (r->samples) {
			us += m->smooth_us[d];
			var_us += r->var_us;
		} else if (rtt_least_us(&m->side[d].rtt, &least)) {
			us += least;
		}
	}
	*smooth = us * 1000;
	*timeout = (us + 4 * var_us) * 1000;
	if (*timeout < RTO_NS)
		*timeout = RTO_NS;
}

/* Smoothed round trip between here and `dir`; the whole one when it is not known. */
static uint64_t near_ns(const struct tcp_measure *m, unsigned dir, uint64_t whole_ns)
{
	const struct rtt *r = &m->result[dir].rtt;

	return r->samples ? m->smooth_us[dir] * 1000ull : whole_ns;
}

void cause_note(struct tcp_measure *m, struct segment *s, uint32_t n)
{
	struct loss_state *l = &m->side[s->dir].loss;
	const struct loss_holes *h = &m->holes[s->dir];
	struct loss_counts *c = &m->result[s->dir].loss;
	uint64_t now = m->newest_ns, silence = now - l->last_ns;
	uint64_t smooth, timeout, prompt, quiet;
	uint64_t told = (uint64_t)(loss_at(now) - l->told_at) << LOSS_AT_SHIFT;
	bool asked = l->dup_acks >= 2 ||
		     (h->has_sacked && segment_after(h->sacked, s->end));
	bool tail = s->end == l->next;

	if (s->untimed)
		return;
	cause_round_trip(m, &smooth, &timeout);
	prompt = near_ns(m, s->dir, smooth) / 4 * 5 + RTO_NS / 2;
	quiet = told < silence ? told : silence; /* of both sides */
	if (s->p->tcp_flags & TCP_SYN) {
		s->rto = !(s->p->tcp_flags & TCP_ACK) || silence >= RTO_NS;
	} else if (asked && told < prompt) {
		s->fast = true;
	} else if (tail && !asked && !l->probed && quiet >= smooth / 2 * 3 &&
		   quiet >= PROBE_NS) {
		s->tlp = true;
	} else if (silence >= timeout) {
		s->rto = true;
	} else {
		s->fast = asked;
	}
	l->probed |= s->tlp || s->rto;
	c->fast += s->fast ? n : 0;
	c->rto += s->rto;
	c->tlp += s->tlp;
}
