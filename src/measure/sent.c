#include "measure/sent.h"

#include "base/rare.h"
#include "measure/tcp_measure.h"

#define UNSEEN_MOST \
	8 /* kept of a side whose peer says nothing: a capture of one way \
	   */

static bool starts_before(const struct ring_note *note, uint32_t number)
{
	return segment_after(number, note->number - note->extent);
}

static uint32_t payload_of(const struct ring_note *note)
{
	uint32_t flags = !!(note->flags & RING_SYN) + !!(note->flags & RING_FIN);

	return note->extent > flags ? note->extent - flags : 0;
}

static enum sample_kind kind_of(const struct ring_note *note)
{
	if (note->flags & (RING_SYN | RING_FIN))
		return note->flags & RING_SYN ? SAMPLE_handshake : SAMPLE_fin;
	return SAMPLE_seq;
}

/* `latest_ns`: of the covered segments before it. */
static enum sample_reason judge(
	const struct ring_note *note, const struct segment *s, uint64_t latest_ns)
{
	if (note->flags & RING_CLOCK || s->p->ts_ns < note->ns)
		return REASON_clock;
	if (note->flags & RING_PROBE)
		return REASON_probe;
	if (note->flags & RING_AGAIN)
		return REASON_retransmitted;
	if (note->flags & RING_SACKED)
		return REASON_sacked;
	if (latest_ns > note->ns)
		return REASON_reordered;
	return note->number == s->p->ack ? SAMPLE_VALID : REASON_covered;
}

static void tell(struct measure *g, struct tcp_measure *m, const struct segment *s,
	const struct ring_note *note, uint64_t latest_ns)
{
	struct sample sample = {.ts_ns = s->p->ts_ns,
		.bytes = payload_of(note),
		.seq = note->number,
		.kind = (uint8_t)kind_of(note),
		.half = s->dir,
		.reason = (uint8_t)judge(note, s, latest_ns)};

	if (sample.reason != REASON_clock)
		sample.rtt_ns = s->p->ts_ns - note->ns;
	rtt_take(g, m, &sample, sample.kind == SAMPLE_seq);
}

static void tell_echo(struct measure *g, struct tcp_measure *m, const struct segment *s,
	struct ring_note *note)
{
	struct sample sample = {.ts_ns = s->p->ts_ns,
		.bytes = payload_of(note),
		.seq = note->number,
		.tsval = note->tsval,
		.kind = SAMPLE_timestamp,
		.half = s->dir};

	note->flags &= (uint16_t)~RING_STARTS;
	if (note->flags & (RING_UNTIMED | RING_CLOCK | RING_PROBE) ||
		s->p->ts_ns < note->ns)
		return;
	sample.rtt_ns = s->p->ts_ns - note->ns;
	rtt_take(g, m, &sample, !(note->flags & RING_SYN));
}

/* RFC 2018: blocks above the acknowledgement. Each note is marked once. */
static RARE void mark_sacked(struct measure *g, struct ring *r, const struct packet *p)
{
	for (unsigned b = 0; b < p->sacks; b++) {
		uint32_t from = p->sack[b].from, i = ring_find(g, r, p->sack[b].to);

		while (i--) {
			struct ring_note *note = ring_at(g, r, i);

			if (note->flags & RING_SACKED ||
				!segment_after(note->number, from))
				break;
			note->flags |= RING_SACKED;
		}
	}
}

struct cover {
	struct ring_note *last;   /* wholly acknowledged, the newest; NULL: none */
	struct ring_note *echoed; /* its TSval is echoed for the first time; NULL */
	uint64_t latest_ns;       /* when one before `last` was sent */
	uint32_t count;           /* wholly acknowledged */
};

static struct cover covered(
	const struct measure *g, struct ring *r, const struct packet *p)
{
	struct cover c = {0};

	for (; c.count < r->used; c.count++) {
		struct ring_note *note = ring_at(g, r, c.count);

		if (!starts_before(note, p->ack)) {
			/* Another one carried that TSval: the next echo is not the
			 * first. */
			if (p->has_timestamps && note->tsval == p->tsecr)
				note->flags &= (uint16_t)~RING_STARTS;
			break;
		}
		if (note->flags & RING_STARTS && note->tsval == p->tsecr)
			c.echoed = note;
		if (segment_after(note->number, p->ack))
			break;
		/* (before the clock ran back is before, whatever it says) */
		if (c.last && !(c.last->flags & RING_CLOCK) && c.last->ns > c.latest_ns)
			c.latest_ns = c.last->ns;
		c.last = note;
	}
	return c;
}

