#include "measure/rtt.h"

#include "base/rare.h"
#include "measure/sent.h"
#include "measure/tcp_measure.h"
#include "measure/told.h"

#define WINDOW_SHIFT 24  /* window_at's unit: 16.8 ms; 32 bits are two years */
#define WINDOW       596 /* of them: 10 s */

/* When another kind's figures replace the ones there are (they begin again). */
#define BETTER_SHARE 4  /* a better one has a fourth as many */
#define WORSE_TIMES  16 /* a worse one sixteen times as many */

static uint32_t to_us(uint64_t ns)
{
	uint64_t us = ns / 1000;

	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static enum rtt_family family_of(unsigned kind)
{
	static const uint8_t family[SAMPLE_COUNT] = {
		[SAMPLE_timestamp] = RTT_TIMESTAMP, [SAMPLE_ack] = RTT_ACK};

	_Static_assert(RTT_SEQ == 0, "all the others");
	return (enum rtt_family)family[kind];
}

/* RFC 6298 §2, rounded. */
static void smooth(struct rtt *r, uint32_t *smooth_us, uint32_t us)
{
	uint32_t old = *smooth_us, off = us > old ? us - old : old - us;

	if (!r->samples) {
		*smooth_us = us;
		r->var_us = us / 2;
		return;
	}
	r->var_us = (uint32_t)((3ull * r->var_us + off + 2) / 4);
	*smooth_us = (uint32_t)((7ull * old + us + 4) / 8);
}

static void roll_window(struct rtt *r, uint32_t us, uint64_t now_ns)
{
	uint32_t at = (uint32_t)(now_ns >> WINDOW_SHIFT), age = at - r->window_at;

	if (!r->samples || age >= 2 * WINDOW) {
		r->window_least_us = r->window_before_us = us;
		r->window_at = at;
	} else if (age >= WINDOW) {
		r->window_before_us = r->window_least_us;
		r->window_least_us = us;
		r->window_at = at;
	} else if (us < r->window_least_us) {
		r->window_least_us = us;
	}
}

/* Whether the figures are those of this kind, perhaps from now on. */
static bool leads(struct measure *g, struct rtt *r, enum rtt_family family)
{
	uint32_t own = r->count[family], other = r->count[r->family];

	if (__builtin_expect(family == r->family, 1))
		return true;
	if (r->samples && (family < r->family ? own * BETTER_SHARE < other
					      : own < (other + 1) * WORSE_TIMES))
		return false;
	spread_done(&r->spread, &g->pools);
	r->samples = 0;
	r->family = (uint8_t)family;
	return true;
}

static void count(struct rtt *r, enum rtt_family family)
{
	if (__builtin_expect(++r->count[family] < UINT16_MAX, 1))
		return;
	for (unsigned f = 0; f < RTT_FAMILIES; f++)
		r->count[f] = (uint16_t)((r->count[f] + 1) / 2);
}

static void keep(struct measure *g, struct tcp_measure *m, const struct sample *sample,
	bool figures)
{
	struct rtt *r = &m->result[sample->half].rtt;
	enum rtt_family family = family_of(sample->kind);
	uint32_t us = to_us(sample->rtt_ns);
	bool first = sample->kind == SAMPLE_handshake && !r->has_handshake;

	if (figures || first)
		rtt_keep_least(&m->side[sample->half].rtt, us);
	if (first) {
		r->handshake_us = us;
		r->has_handshake = true;
	}
	if (!figures)
		return;
	if (!r->count[family] || us < r->least_us[family])
		r->least_us[family] = us;
	count(r, family);
	if (!leads(g, r, family))
		return;
	smooth(r, &m->smooth_us[sample->half], us);
	roll_window(r, us, sample->ts_ns);
	spread_add(&r->spread, &g->pools, us);
	if (r->samples < UINT32_MAX)
		r->samples++;
}

/* Of this kind and the handshake, this one included. */
static uint64_t least_ns(const struct rtt *r, const struct sample *sample)
{
	enum rtt_family family = family_of(sample->kind);
	uint64_t least = UINT64_MAX;

	if (r->count[family])
		least = r->least_us[family] * 1000ull;
	if (family == RTT_SEQ && r->has_handshake && r->handshake_us * 1000ull < least)
		least = r->handshake_us * 1000ull;
	return !sample->reason && sample->rtt_ns < least ? sample->rtt_ns : least;
}

void rtt_take(
	struct measure *g, struct tcp_measure *m, struct sample *sample, bool figures)
{
	struct rtt *r = &m->result[sample->half].rtt;

	if (sample->reason == SAMPLE_VALID)
		keep(g, m, sample, figures);
	else if (sample->kind != SAMPLE_ack && r->ambiguous < UINT32_MAX)
		r->ambiguous++;
	if (__builtin_expect(g->sink.sample != NULL, 0))
		sample->min_ns = least_ns(r, sample);
	measure_sample(g, sample);
}

bool rtt_queue_us(const struct rtt *r, uint32_t *out)
{
	uint32_t middle, least = r->window_least_us;

	if (!r->samples)
		return false;
	middle = spread_percentile(&r->spread, 50);
	if (r->window_before_us < least)
		least = r->window_before_us;
	*out = middle > least ? middle - least : 0;
	return true;
}

bool rtt_minimum_us(const struct rtt *r, uint32_t *out)
{
	uint32_t least = UINT32_MAX;
	bool known = false;

	for (unsigned f = 0; f < RTT_FAMILIES; f++) {
		if (!r->count[f] || r->least_us[f] > least)
			continue;
		least = r->least_us[f];
		known = true;
	}
	if (known)
		*out = least;
	return known;
}

/* No sample crosses it, and what is known has no time any more. */
static RARE void step_back(struct measure *g, struct tcp_measure *m)
{
	for (unsigned d = 0; d < 2; d++) {
		struct rtt_state *st = &m->side[d].rtt;

		ring_done(g, &st->told);
		st->has_known = false;
		for (uint32_t i = 0; i < st->sent.used; i++)
			ring_at(g, &st->sent, i)->flags |= RING_CLOCK;
	}
}

static RARE void begin(struct tcp_measure *m)
{
	for (unsigned d = 0; d < 2; d++) {
		m->side[d].rtt.wscale = UINT8_MAX;
		m->side[d].rtt.begun = true;
	}
}

/*
 * RFC 7323 §2.2: windows are scaled only when both SYNs say so, and a SYN-ACK says so
 * only to one that did.
 */
static RARE void learn_scale(struct tcp_measure *m, const struct segment *s)
{
	struct rtt_state *st = &m->side[s->dir].rtt, *peer = &m->side[!s->dir].rtt;
	const struct packet *p = s->p;

	/* A repeated SYN without it may have been the lost one. */
	if (p->has_wscale)
		st->offered = (uint8_t)(p->wscale + 2);
	else if (!st->offered)
		st->offered = 1;
	if (st->offered == 1 || peer->offered == 1)
		st->wscale = peer->wscale = 0;
	else if (peer->offered || p->tcp_flags & TCP_ACK)
		st->wscale = p->wscale;
	if (st->offered > 1 && peer->offered > 1)
		peer->wscale = (uint8_t)(peer->offered - 2);
}

/*
 * A SYN is refused at once, so that is a round trip too. Other resets may have waited
 * for the application, and their numbers may be anything (RFC 9293 §3.5.2).
 */
static RARE void refused(
	struct measure *g, struct tcp_measure *m, const struct segment *s)
{
	struct ring *r = &m->side[!s->dir].rtt.sent;

	if (s->p->tcp_flags & TCP_ACK && r->used && ring_at(g, r, 0)->flags & RING_SYN)
		sent_acked(g, m, s);
}

/* Its own acknowledgement and window; sets s->new_ack. `newer` as for sent_add. */
static inline void note_told(
	struct measure *g, struct tcp_measure *m, struct segment *s, bool newer)
{
	struct rtt_state *st = &m->side[s->dir].rtt;
	const struct packet *p = s->p;
	bool syn = p->tcp_flags & TCP_SYN, scaled = st->wscale != UINT8_MAX;
	uint32_t edge = p->ack +
			((uint32_t)p->window << (syn || !scaled ? 0 : st->wscale));

	s->new_ack = !st->has_ack || segment_after(p->ack, st->ack);
	if (!s->new_ack && (p->ack != st->ack || edge == st->edge))
		return;
	st->ack = p->ack;
	st->edge = edge;
	st->has_ack = true;
	st->has_edge = scaled || syn;
	/*
	 * Only a newer TSval tells which acknowledgement is echoed; without timestamps
	 * only time does, and not while no round trip of that half is known.
	 */
	if (s->untimed ||
		!(p->has_timestamps ? newer : m->side[!s->dir].rtt.least_above != 0))
		return;
	ring_push(g, &st->told,
		&(struct ring_note){.ns = p->ts_ns,
			.number = p->ack,
			.extent = edge,
			.tsval = p->tsval,
			.flags = newer ? RING_STARTS : 0});
}

static void know(struct segment *s, const struct rtt_state *peer)
{
	s->has_known = true;
	s->known_ns = peer->known_ns;
	s->known_ack = peer->known_ack;
	s->known_edge = peer->known_edge;
}

/* What it acknowledges, echoes and tells. */
static inline void take_ack(
	struct measure *g, struct tcp_measure *m, struct segment *s, bool newer)
{
	const struct rtt_state *peer = &m->side[!s->dir].rtt;

	if (peer->sent.used)
		sent_acked(g, m, s);
	if (peer->told.used)
		told_heard(g, m, s);
	if (s->p->payload_len && peer->has_known)
		know(s, peer);
	note_told(g, m, s, newer);
}

/* The clock's steps, SYNs and resets. False: the segment tells no more. */
static inline bool begin_segment(
	struct measure *g, struct tcp_measure *m, const struct segment *s)
{
	const struct packet *p = s->p;

	if (rarely(!m->side[s->dir].rtt.begun))
		begin(m);
	if (mostly(!s->untimed)) {
		if (rarely(p->ts_ns < m->last_ns))
			step_back(g, m);
		m->last_ns = p->ts_ns;
	}
	if (mostly(!(p->tcp_flags & (TCP_SYN | TCP_RST))))
		return true;
	if (p->tcp_flags & TCP_RST)
		refused(g, m, s);
	else
		learn_scale(m, s);
	return !(p->tcp_flags & TCP_RST);
}

void rtt_segment(struct measure *g, struct tcp_measure *m, struct segment *s)
{
	struct rtt_state *st = &m->side[s->dir].rtt, *peer = &m->side[!s->dir].rtt;
	const struct packet *p = s->p;
	bool newer = p->has_timestamps &&
		     (!st->has_tsval || segment_after(p->tsval, st->tsval));

	if (!begin_segment(g, m, s))
		return;
	if (mostly(p->tcp_flags & TCP_ACK))
		take_ack(g, m, s, newer);
	if (s->span)
		sent_add(g, m, s, newer);
	/* The peer has sent it: in a SYN of which only this is known, or unseen. */
	if (rarely(p->has_timestamps && !peer->has_tsval)) {
		peer->tsval = p->tsecr;
		peer->has_tsval = p->tsecr != 0;
	}
	if (newer) {
		st->tsval = p->tsval;
		st->has_tsval = true;
	}
}

void rtt_done(struct measure *g, struct tcp_measure *m)
{
	for (unsigned d = 0; d < 2; d++) {
		ring_done(g, &m->side[d].rtt.sent);
		ring_done(g, &m->side[d].rtt.told);
		spread_done(&m->result[d].rtt.spread, &g->pools);
	}
}
