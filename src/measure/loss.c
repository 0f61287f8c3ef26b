#include "measure/loss.h"

#include "base/rare.h"
#include "core/packet.h"
#include "measure/cause.h"
#include "measure/gaps.h"
#include "measure/resent.h"
#include "measure/tcp_measure.h"

#define MS_NS          1000000ull
#define COPY_NS        MS_NS       /* a copy comes within this */
#define REORDER_NS     (3 * MS_NS) /* and what was overtaken, without round trips */
#define ENOUGH         8           /* round trips */
#define KEEP_NS        (1000 * MS_NS)
#define PLAUSIBLE      (1u << 30) /* bytes that an acknowledgement may run ahead */
#define PLAUSIBLE_HEAD (1u << 24) /* the first one: the rest may be of another time */

/* Least round trip of the half next to `dir`, ns; 0: not known. */
static uint64_t least_ns(const struct tcp_measure *m, unsigned dir)
{
	uint32_t us;

	return rtt_least_us(&m->side[dir].rtt, &us) ? us * 1000ull : 0;
}

/*
 * Within this, nothing sent here can have been answered and sent again: nine tenths of
 * the least round trip of the whole path, or of the half that is known.
 */
static uint64_t reorder_ns(const struct tcp_measure *m)
{
	uint64_t least = least_ns(m, 0) + least_ns(m, 1);

	return least ? least / 10 * 9 : REORDER_NS;
}

/*
 * Sooner than this, `dir` cannot have answered; 0: not known. Only what was measured
 * often enough is a bound, and below a millisecond the endpoint's own time is most of
 * it.
 */
static uint64_t soon_ns(const struct tcp_measure *m, unsigned dir)
{
	uint64_t least = least_ns(m, dir);

	return least >= MS_NS && m->result[dir].rtt.samples >= ENOUGH ? least / 5 * 4
								      : 0;
}

static uint32_t mark_of(const struct packet *p)
{
	uint64_t mark = p->seq * 0x9e3779b97f4a7c15ull;

	mark ^= (p->ack + ((uint64_t)p->tsval << 32)) * 0xc2b2ae3d27d4eb4full;
	mark ^= ((uint64_t)p->payload_len << 16 | p->tcp_flags) * 0x165667b19e3779f9ull;
	return (uint32_t)(mark >> 32);
}

bool loss_is_copy(const struct tcp_measure *m, const struct packet *p)
{
	const struct loss_state *l = &m->side[p->dir].loss;
	uint64_t within = COPY_NS, least;

	if (p->ip_id || !p->payload_len || !l->mark || mark_of(p) != l->mark)
		return false;
	least = least_ns(m, 0) + least_ns(m, 1);
	if (least && least / 4 < within)
		within = least / 4;
	return p->ts_ns - l->last_ns < within;
}

void loss_fragment(struct tcp_measure *m, const struct packet *p)
{
	struct loss_state *l = &m->side[p->dir].loss;

	if (l->has_next)
		l->next += p->payload_len;
}

static void sent(struct tcp_measure *m, struct loss_state *l, const struct packet *p)
{
	l->last_ns = m->newest_ns;
	l->mark = p->ip_id == 0 ? mark_of(p) : 0;
}

/*
 * How many segments `bytes` of it are; at least one. Files do not say what a
 * super-packet stands for: then by the most that a segment can carry.
 */
static uint32_t segments(
	const struct tcp_measure *m, const struct segment *s, uint32_t bytes)
{
	uint32_t most = m->side[s->dir].limit.most, size = s->span, n;

	if (s->p->segments > 1)
		size = s->span / s->p->segments;
	else if (most && size > most)
		size = most;
	if (size == 0)
		return 1;
	n = (bytes + size / 2) / size;
	return n ? n : 1;
}

static bool is_probe(const struct loss_state *l, const struct segment *s)
{
	const struct packet *p = s->p;

	if (s->span > 1 || p->tcp_flags & (TCP_SYN | TCP_FIN) || !l->has_acked)
		return false;
	if (l->closed && (s->span ? p->seq == l->next : p->seq + 1 == l->acked))
		return true;
	return p->seq + 1 == l->next && (l->closed || l->acked == l->next);
}

static void probe(struct tcp_measure *m, struct loss_state *l, struct segment *s)
{
	s->class = SEGMENT_PROBE;
	if (segment_after(s->end, l->next))
		l->next = s->end; /* the receiver may have had room for the byte */
	if (!l->closed)
		m->result[s->dir].loss.keep_alives++;
}

