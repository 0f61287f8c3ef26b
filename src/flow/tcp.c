#include "flow/tcp.h"

#include "base/rare.h"
#include "flow/history.h"

#define RST_SLACK_BYTES \
	65536u /* a reset may be this far off: segments may not have been seen */

#define ACK_PLAUSIBLE_BYTES \
	(1u << 24) /* past the ISN, for a handshake seen with gaps */

bool tcp_is_reuse(const struct flow *f, const struct packet *p)
{
	const struct flow_side *s = &f->side[p->dir];
	const struct flow_side *o = &f->side[!p->dir];

	if (p->tcp_flags & TCP_RST || p->fragment == 2)
		return false;
	/* The new SYN may have been lost: its answer still is none to the old one. */
	if (p->tcp_flags & TCP_ACK)
		return f->facts & FLOW_CLOSED && s->syn_seen &&
		       f->detail[p->dir].isn != p->seq;
	if (s->syn_seen)
		return f->detail[p->dir].isn != p->seq;
	/* Its SYN was not seen: a SYN that the other side acknowledges is just late. */
	if (o->syn_seen && o->has_ack && o->ack == p->seq + 1)
		return false;
	/* Simultaneous open (RFC 9293 §3.5): both send SYN before anything else. */
	return !o->syn_seen || s->packets ||
	       f->facts & (FLOW_ESTABLISHED | FLOW_SAW_SYNACK);
}

/* A SYN-ACK after all: what an ICMP error said of the attempt was not the end. */
static unsigned note_answer(struct flow *f, struct flow_side *s)
{
	if (s->state == TCP_SYN_SENT) /* both opened, RFC 9293 figure 7 */
		s->state = TCP_SYN_RECEIVED;
	if (!(f->facts & FLOW_REFUSED) || f->side[0].rst_seen || f->side[1].rst_seen)
		return 0;
	f->facts &= ~(uint32_t)(FLOW_REFUSED | FLOW_CLOSED);
	f->closed_ns = 0;
	f->side[f->orig].state = TCP_SYN_SENT;
	f->side[!f->orig].state = TCP_SYN_RECEIVED;
	return TCP_CHANGE_CLASS;
}

static unsigned note_syn(struct flow *f, const struct packet *p)
{
	struct flow_side *s = &f->side[p->dir];
	struct flow_detail *d = &f->detail[p->dir];
	bool ack = p->tcp_flags & TCP_ACK;

	d->syns++;
	if (!s->syn_seen) {
		s->syn_seen = true;
		d->isn = p->seq;
	}
	if (p->has_mss)
		s->mss = p->mss;
	if (p->has_wscale) { /* a repeated SYN without it may be the lost one */
		s->has_wscale = true;
		s->wscale = p->wscale & 15;
	}
	if (ack && f->synack_ns == 0)
		f->synack_ns = p->ts_ns;
	if (!ack && f->syn_ns == 0)
		f->syn_ns = p->ts_ns;
	if (s->state == TCP_STATE_NONE)
		s->state = ack ? TCP_SYN_RECEIVED : TCP_SYN_SENT;
	f->facts |= ack ? FLOW_SAW_SYNACK : FLOW_SAW_SYN;
	history_add(f, p->dir, ack ? HISTORY_SYNACK : HISTORY_SYN);
	if (ack)
		return note_answer(f, s);
	if (!(f->facts & FLOW_MIDSTREAM))
		return 0;
	f->facts &= ~(uint32_t)FLOW_MIDSTREAM; /* it came late, but it came */
	return TCP_CHANGE_CLASS;
}

/* False when it acknowledges nothing that can have been sent so early. */
static bool ack_plausible(const struct flow *f, const struct packet *p)
{
	return !f->side[!p->dir].syn_seen ||
	       p->ack - f->detail[!p->dir].isn - 1 < ACK_PLAUSIBLE_BYTES;
}

/*
 * A segment without SYN or RST shows that its sender's handshake is done; the
 * connection is established when the other side was seen too (else the sender may be
 * anybody).
 */
static unsigned note_established(struct flow *f, const struct packet *p)
{
	const struct flow_side *o = &f->side[!p->dir];

	if (!(p->tcp_flags & TCP_ACK) || !ack_plausible(f, p))
		return 0;
	if (o->packets == 0 && f->side[p->dir].state >= TCP_ESTABLISHED)
		return 0;
	if (f->side[p->dir].state < TCP_ESTABLISHED)
		f->side[p->dir].state = TCP_ESTABLISHED;
	if (o->packets == 0)
		return TCP_CHANGE_CLASS;
	f->facts |= FLOW_ESTABLISHED;
	f->established_ns = p->ts_ns;
	if (f->side[!p->dir].state < TCP_ESTABLISHED)
		f->side[!p->dir].state = TCP_ESTABLISHED;
	return TCP_CHANGE_OPENED;
}

