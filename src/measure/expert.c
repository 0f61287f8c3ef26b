#include "base/rare.h"
#include "measure/tcp_measure.h"

/*
 * The rules are those that tshark 4.0 was found to follow, by its manual and by random
 * conversations of which each packet's flags were compared
 * (tests/cases/test_experts.py). Where it keeps a list of segments, konn has a
 * threshold: so "out of order" and "retransmission" may be the other one here, their
 * sum is the same.
 */

#define FAST_NS    20000000u /* a fast retransmission comes so soon after the last ack */
#define REORDER_NS 3000000u  /* what is late by less was overtaken; RTT not known */

#define BIT EXPERT_BIT

enum scale { /* of a window */
	SCALE_UNKNOWN,
	SCALE_KNOWN,                   /* and the shift added */
	SCALE_NONE = 32 + SCALE_KNOWN, /* the lower five bits say: a shift of 0 */
};

enum was { /* what a side's last segment was */
	WAS_SYN = 1 << 0,
	WAS_PROBE = 1 << 1,
	WAS_KEEP_ALIVE = 1 << 2,
};

struct view { /* of one segment */
	const struct packet *p;
	struct expert_state *own, *peer;
	uint64_t *own_syn_ns, *peer_syn_ns; /* tcp_measure.syn_ns */
	uint32_t end;
	unsigned flags;
	bool control; /* SYN, FIN or RST */
};

