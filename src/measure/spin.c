#include "measure/spin.h"

#include "core/packet.h"
#include "measure/measure.h"
#include "measure/talk.h"

#define EDGES_LEAST 3 /* a direction */
#define CAUSES_LEAST \
	8                /* both; by chance all of so many are right once in 256 times \
			  */
#define SEVERAL       32 /* packets a direction, if there are few a round trip */
#define PACKETS_LEAST 8  /* before the bit is said to tell nothing */
#define TRIPS_LEAST   4  /* and round trips of the handshake's length */
#define COUNTS_MOST   64 /* intervals; then old ones weigh half */
#define LATE_SHARE    8  /* an eighth of a round trip behind an edge: overtaken */
#define IDLE_TRIPS    3

static void halve(struct spin *s)
{
	s->intervals /= 2;
	s->early /= 2;
	s->causal /= 2;
	s->odd /= 2;
	s->even /= 2;
	s->uneven /= 2;
	for (unsigned d = 0; d < 2; d++) {
		s->side[d].packets /= 2;
		s->side[d].changes /= 2;
		/* that it spins at all stays known */
		if (s->side[d].edges > 2 * EDGES_LEAST)
			s->side[d].edges /= 2;
	}
}

/*
 * A bit that is thrown for each packet changes at every second one; one that spins
 * does so more seldom, or each time when there is one packet a round trip.
 */
static bool random_side(const struct spin_side *d)
{
	if (d->changes * 100u >= d->packets * 28u && d->packets < SEVERAL)
		return true; /* too few to tell */
	return d->changes * 100u >= d->packets * 36u &&
	       d->changes * 100u <= d->packets * 75u;
}

static bool mostly(unsigned good, unsigned bad, unsigned percent)
{
	return good * 100u >= (good + bad) * percent;
}

static bool spins(const struct spin *s)
{
	for (unsigned d = 0; d < 2; d++)
		if (s->side[d].edges < EDGES_LEAST || random_side(&s->side[d]))
			return false;
	return mostly(s->intervals, s->early, 80) && mostly(s->even, s->uneven, 70) &&
	       s->causal >= CAUSES_LEAST && s->causal >= s->odd * CAUSES_LEAST;
}

static void judge(struct talk *t, const struct spin *s, const struct spin_packet *in)
{
	unsigned packets = s->side[0].packets + s->side[1].packets;

	if (spins(s))
		t->spin = TALK_SPIN_ON;
	else if (t->spin == TALK_SPIN_ON ||
		 (packets >= PACKETS_LEAST &&
			 in->p->ts_ns > s->first_ns + TRIPS_LEAST * in->rtt_ns))
		t->spin = TALK_SPIN_OFF;
}

/* Its sender had nothing to send for most of the time since the last edge. */
static bool idle(const struct spin_side *d, const struct spin_packet *in)
{
	uint64_t since_ns = in->p->ts_ns - d->edge_ns;

	return since_ns > IDLE_TRIPS * in->rtt_ns &&
	       in->p->ts_ns - d->last_ns > since_ns / 2;
}

/* Between two edges of one direction: a round trip, if their sender had data to send.
 */
static void tell(struct measure *g, struct talk *t, const struct spin_side *d,
	const struct spin_packet *in)
{
	uint64_t now_ns = in->p->ts_ns, rtt_ns = now_ns - d->edge_ns;
	struct sample sample = {
		.ts_ns = now_ns,
		.rtt_ns = rtt_ns,
		.kind = SAMPLE_spin,
		.half = SAMPLE_WHOLE,
	};

	if (t->spin != TALK_SPIN_ON)
		sample.reason = REASON_greased;
	else if (idle(d, in))
		sample.reason = REASON_idle;
	else
		t->whole = true;
	talk_sample(g, t, &sample);
}

/*
 * If only one side throws its bit and packets are few, the other's follows it: round
 * trips are about equally long, intervals between thrown bits are not.
 */
static void interval(struct spin *s, struct spin_side *d, const struct spin_packet *in)
{
	uint32_t now_us = talk_us(in->p->ts_ns - d->edge_ns),
		 before_us = d->interval_us;

	s->intervals++;
	if (idle(d, in))
		return;
	d->interval_us = now_us;
	if (!before_us)
		return;
	if (now_us / 2 < before_us && before_us / 2 < now_us)
		s->even++;
	else
		s->uneven++;
}

/*
 * The client inverts the server's bit, the server repeats the client's, and both pass
 * here: an edge that does not follow the other side's newest one was thrown.
 */
static void edge(
	struct measure *g, struct talk *t, struct spin *s, const struct spin_packet *in)
{
	struct spin_side *d = &s->side[in->p->dir];
	const struct spin_side *other = &s->side[!in->p->dir];

	if (other->seen && (other->bit != in->bit) == in->from_client)
		s->causal++;
	else
		s->odd++;
	d->edges++;
	d->bit = in->bit;
	if (d->has_edge)
		interval(s, d, in);
	judge(t, s, in);
	if (d->has_edge)
		tell(g, t, d, in);
	d->has_edge = true;
	d->edge_ns = in->p->ts_ns;
	if (s->intervals + s->early >= COUNTS_MOST)
		halve(s);
}

void spin_packet(
	struct measure *g, struct talk *t, struct spin *s, const struct spin_packet *in)
{
	struct spin_side *d = &s->side[in->p->dir];
	uint64_t now_ns = in->p->ts_ns, since_ns;

	if (!d->seen || now_ns < d->last_ns) { /* the clock ran back: anew */
		d->seen = true;
		d->has_edge = false;
		d->bit = in->bit;
	}
	if (!s->first_ns || now_ns < s->first_ns)
		s->first_ns = now_ns;
	if (d->packets++ && d->last != in->bit)
		d->changes++;
	d->last = in->bit;
	since_ns = d->has_edge ? now_ns - d->edge_ns : UINT64_MAX;
	/*
	 * Too soon for a round trip: packets that were overtaken, of which there are a
	 * few right behind an edge, or a bit without meaning.
	 */
	if (d->bit == in->bit)
		judge(t, s, in);
	else if (since_ns >= in->rtt_ns / 2)
		edge(g, t, s, in);
	else
		s->early += since_ns >= in->rtt_ns / LATE_SHARE;
	d->last_ns = now_ns;
	if (d->packets == UINT16_MAX || s->intervals + s->early >= COUNTS_MOST)
		halve(s);
}