static struct resent resent_of(const struct tcp_measure *m, const struct segment *s,
	enum resent_kind kind, uint32_t n)
{
	return (struct resent){
		.ns = m->newest_ns,
		.from = s->p->seq,
		.to = s->end,
		.tsval = s->p->tsval,
		.has_tsval = s->p->has_timestamps,
		.kind = (uint8_t)kind,
		.segments = (uint16_t)(n < UINT16_MAX ? n : UINT16_MAX),
	};
}

static void less(uint32_t *count, uint32_t n)
{
	*count -= n < *count ? n : *count;
}

/* Segments that were sent again had arrived after all. */
static void spare(struct loss_counts *c, uint32_t n)
{
	less(&c->after, n);
	c->spurious += n;
}

/* All of it was seen before, or nobody knows. */
static void again(
	struct measure *g, struct tcp_measure *m, struct segment *s, uint32_t bytes)
{
	struct loss_state *l = &m->side[s->dir].loss;
	struct loss_holes *h = &m->holes[s->dir];
	struct loss_counts *c = &m->result[s->dir].loss;
	uint32_t n = segments(m, s, bytes);
	struct resent r = resent_of(m, s, RESENT_AFTER, n);
	uint32_t needless = 0;

	s->class = SEGMENT_AGAIN;
	s->acked_before = l->has_acked && !segment_after(s->end, l->acked);
	if (h->resent && resent_overtook(&g->pools, h, &r, &needless)) {
		less(&c->before, needless);
		c->spurious += needless;
		c->duplicates += needless ? 0 : n;
		return;
	}
	if (s->acked_before) {
		c->spurious += n;
		r.kind = RESENT_SETTLED;
	} else if (h->has_blind && segment_after(h->blind, s->p->seq)) {
		c->unplaced += n;
		r.kind = RESENT_SETTLED;
	} else {
		c->after += n;
	}
	cause_note(m, s, n);
	resent_add(&g->pools, &m->holes[s->dir], &r);
	l->open = true;
}

static uint64_t ticks_ns(uint32_t ticks)
{
	return (uint64_t)ticks << LOSS_AT_SHIFT;
}

/*
 * Whether it was sent before what jumped over it. Where timestamps do not tell, the
 * time does: no answer to that one can have come. But when a segment was sent again
 * behind the last new data before the gap, the answer to that one may have told of the
 * loss (RFC 8985 §6.2: by the time of sending, not by the number).
 */

static bool overtaken(const struct measure *g, const struct tcp_measure *m,
	const struct segment *s, const struct gap *gap)
{
	const struct loss_holes *h = &m->holes[s->dir];
	const struct packet *p = s->p;
	uint64_t now = m->newest_ns, least = reorder_ns(m), smooth, timeout, longest;
	uint64_t since_new = ticks_ns(loss_at(now) - gap->new_at);

	if (gap->has_tsval && p->has_timestamps && gap->tsval != p->tsval)
		return segment_after(gap->tsval, p->tsval);
	if (ticks_ns(loss_at(now) - gap->at) >= least)
		return false;
	if (!h->resent)
		return true;
	cause_round_trip(m, &smooth, &timeout);
	longest = 2 * (smooth ? smooth : least);
	if (since_new < longest)
		longest = since_new;
	return !resent_between(&g->pools, h, now - longest, now - least);
}

/* Most of it fills a gap. */
static void fill(struct measure *g, struct tcp_measure *m, struct segment *s,
	uint32_t bytes, const struct gap *gap)
{
	struct loss_state *l = &m->side[s->dir].loss;
	struct loss_counts *c = &m->result[s->dir].loss;
	bool acked = l->has_acked && !segment_after(s->end, l->acked);
	uint32_t n = segments(m, s, bytes);
	struct resent r = resent_of(m, s, RESENT_BEFORE, n);

	if (overtaken(g, m, s, gap)) {
		s->class = SEGMENT_REORDERED;
		/* The receiver had it: it was the capture that was late. */
		c->reordered += acked ? 0 : n;
		return;
	}
	if (acked) { /* it had come another way, or the capture had missed it */
		s->class = SEGMENT_AGAIN;
		s->acked_before = true;
		c->spurious += n;
		r.kind = RESENT_SETTLED;
	} else {
		s->class = SEGMENT_REPAIR;
		c->before += n;
	}
	cause_note(m, s, n);
	resent_add(&g->pools, &m->holes[s->dir], &r);
	l->open = true;
}