static uint64_t later(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

/* One byte into a closed window. It moves nothing: the next data has its number. */
static unsigned probe(const struct view *v)
{
	const struct packet *p = v->p;

	if (p->payload_len == 1 && p->seq == v->own->next && v->peer->seen &&
		v->peer->window == 0)
		return BIT(ZERO_WINDOW_PROBE);
	return 0;
}

/* A bare acknowledgement that acknowledges nothing new. */
static unsigned same_ack(const struct view *v)
{
	const struct packet *p = v->p;

	if (p->payload_len || v->control || p->seq != v->own->next ||
		p->ack != v->own->ack)
		return 0;
	if (p->window == 0)
		return v->own->window == 0 && v->peer->was & WAS_PROBE
			       ? BIT(ZERO_WINDOW_PROBE_ACK)
			       : 0;
	if (p->window != v->own->window)
		return BIT(WINDOW_UPDATE);
	return v->peer->was & WAS_KEEP_ALIVE ? BIT(KEEP_ALIVE_ACK) : BIT(DUP_ACK);
}

/* It wants an answer, so it repeats a number (RFC 1122 §4.2.3.6). */
static unsigned keep_alive(const struct view *v)
{
	return v->p->payload_len <= 1 && !v->control && v->p->seq == v->own->next - 1
		       ? BIT(KEEP_ALIVE)
		       : 0;
}

/*
 * The end of the window that it offered last; its scale is known or none. RFC 7323
 * §2.2: SYNs are not scaled.
 */
static uint32_t edge(const struct expert_state *o)
{
	unsigned shift = o->was & WAS_SYN ? 0 : (o->scale & 31u) - SCALE_KNOWN;

	return o->ack + ((uint32_t)o->window << shift);
}

static unsigned window_full(const struct view *v)
{
	const struct expert_state *o = v->peer;

	if (v->p->payload_len == 0 || v->control || o->scale == SCALE_UNKNOWN)
		return 0;
	return v->end == edge(o) ? BIT(WINDOW_FULL) : 0;
}

static uint64_t reorder_ns(const struct view *v)
{
	return v->own->has_rtt ? *v->own_syn_ns : REORDER_NS;
}

/* Sequence numbers that were sent before, or should have been. */
static unsigned again(const struct view *v)
{
	const struct packet *p = v->p;

	if (v->peer->dup_acks >= 2 && v->peer->ack == p->seq &&
		later(p->ts_ns, v->peer->ack_ns) < FAST_NS)
		return BIT(FAST) | BIT(RETRANSMISSION);
	if (later(p->ts_ns, v->own->next_ns) < reorder_ns(v) && v->end != v->own->next)
		return BIT(OUT_OF_ORDER);
	return BIT(RETRANSMISSION);
}

/*
 * Each gap is told once. Where none is known to be open it is told only when the other
 * side has not repeated an acknowledgement since its last new one; and then it counts
 * as if it had, for fast retransmissions too (so measured).
 */
static unsigned acked_lost(const struct view *v)
{
	struct expert_state *o = v->peer;

	if (!(v->flags & TCP_ACK) || !o->whole || !segment_after(v->p->ack, o->whole))
		return 0;
	if (o->whole == o->next) {
		bool told = o->dup_acks;

		o->dup_acks = 2;
		return told ? 0 : BIT(ACKED_LOST);
	}
	o->whole = o->next;
	return BIT(ACKED_LOST);
}

static unsigned lost_segment(const struct view *v)
{
	return v->own->next && !(v->flags & TCP_RST) &&
			       segment_after(v->p->seq, v->own->next)
		       ? BIT(LOST_SEGMENT)
		       : 0;
}

static unsigned repeated(const struct view *v)
{
	const struct packet *p = v->p;
	const struct expert_state *o = v->own;

	if (v->end == p->seq)
		return 0;
	if (p->payload_len && v->peer->ack &&
		!segment_after(p->seq + p->payload_len, v->peer->ack))
		return BIT(SPURIOUS) | BIT(RETRANSMISSION);
	if (!o->next || !segment_after(o->next, p->seq))
		return 0;
	/* What begins in the byte of a keep-alive or probe, and goes on, is new. */
	return p->seq == o->next - 1 && p->payload_len > 1 ? 0 : again(v);
}

static unsigned judge(const struct view *v)
{
	unsigned bits = probe(v);

	if (!bits) {
		if (v->p->window == 0 && !v->control)
			bits |= BIT(ZERO_WINDOW);
		bits |= lost_segment(v) | keep_alive(v) | same_ack(v) | window_full(v);
	}
	bits |= acked_lost(v); /* before the next one: it looks at dup_acks */
	return bits & BIT(KEEP_ALIVE) ? bits : bits | repeated(v);
}

/* RFC 7323 §2.2: without the option in both SYNs neither side scales. */
static void note_scale(const struct view *v)
{
	struct expert_state *o = v->own;

	if (v->p->has_wscale) {
		if (o->scale != SCALE_NONE)
			o->scale = SCALE_KNOWN + (v->p->wscale & 15);
	} else if (o->scale == SCALE_UNKNOWN) {
		o->scale = v->peer->scale = SCALE_NONE;
	}
}

static void handshake(const struct view *v)
{
	struct expert_state *o = v->own;
	const struct packet *p = v->p;

	if (v->flags & TCP_SYN) {
		note_scale(v);
		if (!(v->flags & TCP_ACK) && !o->has_rtt)
			*v->own_syn_ns = p->ts_ns;
		return;
	}
	if (!o->has_rtt && *v->own_syn_ns && v->flags & TCP_ACK) {
		*v->own_syn_ns = *v->peer_syn_ns = later(p->ts_ns, *v->own_syn_ns);
		o->has_rtt = v->peer->has_rtt = true;
	}
}

static void set_first(struct expert_state *s, uint32_t first)
{
	if (s->has_first)
		return;
	s->has_first = true;
	s->first = first;
}

/*
 * A SYN with a number that is not the connection's own starts another one; a SYN-ACK is
 * told, and changes nothing.
 */
static unsigned reused(struct view *v)
{
	const struct packet *p = v->p;

	if (!(v->flags & TCP_SYN) || !v->own->has_first || p->seq == v->own->first)
		return 0;
	if (!(v->flags & TCP_ACK)) {
		*v->own = (struct expert_state){0};
		*v->peer = (struct expert_state){0};
		*v->own_syn_ns = *v->peer_syn_ns = 0;
	}
	v->own->first = p->seq;
	return BIT(REUSED_PORTS);
}

static void note_first(struct view *v)
{
	const struct packet *p = v->p;

	set_first(v->own, p->seq - !(v->flags & TCP_SYN));
	if (v->flags & TCP_ACK)
		set_first(v->peer, p->ack - 1);
}

static void advance(struct expert_state *o, const struct view *v)
{
	bool follows = v->p->seq == o->whole || !o->whole;

	if (!o->next || segment_after(v->end, o->next)) {
		o->next = v->end;
		o->next_ns = v->p->ts_ns;
	}
	if (follows)
		o->whole = o->next;
}

static void learn(const struct view *v, unsigned bits)
{
	const struct packet *p = v->p;
	struct expert_state *o = v->own;

	if (!(bits & BIT(ZERO_WINDOW_PROBE)))
		advance(o, v);
	if (bits & BIT(DUP_ACK)) {
		if (o->dup_acks < UINT8_MAX)
			o->dup_acks++;
	} else if (p->ack != o->ack) {
		o->dup_acks = 0;
	}
	o->seen = true;
	o->window = p->window;
	o->ack = p->ack;
	o->ack_ns = p->ts_ns;
	o->was = (v->flags & TCP_SYN ? WAS_SYN : 0) |
		 (bits & BIT(ZERO_WINDOW_PROBE) ? WAS_PROBE : 0) |
		 (bits & BIT(KEEP_ALIVE) ? WAS_KEEP_ALIVE : 0);
	o->settled = o->has_first && (o->has_rtt || !*v->own_syn_ns);
}

static void count(struct expert_counts *c, unsigned bits)
{
	for (; bits; bits &= bits - 1) {
		uint32_t *n = &c->count[__builtin_ctz(bits)];

		if (*n < UINT32_MAX)
			++*n;
	}
}

static RARE void unusual(struct tcp_measure *m, struct segment *s)
{
	const struct packet *p = s->p;
	struct view v = {
		.p = p,
		.own = &m->side[s->dir].expert,
		.peer = &m->side[!s->dir].expert,
		.own_syn_ns = &m->syn_ns[s->dir],
		.peer_syn_ns = &m->syn_ns[!s->dir],
		.end = s->end,
		.flags = p->tcp_flags,
		.control = p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST),
	};

	s->expert = reused(&v);
	if (!v.own->has_first || !v.peer->has_first)
		note_first(&v);
	s->expert |= judge(&v);
	s->dup_ack = s->expert & BIT(DUP_ACK);
	handshake(&v);
	learn(&v, s->expert);
	if (s->expert)
		count(&m->result[s->dir].expert, s->expert);
}