static unsigned note_fin(struct flow *f, const struct packet *p)
{
	struct flow_side *s = &f->side[p->dir];
	bool half_open = s->state < TCP_ESTABLISHED;

	if (p->tcp_flags & TCP_RST)
		return 0;
	f->detail[p->dir].fin_seq = p->seq + tcp_span(p);
	if (s->fin_seen)
		return 0;
	s->fin_seen = true;
	s->state = s->state == TCP_CLOSE_WAIT ? TCP_LAST_ACK : TCP_FIN_WAIT_1;
	return half_open ? TCP_CHANGE_CLASS : 0;
}

/* Side `dir` acknowledged the other side's FIN. */
static void note_fin_acked(struct flow *f, unsigned dir)
{
	struct flow_side *s = &f->side[dir], *o = &f->side[!dir];

	o->fin_acked = true;
	if (o->state == TCP_FIN_WAIT_1)
		o->state = TCP_FIN_WAIT_2;
	else if (o->state == TCP_CLOSING)
		o->state = TCP_TIME_WAIT;
	else if (o->state == TCP_LAST_ACK)
		o->state = TCP_CLOSED;
	if (s->state == TCP_FIN_WAIT_1)
		s->state = TCP_CLOSING;
	else if (s->state == TCP_FIN_WAIT_2)
		s->state = TCP_TIME_WAIT;
	else if (s->state <= TCP_ESTABLISHED)
		s->state = TCP_CLOSE_WAIT;
}

/*
 * RFC 9293 §3.10.7: in SYN-SENT what a reset acknowledges must be the SYN, later it
 * must fit: near to what the other side expects, or to what this one sent last (the
 * acknowledgements may not have been seen).
 */
static bool reset_fits(const struct flow *f, const struct packet *p)
{
	const struct flow_side *s = &f->side[p->dir], *o = &f->side[!p->dir];

	if (o->state == TCP_SYN_SENT && !(f->facts & FLOW_ESTABLISHED))
		return !(p->tcp_flags & TCP_ACK) || p->ack == o->seq_next ||
		       p->ack == f->detail[!p->dir].isn + 1;
	if (s->has_seq && p->seq - s->seq_next + RST_SLACK_BYTES <= 2 * RST_SLACK_BYTES)
		return true;
	return o->has_ack ? p->seq - o->ack + RST_SLACK_BYTES <=
				    2 * RST_SLACK_BYTES + o->window
			  : !s->has_seq;
}

static unsigned note_reset(struct flow *f, const struct packet *p)
{
	bool established = f->facts & (FLOW_ESTABLISHED | FLOW_MIDSTREAM);
	uint64_t packets = f->side[0].packets + f->side[1].packets;

	history_add(f, p->dir, HISTORY_RST);
	if (!reset_fits(f, p))
		return 0;
	f->side[p->dir].rst_seen = true;
	f->side[0].state = f->side[1].state = TCP_CLOSED;
	if (f->facts & FLOW_CLOSED)
		return 0;
	f->facts |= FLOW_CLOSED;
	f->closed_ns = p->ts_ns;
	if (!established && p->dir != f->orig && !(f->facts & FLOW_SAW_SYNACK)) {
		f->facts |= FLOW_REFUSED;
		return TCP_CHANGE_REFUSED;
	}
	if (f->facts & FLOW_MIDSTREAM && packets == p->segments)
		return TCP_CHANGE_CLASS; /* nothing else was seen: of what, is unknown
					  */
	f->facts |= FLOW_RESET;
	return TCP_CHANGE_RESET;
}

/* `class`: what the measuring made of it (enum segment_class). */
static void note_sequence(struct flow *f, const struct packet *p, unsigned class)
{
	struct flow_side *s = &f->side[p->dir];
	uint32_t span = tcp_span(p), end = p->seq + span;

	if (!s->has_seq) {
		s->has_seq = true;
		s->seq_next = end;
		return;
	}
	if (span == 0)
		return;
	if (__builtin_expect(p->seq != s->seq_next, 0)) {
		if (seq_after(p->seq, s->seq_next))
			history_add(f, p->dir, HISTORY_GAP);
		if (!seq_after(end, s->seq_next)) {
			if (p->payload_len && class != SEGMENT_REORDERED &&
				class != SEGMENT_REPAIR)
				history_add(f, p->dir, HISTORY_RETRANSMIT);
			return;
		}
	}
	s->seq_next = end;
}

