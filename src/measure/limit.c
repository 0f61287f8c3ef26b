#include "base/rare.h"
#include "measure/tcp_measure.h"

#define MS_US        1000u
#define PAUSE_US     200u  /* and a tenth of the round trip: a pause */
#define IDLE_US      800u  /* that much more, and everything acknowledged: idle */
#define NEAR_US      2000u /* so far from the sender nothing changes on the way */
#define RTO_NS       200000000ull /* Linux's least timer; RFC 6298 says 1 s */
#define SLOWEST_US   60000000u    /* no pace is slower */
#define RESTART_US   1000000u     /* after such a pause the window grows anew */
#define RECENT_US    10000000u
#define RECENT_NS    (RECENT_US * 1000ull)
#define START_ROUNDS 12 /* slow start is over by then */
#define ALONE        2  /* segments that come before the first answer to a timer's */
#define SMALL_MSS    536u
#define STAMP_BYTES  12u /* of each segment with timestamps (RFC 7323 appendix A) */

enum left {          /* how a segment left off */
	LEFT_MORE,   /* more was waiting, as far as one can see */
	LEFT_PUSHED, /* a whole segment with PSH: perhaps the end of a write */
	LEFT_SHORT,  /* the rest of a write: nothing was waiting */
	LEFT_WINDOW, /* at the edge of the receiver's window */
};

static uint32_t least_us(const struct tcp_measure *m, unsigned half)
{
	uint32_t us;

	return rtt_least_us(&m->side[half].rtt, &us) ? us : 0;
}