static void repeated(struct measure *g, struct tcp_measure *m, struct segment *s)
{
	struct loss_state *l = &m->side[s->dir].loss;
	struct loss_holes *h = &m->holes[s->dir];
	uint32_t fresh = segment_after(s->end, l->next) ? s->end - l->next : 0;
	uint32_t old = s->span - fresh, filled = 0;
	struct gap gap = {0};

	if (h->gaps)
		filled = gaps_fill(&g->pools, h, s->p->seq, s->p->seq + old, &gap);
	m->result[s->dir].loss.missed_bytes -= filled;
	if (fresh >= old)
		s->class = SEGMENT_NEW;
	else if (filled && filled >= old - filled)
		fill(g, m, s, filled, &gap);
	else
		again(g, m, s, old - filled);
	if (fresh)
		l->next = s->end;
}

/* Nothing of [next, to) came, and more did. */
static void jump(struct measure *g, struct tcp_measure *m, unsigned dir,
	const struct packet *jumper)
{
	struct loss_state *l = &m->side[dir].loss;
	struct loss_holes *h = &m->holes[dir];
	uint32_t to = jumper->dir == dir ? jumper->seq : jumper->ack;
	struct gap gap = {
		.at = loss_at(m->newest_ns),
		.new_at = l->new_at,
		.from = l->next,
		.to = to,
		.tsval = jumper->tsval,
		.missing = (to - l->next) & GAP_MOST,
		.has_tsval = jumper->dir == dir && jumper->has_timestamps,
	};

	m->result[dir].loss.missed_bytes += gap.missing;
	if (h->gaps_used == GAPS_MOST && l->has_acked)
		gaps_prune(&g->pools, h, l->acked, 0, 0);
	if (!gaps_open(&g->pools, h, &gap)) {
		h->blind = to;
		h->has_blind = true;
	}
	l->open = true;
	l->next = to;
}

static void start(struct tcp_measure *m, struct segment *s)
{
	struct loss_state *l = &m->side[s->dir].loss;
	struct loss_holes *h = &m->holes[s->dir];

	l->has_next = true;
	l->next = s->end;
	if (s->span)
		s->class = SEGMENT_NEW;
	if (s->p->tcp_flags & TCP_SYN)
		return;
	h->has_blind = true;
	h->blind = s->p->seq;
	l->open = true;
}

static RARE void unusual(struct measure *g, struct tcp_measure *m, struct segment *s)
{
	struct loss_state *l = &m->side[s->dir].loss;

	if (!l->has_next) {
		start(m, s);
	} else if (is_probe(l, s)) {
		probe(m, l, s);
		return;
	} else if (s->span == 0) {
		return;
	} else if (s->p->seq == l->next) {
		s->class = SEGMENT_NEW;
		l->next = s->end;
	} else if (segment_after(s->p->seq, l->next)) {
		jump(g, m, s->dir, s->p);
		s->class = SEGMENT_AHEAD;
		l->next = s->end;
	} else {
		repeated(g, m, s);
	}
	sent(m, l, s->p);
	if (s->class == SEGMENT_NEW || s->class == SEGMENT_AHEAD)
		l->new_at = loss_at(m->newest_ns);
}

/* SACK blocks, the first of which may report what came twice (RFC 2883 §4). */
static RARE void note_sacks(
	struct measure *g, struct tcp_measure *m, const struct packet *p)
{
	struct loss_holes *h = &m->holes[!p->dir];
	uint32_t needless = 0;
	struct resent_ack ack = {.now_ns = m->newest_ns, .soon_ns = soon_ns(m, p->dir)};
	unsigned first = 0;

	if (segment_after(p->ack, p->sack[0].from) ||
		(p->sacks > 1 && !segment_after(p->sack[1].from, p->sack[0].from) &&
			!segment_after(p->sack[0].to, p->sack[1].to)))
		first = 1;
	if (first && h->resent)
		resent_twice(&g->pools, h, p->sack[0].from, p->sack[0].to, &needless);
	for (unsigned i = first; i < p->sacks; i++) {
		if (!h->has_sacked || segment_after(p->sack[i].to, h->sacked)) {
			h->has_sacked = true;
			h->sacked = p->sack[i].to;
			m->side[!p->dir].loss.open = true;
		}
		ack.from = p->sack[i].from;
		ack.to = p->sack[i].to;
		if (h->resent && ack.soon_ns)
			resent_acked(&g->pools, h, &ack, &needless);
	}
	spare(&m->result[!p->dir].loss, needless);
}