static void note_ack(struct flow *f, const struct packet *p)
{
	struct flow_side *s = &f->side[p->dir], *o = &f->side[!p->dir];

	if (!(f->facts & FLOW_ESTABLISHED) && !ack_plausible(f, p))
		return;
	if (!s->has_ack || seq_after(p->ack, s->ack)) {
		s->has_ack = true;
		s->ack = p->ack;
	}
	if (o->has_seq && seq_after(p->ack, o->seq_next) &&
		p->ack - o->seq_next < 1u << 30) {
		history_add(f, !p->dir, HISTORY_GAP);
		o->seq_next = p->ack;
	}
	if (o->fin_seen && !o->fin_acked &&
		!seq_after(f->detail[!p->dir].fin_seq, p->ack))
		note_fin_acked(f, p->dir);
}

static uint32_t window_of(const struct flow *f, const struct packet *p)
{
	const struct flow_side *s = &f->side[p->dir];
	bool scaled = s->has_wscale && f->side[!p->dir].has_wscale &&
		      !(p->tcp_flags & TCP_SYN);

	return (uint32_t)p->window << (scaled ? s->wscale : 0);
}

static void note_window(struct flow *f, const struct packet *p)
{
	struct flow_side *s = &f->side[p->dir];

	s->has_window = true;
	s->window = window_of(f, p);
	if (p->window == 0 && !(p->tcp_flags & (TCP_RST | TCP_SYN | TCP_FIN)))
		history_add(f, p->dir, HISTORY_ZERO_WINDOW);
}

static unsigned note_flags(struct flow *f, const struct packet *p)
{
	unsigned change = 0, flags = p->tcp_flags;

	if ((flags & TCP_SYN && flags & (TCP_FIN | TCP_RST)) ||
		(flags & (TCP_FIN | TCP_RST)) == (TCP_FIN | TCP_RST))
		history_add(f, p->dir, HISTORY_INCONSISTENT);
	if (flags & TCP_FIN && !(flags & TCP_RST))
		history_add(f, p->dir, HISTORY_FIN);
	if (flags & TCP_RST)
		change |= note_reset(f, p);
	return change;
}

void tcp_fragment(struct flow *f, const struct packet *p)
{
	struct flow_side *s = &f->side[p->dir];

	if (s->has_seq)
		s->seq_next += p->payload_len;
	if (!f->tcp)
		return;
	expert_fragment(f->tcp, p);
	loss_fragment(f->tcp, p);
}

static RARE unsigned unusual(struct flow *f, const struct packet *p, unsigned class)
{
	struct flow_side *s = &f->side[p->dir];
	unsigned change = 0, flags = p->tcp_flags;

	s->last_flags = p->tcp_flags;
	s->last_seq = p->seq;
	if (flags & TCP_SYN)
		change |= note_syn(f, p);
	if (p->payload_len)
		history_add(f, p->dir, HISTORY_DATA);
	else if (!(flags & (TCP_SYN | TCP_FIN | TCP_RST)))
		history_add(f, p->dir, HISTORY_ACK);
	if (!(flags & (TCP_SYN | TCP_RST)) && !(f->facts & FLOW_ESTABLISHED))
		change |= note_established(f, p);
	if (flags & (TCP_SYN | TCP_FIN | TCP_RST))
		change |= note_flags(f, p);
	if (!(flags & TCP_RST)) {
		note_sequence(f, p, class);
		if (flags & TCP_ACK)
			note_ack(f, p);
	}
	/* After the acknowledgement: a FIN that answers a FIN is the last one. */
	if (flags & TCP_FIN)
		change |= note_fin(f, p);
	note_window(f, p);
	if (s->fin_acked && f->side[!p->dir].fin_acked && !(f->facts & FLOW_CLOSED)) {
		f->facts |= FLOW_CLOSED;
		f->closed_ns = p->ts_ns;
		change |= TCP_CHANGE_CLOSED;
	}
	return change;
}

/*
 * In order, of an established connection, and not the first of its kind: it changes
 * numbers only. Nearly all segments are so.
 */
static bool is_plain(const struct flow *f, const struct packet *p)
{
	const struct flow_side *s = &f->side[p->dir], *o = &f->side[!p->dir];

	return (p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) == TCP_ACK &&
	       f->facts & FLOW_ESTABLISHED && p->window && !o->fin_seen && s->has_seq &&
	       s->has_ack && s->has_window && p->seq == s->seq_next && o->has_seq &&
	       !seq_after(p->ack, o->seq_next) &&
	       s->letters & (p->payload_len ? HISTORY_DATA : HISTORY_ACK);
}

unsigned tcp_update(struct flow *f, const struct packet *p, unsigned class)
{
	struct flow_side *s = &f->side[p->dir];

	if (rarely(!is_plain(f, p)))
		return unusual(f, p, class);
	s->last_flags = p->tcp_flags;
	s->last_seq = p->seq;
	s->seq_next += p->payload_len;
	if (seq_after(p->ack, s->ack))
		s->ack = p->ack;
	s->window = window_of(f, p);
	return 0;
}