static uint32_t to_us(uint64_t ns)
{
	uint64_t us = ns / 1000;

	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

/* Ten more seconds are over. */
static RARE void roll(struct limit_shares *out, uint64_t now_ns)
{
	bool next = now_ns - out->recent_ns < 2 * RECENT_NS;

	for (unsigned i = 0; i < LIMIT_COUNT; i++) {
		uint32_t *recent_us = out->wait[i].recent_us;

		recent_us[1] = next ? recent_us[0] : 0;
		recent_us[0] = 0;
	}
	out->recent_ns = now_ns;
}

static void add(
	struct limit_shares *out, enum limit limit, uint64_t ns, uint64_t now_ns)
{
	struct limit_wait *wait = &out->wait[limit];
	uint32_t us = to_us(ns);

	if (rarely(now_ns - out->recent_ns >= RECENT_NS))
		roll(out, now_ns);
	wait->ns += ns;
	/* What began before the last two windows is not recent. */
	wait->recent_us[0] += us < RECENT_US * 2 ? us : RECENT_US * 2;
	if (us > out->longest_us) {
		out->longest_us = us;
		out->longest = (uint8_t)limit;
	}
}

/* A wait for the window, weighed by its time. */
static RARE void note_window(struct limit_shares *out, uint32_t window, uint64_t ns)
{
	float all = (float)out->wait[LIMIT_window].ns + (float)ns;

	if (window > out->window_most)
		out->window_most = window;
	out->window += ((float)window - out->window) * (float)ns / all;
}

/* Both sides may send from now on. */
static RARE void start(struct tcp_measure *m, const struct segment *s)
{
	for (unsigned d = 0; d < 2; d++) {
		struct limit_state *st = &m->side[d].limit;

		if (st->last_ns)
			continue;
		*st = (struct limit_state){
			.last_ns = s->p->ts_ns,
			.next = d == s->dir ? s->p->seq : s->p->ack,
			.most = st->most,
			.pause_us = PAUSE_US + MS_US,
			.left = LEFT_SHORT,
			.growing = true,
		};
		st->round_end = st->next;
		m->result[d].limit.recent_ns = s->p->ts_ns;
	}
}

static RARE void take_syn(struct tcp_measure *m, const struct segment *s)
{
	struct limit_state *other = &m->side[!s->dir].limit;
	uint16_t stamps = s->p->has_timestamps ? STAMP_BYTES : 0;

	if (s->p->has_mss && s->p->mss > stamps)
		other->most = (uint16_t)(s->p->mss - stamps);
}

/* Payload of a whole segment. */
static uint32_t whole(const struct limit_state *st)
{
	if (st->full)
		return st->full;
	return st->most ? st->most : SMALL_MSS;
}

/*
 * A segment without PSH is a whole one: more followed. Two smaller ones of the same
 * size in a row: the path's MTU fell.
 */
static void learn_full(struct limit_state *st, const struct packet *p)
{
	uint32_t most = st->most ? st->most : UINT16_MAX, size = p->payload_len;

	if (p->segments > 1 || size > most || p->tcp_flags & TCP_PSH)
		return;
	if (size > st->full || size == st->newest)
		st->full = (uint16_t)size;
	st->newest = (uint16_t)size;
}

static bool at_edge(const struct tcp_measure *m, const struct segment *s)
{
	const struct limit_state *st = &m->side[s->dir].limit;
	const struct rtt_state *peer = &m->side[!s->dir].rtt;
	uint32_t unit = whole(st), half = (s->known_edge - s->known_ack) / 2;
	int32_t rest;

	if (!s->has_known || peer->wscale == UINT8_MAX)
		return false;
	rest = (int32_t)(s->known_edge - s->end);
	/*
	 * It sent more than that: it knew of a later window. Beside the sender that is
	 * the newest one; far from it, one that was told in the same tick of the clock,
	 * and the sender used it up as far as one can know.
	 */
	if (rest < 0 && peer->has_edge && least_us(m, s->dir) < NEAR_US)
		rest = (int32_t)(peer->edge - s->end);
	/* A sender goes on with half a window (RFC 1122 section 4.2.3.4). */
	return rest < (int32_t)(half && half < unit ? half : unit);
}

static enum left left_off(const struct tcp_measure *m, const struct segment *s)
{
	const struct limit_state *st = &m->side[s->dir].limit;
	uint32_t size = s->p->payload_len, unit = whole(st);

	if (at_edge(m, s))
		return LEFT_WINDOW;
	if (!(s->p->tcp_flags & TCP_PSH))
		return LEFT_MORE;
	if (size == unit || (size > unit && size % unit == 0))
		return LEFT_PUSHED;
	return LEFT_SHORT;
}

static uint32_t segments(const struct limit_state *st, const struct packet *p)
{
	uint32_t unit = whole(st);

	if (p->segments > 1 || p->payload_len <= unit)
		return p->segments;
	return (p->payload_len + unit - 1) / unit;
}

static void grow_queue(struct limit_queue *q, float flight, float rtt)
{
	float df = flight - q->flight, dr = rtt - q->rtt;

	q->rounds++;
	q->flight += df / (float)q->rounds;
	q->rtt += dr / (float)q->rounds;
	q->flight2 += df * (flight - q->flight);
	q->rtt2 += dr * (rtt - q->rtt);
	q->both += df * (rtt - q->rtt);
}

static void end_round(struct tcp_measure *m, unsigned d)
{
	struct limit_state *st = &m->side[d].limit;
	uint32_t flight = st->round_flight, least = least_us(m, 0) + least_us(m, 1);
	uint32_t now = m->smooth_us[0] + m->smooth_us[1];

	st->pause_us = PAUSE_US + least / 10;
	st->growing = flight / 13 >= st->before_flight / 10;
	if (flight > st->before_flight)
		st->before_flight = flight;
	if (st->rounds < UINT8_MAX)
		st->rounds++;
	if (now && flight)
		grow_queue(&m->result[d].limit.queue, (float)flight, (float)now);
	st->round_flight = 0;
	st->round_end = st->next;
}

static void new_epoch(struct limit_state *st, bool grows)
{
	st->before_flight = st->round_flight = 0;
	st->growing = grows;
	st->rounds = grows ? 0 : START_ROUNDS;
}

/* The gap before a segment that is sent again. */
static RARE enum limit again(
	struct tcp_measure *m, const struct segment *s, uint64_t ns)
{
	struct limit_state *st = &m->side[s->dir].limit;
	unsigned dups = m->side[s->dir].loss.dup_acks;
	bool timer = s->rto || (ns > RTO_NS && dups < 2 && !s->fast && !s->tlp);

	if (!st->recovering || timer)
		st->recover = st->next;
	st->recovering = true;
	new_epoch(st, false);
	if (!timer)
		return LIMIT_loss;
	m->result[s->dir].limit.stalls++;
	return LIMIT_rto;
}

static bool acked(const struct tcp_measure *m, const struct segment *s, uint32_t seq)
{
	const struct loss_state *loss = &m->side[s->dir].loss;

	if (s->has_known)
		return !segment_after(seq, s->known_ack);
	return loss->has_acked && !segment_after(seq, loss->acked);
}

/*
 * Time since the newest acknowledgement that the sender had got; 0: not known. Without
 * timestamps the sender may have got any one that passed here.
 */
static uint32_t ack_age_us(const struct tcp_measure *m, const struct segment *s)
{
	uint64_t acked_ns = m->side[s->dir].limit.ack_ns;
	uint32_t age, half;

	if (!s->has_known || !rtt_least_us(&m->side[s->dir].rtt, &half))
		return 0;
	if (s->p->has_timestamps || acked_ns < s->known_ns)
		acked_ns = s->known_ns;
	if (s->p->ts_ns < acked_ns)
		return 0;
	age = to_us(s->p->ts_ns - acked_ns);
	return age > half ? age - half : 0;
}

/* Everything was answered: what of the gap was whose. The rest is the other side's. */
static enum limit take_turns(
	struct tcp_measure *m, const struct segment *s, uint64_t *ns)
{
	const struct limit_state *st = &m->side[s->dir].limit;
	struct limit_shares *out = &m->result[s->dir].limit;
	uint64_t half = least_us(m, s->dir) * 1000ull;
	uint64_t both = half + least_us(m, !s->dir) * 1000ull;
	uint64_t think = s->p->ts_ns - st->peer_ns;

	out->turns++;
	think = think > half ? think - half : 0;
	if (think > *ns)
		think = *ns;
	*ns -= think;
	if (both > *ns)
		both = *ns;
	*ns -= both;
	add(out, LIMIT_turns, both, s->p->ts_ns);
	add(out, LIMIT_thinking, think, s->p->ts_ns);
	return LIMIT_waiting;
}

/*
 * A pause while it might have sent: the queue was empty. After a whole segment that is
 * certain only when no acknowledgement set the next one free. (Linux sets PSH on every
 * super-packet, so PSH alone is no end of a write.)
 */
static bool paused(const struct tcp_measure *m, const struct segment *s, uint32_t us)
{
	const struct limit_state *st = &m->side[s->dir].limit;

	if (us <= PAUSE_US || us <= st->pace_us / 8 * 3)
		return false;
	if (st->left == LEFT_SHORT)
		return true;
	if (st->left != LEFT_PUSHED || us <= st->pause_us)
		return false;
	return ack_age_us(m, s) > st->pause_us + IDLE_US;
}

/*
 * All that was under way was lost before it came here: then no segment is seen twice. A
 * timer sends one segment, and the next ones a round trip later; an application that
 * was idle goes on with as many as it has. Looked at when that one round trip is over.
 */
static void suspect(struct tcp_measure *m, const struct segment *s, uint32_t us)
{
	struct limit_state *st = &m->side[s->dir].limit;

	st->alone = us > RTO_NS / 1000 && st->left != LEFT_SHORT ? 1 : 0;
	m->result[s->dir].limit.suspect_us = us;
}

static RARE void convict(struct tcp_measure *m, const struct segment *s, uint32_t us)
{
	struct limit_state *st = &m->side[s->dir].limit;
	struct limit_shares *out = &m->result[s->dir].limit;
	uint64_t ns = out->suspect_us * 1000ull;

	if (us <= 5ull * st->pause_us) { /* half a round trip */
		if (++st->alone > ALONE)
			st->alone = 0;
		return;
	}
	st->alone = 0;
	if (ns > out->wait[LIMIT_application].ns)
		return;
	out->wait[LIMIT_application].ns -= ns;
	out->wait[LIMIT_rto].ns += ns;
	out->stalls++;
	out->writes--;
	if (out->longest_us == out->suspect_us)
		out->longest = LIMIT_rto;
	new_epoch(st, false);
}

static enum limit usual(const struct limit_state *st)
{
	return st->growing && st->rounds < START_ROUNDS ? LIMIT_slow_start : LIMIT_path;
}

/* What the gap of *ns before a segment with new data was for; *ns: what is left of it.
 */
static enum limit judge(struct tcp_measure *m, const struct segment *s, uint64_t *ns)
{
	struct limit_state *st = &m->side[s->dir].limit;
	uint32_t us = to_us(*ns);
	bool answered, idle;

	if (__builtin_expect(st->alone, 0))
		convict(m, s, us);
	if (st->left == LEFT_WINDOW)
		return LIMIT_window;
	if (us <= PAUSE_US && s->has_known && !st->peer_ns)
		return usual(st); /* the most frequent one */
	if (!s->has_known && !st->ack_ns)
		return LIMIT_unknown;
	answered = acked(m, s, st->next);
	idle = paused(m, s, us) ||
	       (answered && ack_age_us(m, s) > st->pause_us + IDLE_US);
	if (st->peer_ns > st->last_ns && (answered || idle))
		return take_turns(m, s, ns);
	if (!idle)
		return usual(st);
	m->result[s->dir].limit.writes++;
	if (us > RESTART_US)
		new_epoch(st, true);
	suspect(m, s, us);
	return LIMIT_application;
}

/* Mean of the gaps in bursts; a longer one now and then says little. */
static void keep_pace(struct limit_state *st, uint32_t us)
{
	uint32_t most = MS_US + st->pace_us / 2; /* four times the mean */

	if (most > SLOWEST_US)
		most = SLOWEST_US;
	if (us > most)
		us = most;
	st->pace_us += us - st->pace_us / 8;
}

/* The gaps of a burst belong to what ends it, unless it lasts over a round trip. */
static void settle(
	struct tcp_measure *m, const struct segment *s, enum limit limit, uint64_t ns)
{
	struct limit_state *st = &m->side[s->dir].limit;
	struct limit_shares *out = &m->result[s->dir].limit;
	uint32_t us = to_us(ns);

	if (limit == LIMIT_path || limit == LIMIT_slow_start) {
		if (us <= st->pace_us / 4) /* twice the mean */
			out->even_ns += ns;
		keep_pace(st, us);
		if ((uint64_t)us + st->pending_us < 10ull * st->pause_us) {
			st->pending_us += us;
			return;
		}
	}
	if (st->pending_us) {
		enum limit burst = limit == LIMIT_application ? limit : usual(st);

		add(out, burst, st->pending_us * 1000ull, s->p->ts_ns);
		st->pending_us = 0;
	}
	if (limit == LIMIT_window)
		note_window(out, st->window, ns);
	add(out, limit, ns, s->p->ts_ns);
}

static void take_gap(struct tcp_measure *m, const struct segment *s)
{
	struct limit_state *st = &m->side[s->dir].limit;
	uint64_t ns = s->p->ts_ns - st->last_ns;
	enum limit limit;

	if (st->recovering && acked(m, s, st->recover))
		st->recovering = false;
	if (s->class == SEGMENT_REPAIR || s->class == SEGMENT_AGAIN)
		limit = again(m, s, ns);
	else if (st->recovering)
		limit = LIMIT_loss;
	else
		limit = judge(m, s, &ns);
	settle(m, s, limit, ns);
}

static void take_flight(struct tcp_measure *m, const struct segment *s)
{
	struct limit_state *st = &m->side[s->dir].limit;
	struct limit_shares *out = &m->result[s->dir].limit;
	uint32_t flight = s->end - s->known_ack;

	if (!s->has_known || segment_after(s->known_ack, s->end))
		return;
	if (flight > st->round_flight)
		st->round_flight = flight;
	if (flight > out->flight_most)
		out->flight_most = flight;
	if (m->side[!s->dir].rtt.wscale != UINT8_MAX &&
		!segment_after(s->known_ack, s->known_edge))
		st->window = s->known_edge - s->known_ack;
	if (!segment_after(st->round_end, s->known_ack))
		end_round(m, s->dir);
}

static void take_data(struct tcp_measure *m, struct segment *s)
{
	struct limit_state *st = &m->side[s->dir].limit;
	struct limit_shares *out = &m->result[s->dir].limit;
	const struct packet *p = s->p;

	if (!s->untimed && !s->back && p->ts_ns > st->last_ns)
		take_gap(m, s);
	if (out->segments == 0)
		out->first_ns = out->last_ns = p->ts_ns;
	learn_full(st, p);
	out->segment = st->full;
	out->segments += segments(st, p);
	if (s->class != SEGMENT_AGAIN)
		out->bytes += p->payload_len;
	if (segment_after(s->end, st->next)) {
		st->next = s->end;
		st->left = (uint8_t)left_off(m, s);
		take_flight(m, s);
	}
	if (!s->back)
		st->last_ns = out->last_ns = p->ts_ns;
	st->peer_ns = 0;
	m->side[!s->dir].limit.peer_ns = p->ts_ns;
}

void limit_segment(struct tcp_measure *m, struct segment *s)
{
	struct limit_state *other = &m->side[!s->dir].limit;
	unsigned flags = s->p->tcp_flags;

	if (__builtin_expect(flags & (TCP_SYN | TCP_RST), 0)) {
		if (flags & TCP_SYN)
			take_syn(m, s);
		return;
	}
	/* (who acknowledged before has begun; the other is not fetched for that) */
	if (rarely(!other->ack_ns) && !m->side[s->dir].limit.last_ns)
		start(m, s);
	if (s->new_ack)
		other->ack_ns = s->p->ts_ns;
	if (s->p->payload_len && s->class != SEGMENT_PROBE)
		take_data(m, s);
}