static void note_resent(
	struct measure *g, struct tcp_measure *m, const struct packet *p)
{
	struct resent_ack ack = {
		.now_ns = m->newest_ns,
		.soon_ns = soon_ns(m, p->dir),
		.from = m->side[!p->dir].loss.acked,
		.to = p->ack,
		.tsecr = p->tsecr,
		.has_tsecr = p->has_timestamps,
	};
	uint32_t needless = 0;

	resent_acked(&g->pools, &m->holes[!p->dir], &ack, &needless);
	spare(&m->result[!p->dir].loss, needless);
}

/* What was acknowledged by now needs no place any more. */
static void tidy(
	struct measure *g, struct loss_holes *h, uint32_t acked, uint64_t now_ns)
{
	uint64_t before_ns = now_ns > KEEP_NS ? now_ns - KEEP_NS : 0;

	if (h->has_sacked && !segment_after(h->sacked, acked))
		h->has_sacked = false;
	if (h->has_blind && !segment_after(h->blind, acked))
		h->has_blind = false;
	if (h->gaps)
		gaps_prune(
			&g->pools, h, acked, loss_at(now_ns), KEEP_NS >> LOSS_AT_SHIFT);
	if (h->resent)
		resent_prune(&g->pools, h, acked, before_ns);
}

static RARE void settle(
	struct measure *g, struct tcp_measure *m, const struct packet *p)
{
	struct loss_holes *h = &m->holes[!p->dir];

	if (h->resent)
		note_resent(g, m, p);
	tidy(g, h, p->ack, m->newest_ns);
	m->side[!p->dir].loss.open = h->gaps || h->resent || h->has_blind ||
				     h->has_sacked;
}

static RARE bool note_ahead(
	struct measure *g, struct tcp_measure *m, const struct packet *p)
{
	struct loss_state *l = &m->side[!p->dir].loss;

	if (p->ack - l->next >= (l->has_acked ? PLAUSIBLE : PLAUSIBLE_HEAD))
		return false;
	jump(g, m, !p->dir, p);
	return true;
}

static void note_ack(struct measure *g, struct tcp_measure *m, const struct segment *s)
{
	const struct packet *p = s->p;
	struct loss_state *l = &m->side[!s->dir].loss;
	bool progress = !l->has_acked || segment_after(p->ack, l->acked);

	l->closed = p->window == 0;
	if (!progress && !s->dup_ack && !p->sacks)
		return;
	if (__builtin_expect(l->has_next && segment_after(p->ack, l->next), 0) &&
		!note_ahead(g, m, p))
		return;
	if (__builtin_expect(p->sacks != 0, 0))
		note_sacks(g, m, p);
	if (progress) {
		if (rarely(l->open))
			settle(g, m, p);
		l->has_acked = true;
		l->acked = p->ack;
		l->dup_acks = 0;
		l->probed = false;
	} else if (s->dup_ack && l->dup_acks < UINT8_MAX) {
		l->dup_acks++;
	}
	l->told_at = loss_at(m->newest_ns);
}

void loss_segment(struct measure *g, struct tcp_measure *m, struct segment *s)
{
	const struct packet *p = s->p;
	struct loss_state *l = &m->side[s->dir].loss;

	s->class = SEGMENT_EMPTY;
	if (__builtin_expect(p->tcp_flags & TCP_RST, 0))
		return;
	if (__builtin_expect(l->has_next && p->seq == l->next && s->span != 1, 1)) {
		if (s->span) {
			s->class = SEGMENT_NEW;
			l->next = s->end;
			l->new_at = loss_at(m->newest_ns);
			sent(m, l, p);
		}
	} else {
		unusual(g, m, s);
	}
	if (p->tcp_flags & TCP_ACK)
		note_ack(g, m, s);
}

void loss_done(struct measure *g, struct tcp_measure *m)
{
	for (unsigned d = 0; d < 2; d++) {
		gaps_done(&g->pools, &m->holes[d]);
		resent_done(&g->pools, &m->holes[d]);
	}
}