void sent_acked(struct measure *g, struct tcp_measure *m, const struct segment *s)
{
	struct ring *r = &m->side[!s->dir].rtt.sent;
	const struct packet *p = s->p;
	struct cover c = covered(g, r, p);

	/* A thinned ring does not know whose end it would have been. */
	if (c.last && !s->untimed && !(c.last->flags & RING_UNTIMED) &&
		(c.last->number == p->ack || !r->thinned))
		tell(g, m, s, c.last, c.latest_ns);
	if (c.echoed && p->has_timestamps && !s->untimed)
		tell_echo(g, m, s, c.echoed);
	if (c.count)
		ring_pop(g, r, c.count);
	if (__builtin_expect(p->sacks, 0))
		mark_sacked(g, r, p);
}

static void add_new(struct measure *g, struct tcp_measure *m, const struct segment *s,
	const struct ring_note *note)
{
	struct rtt_state *st = &m->side[s->dir].rtt;
	const struct rtt_state *peer = &m->side[!s->dir].rtt;

	st->sent_end = note->number;
	st->has_sent = true;
	/* Or its acknowledgement was captured before it. */
	if (__builtin_expect(peer->has_ack ? !segment_after(note->number, peer->ack)
					   : st->sent.used >= UNSEEN_MOST,
		    0))
		return;
	ring_push(g, &st->sent, note);
}

/* Behind the highest number: sent again, late, or a repair of what was lost before. */
static void add_old(struct measure *g, struct ring *r, const struct segment *s,
	struct ring_note *made)
{
	uint32_t from = made->number - made->extent;
	bool overlaps = false;
	struct ring_note *note;

	for (uint32_t i = ring_find(g, r, from); i < r->used; i++) {
		note = ring_at(g, r, i);
		if (!starts_before(note, made->number))
			break;
		overlaps = true;
		note->flags |= RING_AGAIN;
		note->flags &= (uint16_t) ~(RING_STARTS | RING_CLOCK);
		note->ns = made->ns;
		if (made->flags & RING_STARTS && note->number == made->number) {
			note->flags |= RING_STARTS;
			note->tsval = made->tsval;
		}
	}
	if (overlaps || s->class == SEGMENT_PROBE)
		return;
	if (s->class == SEGMENT_AGAIN || s->class == SEGMENT_REPAIR)
		made->flags |= RING_AGAIN;
	ring_insert(g, r, made);
}

static void add(struct measure *g, struct tcp_measure *m, const struct segment *s,
	struct ring_note *note)
{
	struct rtt_state *st = &m->side[s->dir].rtt;
	const struct rtt_state *peer = &m->side[!s->dir].rtt;

	if (__builtin_expect(s->class == SEGMENT_PROBE, 0))
		note->flags |= RING_PROBE;
	if (__builtin_expect(!st->has_sent || !segment_after(st->sent_end,
						      note->number - note->extent),
		    1)) {
		add_new(g, m, s, note);
		return;
	}
	/* Keep-alives, and what was acknowledged already. */
	if (peer->has_ack && !segment_after(note->number, peer->ack))
		return;
	add_old(g, &st->sent, s, note);
	if (!segment_after(note->number, st->sent_end))
		return;
	/* Part of it is new. */
	note->extent = note->number - st->sent_end;
	note->flags |= RING_AGAIN;
	add_new(g, m, s, note);
}

static RARE void add_unusual(
	struct measure *g, struct tcp_measure *m, const struct segment *s, bool newer)
{
	const struct packet *p = s->p;
	struct ring_note note = {.ns = p->ts_ns,
		.number = s->end,
		.extent = s->span,
		.tsval = p->tsval,
		.flags = (uint16_t)((p->tcp_flags & TCP_FIN ? RING_FIN : 0) |
				    (newer && !s->untimed ? RING_STARTS : 0) |
				    (s->untimed ? RING_UNTIMED : 0))};

	if (p->tcp_flags & TCP_SYN) {
		struct ring_note syn = note;

		/* RFC 7413: a SYN with data may be acknowledged without it. */
		syn.number = p->seq + 1;
		syn.extent = 1;
		syn.flags = (uint16_t)((note.flags | RING_SYN) & ~RING_FIN);
		add(g, m, s, &syn);
		note.extent--;
		note.flags &= (uint16_t)~RING_STARTS;
	}
	if (note.extent)
		add(g, m, s, &note);
}

void sent_add(
	struct measure *g, struct tcp_measure *m, const struct segment *s, bool newer)
{
	const struct packet *p = s->p;
	struct rtt_state *st = &m->side[s->dir].rtt;
	const struct rtt_state *peer = &m->side[!s->dir].rtt;

	/* The next data, with what it answers known. */
	if (rarely(p->tcp_flags & (TCP_SYN | TCP_FIN) || s->class == SEGMENT_PROBE ||
		    s->untimed || !st->has_sent ||
		    segment_after(st->sent_end, p->seq) || !peer->has_ack ||
		    !segment_after(s->end, peer->ack))) {
		add_unusual(g, m, s, newer);
		return;
	}
	st->sent_end = s->end;
	ring_push(g, &st->sent,
		&(struct ring_note){.ns = p->ts_ns,
			.number = s->end,
			.extent = s->span,
			.tsval = p->tsval,
			.flags = newer ? RING_STARTS : 0});
}
