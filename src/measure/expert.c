#include "measure/tcp_measure.h"

#define FAST_NS    20000000u /* a fast retransmission comes so soon after the last ack */
#define REORDER_NS 3000000u  /* what is late by less was overtaken; RTT not known */

#define BIT EXPERT_BIT

struct view { /* of one segment */
	const struct packet *p;
	struct expert_state *own, *peer;
	uint32_t end;
	unsigned flags;
	bool control; /* SYN, FIN or RST */
};

static uint64_t later(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

static unsigned probe(const struct view *v)
{
	const struct packet *p = v->p;

	if (p->payload_len == 1 && p->seq == v->own->next && v->peer->ack &&
		v->peer->window == 0)
		return BIT(ZERO_WINDOW_PROBE);
	return 0;
}

/* Without data, nothing new acknowledged. */
static unsigned same_ack(const struct view *v)
{
	const struct packet *p = v->p;

	if (p->payload_len || v->control || p->seq != v->own->next ||
		p->ack != v->own->ack)
		return 0;
	if (p->window == 0)
		return v->own->window == 0 && v->peer->was_probe
			       ? BIT(ZERO_WINDOW_PROBE_ACK)
			       : 0;
	if (p->window != v->own->window)
		return BIT(WINDOW_UPDATE);
	return v->peer->was_keep_alive ? BIT(KEEP_ALIVE_ACK) : BIT(DUP_ACK);
}

static unsigned keep_alive(const struct view *v)
{
	return v->p->payload_len <= 1 && !v->control && v->own->next &&
			       v->p->seq == v->own->next - 1
		       ? BIT(KEEP_ALIVE)
		       : 0;
}

static unsigned window_full(const struct view *v)
{
	const struct expert_state *o = v->peer;

	if (v->p->payload_len == 0 || v->control || !o->has_scale)
		return 0;
	return v->end == o->ack + ((uint32_t)o->window << o->scale) ? BIT(WINDOW_FULL)
								    : 0;
}

static uint64_t reorder_ns(const struct expert_state *s)
{
	return s->has_rtt ? s->syn_ns : REORDER_NS;
}

/* Sequence numbers that should have come before. */
static unsigned repeated(const struct view *v)
{
	const struct packet *p = v->p;

	if (p->payload_len && v->peer->ack && !segment_after(v->end, v->peer->ack))
		return BIT(SPURIOUS) | BIT(RETRANSMISSION);
	if (v->peer->dup_acks >= 2 && v->peer->ack == p->seq &&
		later(p->ts_ns, v->peer->ack_ns) < FAST_NS)
		return BIT(FAST) | BIT(RETRANSMISSION);
	if (later(p->ts_ns, v->own->next_ns) < reorder_ns(v->own) &&
		v->end != v->own->next)
		return BIT(OUT_OF_ORDER);
	return BIT(RETRANSMISSION);
}

static unsigned judge(const struct view *v)
{
	const struct packet *p = v->p;
	unsigned bits = probe(v);

	if (!bits) {
		if (p->window == 0 && !v->control)
			bits |= BIT(ZERO_WINDOW);
		if (v->own->next && segment_after(p->seq, v->own->next) &&
			!(v->flags & TCP_RST))
			bits |= BIT(LOST_SEGMENT);
		bits |= keep_alive(v) | same_ack(v) | window_full(v);
	}
	if (v->flags & TCP_ACK && v->peer->whole &&
		segment_after(p->ack, v->peer->whole))
		bits |= BIT(ACKED_LOST);
	if (v->end != p->seq && v->own->next && segment_after(v->own->next, p->seq) &&
		!(bits & BIT(KEEP_ALIVE)))
		bits |= repeated(v);
	return bits;
}

static void handshake(const struct view *v)
{
	struct expert_state *o = v->own;
	const struct packet *p = v->p;

	if (v->flags & TCP_SYN) {
		o->has_scale = true;
		o->scale = p->has_wscale ? p->wscale & 15 : 0;
		if (!(v->flags & TCP_ACK))
			o->syn_ns = p->ts_ns;
		return;
	}
	if (!o->has_rtt && o->syn_ns && v->flags & TCP_ACK) {
		o->syn_ns = v->peer->syn_ns = later(p->ts_ns, o->syn_ns);
		o->has_rtt = v->peer->has_rtt = true;
	}
}

static void learn(const struct view *v, unsigned bits)
{
	const struct packet *p = v->p;
	struct expert_state *o = v->own;

	if (bits & BIT(ACKED_LOST))
		v->peer->whole = p->ack;
	if (!(bits & BIT(ZERO_WINDOW_PROBE))) {
		if (p->seq == o->whole || !o->whole)
			o->whole = v->end;
		if (!o->next || segment_after(v->end, o->next)) {
			o->next = v->end;
			o->next_ns = p->ts_ns;
		}
	}
	if (bits & BIT(DUP_ACK)) {
		if (o->dup_acks < UINT8_MAX)
			o->dup_acks++;
	} else if (p->ack != o->ack) {
		o->dup_acks = 0;
	}
	o->window = p->window;
	o->ack = p->ack;
	o->ack_ns = p->ts_ns;
	o->was_probe = bits & BIT(ZERO_WINDOW_PROBE);
	o->was_keep_alive = bits & BIT(KEEP_ALIVE);
}

static void count(struct expert_counts *c, unsigned bits)
{
	for (; bits; bits &= bits - 1) {
		uint32_t *n = &c->count[__builtin_ctz(bits)];

		if (*n < UINT32_MAX)
			++*n;
	}
}

void expert_segment(struct tcp_measure *m, struct segment *s)
{
	const struct packet *p = s->p;
	struct view v = {
		.p = p,
		.own = &m->side[s->dir].expert,
		.peer = &m->side[!s->dir].expert,
		.end = s->end,
		.flags = p->tcp_flags,
		.control = p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST),
	};

	s->expert = judge(&v);
	s->dup_ack = s->expert & BIT(DUP_ACK);
	handshake(&v);
	learn(&v, s->expert);
	if (__builtin_expect(s->expert != 0, 0))
		count(&m->result[s->dir].expert, s->expert);
}

void expert_reused(struct tcp_measure *m, unsigned dir)
{
	count(&m->result[dir].expert, BIT(REUSED_PORTS));
}