/*
 * In order, of a connection that is under way: nothing of it is told. Nearly all are
 * so; the rules above would say the same.
 */
static inline bool is_plain(const struct expert_state *own,
	const struct expert_state *peer, const struct segment *s)
{
	const struct packet *p = s->p;

	if ((p->tcp_flags & ~TCP_PSH) != TCP_ACK || !own->settled || !peer->settled ||
		peer->was)
		return false;
	if (p->seq != own->next || own->next != own->whole || !own->next ||
		!p->window || !peer->whole || segment_after(p->ack, peer->whole))
		return false;
	if (p->payload_len == 0)
		return p->ack != own->ack;
	return p->payload_len > 1 && segment_after(s->end, peer->ack) &&
	       (peer->scale == SCALE_UNKNOWN || s->end != edge(peer));
}

static inline void learn_plain(struct expert_state *own, const struct segment *s)
{
	const struct packet *p = s->p;

	if (p->payload_len) {
		own->next = own->whole = s->end;
		own->next_ns = p->ts_ns;
	}
	if (p->ack != own->ack)
		own->dup_acks = 0;
	own->window = p->window;
	own->ack = p->ack;
	own->ack_ns = p->ts_ns;
	own->was = 0;
}

void expert_segment(struct tcp_measure *m, struct segment *s)
{
	struct expert_state *own = &m->side[s->dir].expert;

	if (mostly(is_plain(own, &m->side[!s->dir].expert, s)))
		learn_plain(own, s);
	else
		unusual(m, s);
}

void expert_reused(struct tcp_measure *m, unsigned dir)
{
	count(&m->result[dir].expert, BIT(REUSED_PORTS));
}

void expert_fragment(struct tcp_measure *m, const struct packet *p)
{
	struct expert_state *o = &m->side[p->dir].expert;

	if (o->whole && o->whole == o->next)
		o->whole += p->payload_len;
	if (o->next)
		o->next += p->payload_len;
}
