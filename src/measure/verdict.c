#include "measure/verdict.h"

#include "measure/tcp_measure.h"

#define US_NS        1000ull
#define SECOND_NS    1000000000ull
#define RECENT_NS    20000000000ull
#define SHORT_ROUNDS 12
#define FEW_NS       50000000ull /* nobody calls that slow */
#define FEW          4
#define LOSSES       3
#define LOSS_PPM     300   /* 3 in 10,000 */
#define QUEUE_US     20000 /* a queue worth mention, if it doubles the round trip */
#define RELATED      0.5   /* correlation of flight and round trip */
#define FULL_US      2000  /* a queue that is no jitter of hosts */
#define BESIDE       8     /* of the round trip between the sender and here */
#define THIN_US      2000
#define THIN_ROUNDS  20
#define FIRST_WINDOW 10u /* segments */
#define REORDER_PPM  2000
#define SLOW_READER  2 /* times less than the window allows */

struct text {
	const char *name, *help;
};

static const struct text texts[VERDICT_COUNT] = {
#define VERDICT(name_, help_) [VERDICT_##name_] = {#name_, help_},
#include "measure/verdict.def"
#undef VERDICT
};

const char *verdict_name(enum verdict_by by)
{
	return texts[by].name;
}

const char *verdict_help(enum verdict_by by)
{
	return texts[by].help;
}

static uint64_t per_second(uint64_t bytes, uint64_t ns)
{
	return ns ? (uint64_t)((double)bytes * 8e9 / (double)ns) : 0;
}

/* Of one half; false: not known. */
static bool half_us(
	const struct tcp_measure *m, unsigned half, uint32_t *median, uint32_t *least)
{
	const struct rtt *r = &m->result[half].rtt;

	if (!rtt_least_us(&m->side[half].rtt, least))
		return false;
	*median = r->spread.count ? spread_percentile(&r->spread, 50) : *least;
	if (*median < *least)
		*median = *least;
	return true;
}

static void take_rtt(const struct tcp_measure *m, struct verdict *v)
{
	uint32_t median[2], least[2], seen, far = !v->dir;

	if (!half_us(m, 0, &median[0], &least[0]) ||
		!half_us(m, 1, &median[1], &least[1]))
		return;
	v->has_rtt = true;
	v->rtt_us = median[0] + median[1];
	v->least_us = least[0] + least[1];
	v->queue_us = v->rtt_us - v->least_us;
	seen = m->result[v->dir].rtt.spread.count;
	v->sees_sender = least[v->dir] <= v->least_us / BESIDE ||
			 (seen >= FEW &&
				 seen >= m->result[v->dir].limit.queue.rounds / 8);
	v->beyond = median[far] - least[far] > v->queue_us / 2;
}

static void take_counts(const struct tcp_measure *m, struct verdict *v)
{
	const struct tcp_results *r = &m->result[v->dir];
	const struct limit_shares *s = &r->limit;

	v->bytes = s->bytes;
	v->span_ns = s->last_ns > s->first_ns ? s->last_ns - s->first_ns : 0;
	v->segments = s->segments;
	v->lost_before = r->loss.before;
	v->lost_after = r->loss.after;
	v->lost = r->loss.before + r->loss.after;
	v->reordered = r->loss.reordered;
	v->spurious = r->loss.spurious;
	v->stalls = s->stalls;
	v->window = (uint32_t)s->window;
	v->window_most = s->window_most;
	v->zero_windows = m->result[!v->dir].expert.count[EXPERT_ZERO_WINDOW];
	v->flight = (uint32_t)s->queue.flight;
	v->writes = s->writes;
	v->turns = s->turns;
	v->longest_us = s->longest_us;
	v->longest = s->longest;
	v->rate_bps = per_second(v->bytes, v->span_ns);
}

/* Whether round trips grow with what is in flight; else they only vary. */
static bool queue_grows(const struct limit_queue *q)
{
	double squares = (double)q->flight2 * (double)q->rtt2;
	double both = (double)q->both;

	return q->rounds > LOSSES && both > 0 &&
	       both * both > RELATED * RELATED * squares;
}

static uint64_t applications_ns(const struct verdict *v)
{
	return v->ns[LIMIT_application] + v->ns[LIMIT_waiting] + v->ns[LIMIT_thinking] +
	       v->ns[LIMIT_turns];
}

static uint64_t network_ns(const struct verdict *v)
{
	return v->ns[LIMIT_loss] + v->ns[LIMIT_slow_start] + v->ns[LIMIT_path];
}

static void say(
	struct verdict *v, enum verdict_by by, enum verdict_who who, uint64_t ns)
{
	v->by = (uint8_t)by;
	v->who = (uint8_t)who;
	v->by_ns = ns;
}

/* Whose turn it was: a responder waits for questions, an originator for answers. */
static void say_application(struct verdict *v, unsigned orig)
{
	bool asks = v->dir == orig;
	uint64_t server = v->ns[asks ? LIMIT_waiting : LIMIT_thinking];
	uint64_t client = v->ns[asks ? LIMIT_thinking : LIMIT_waiting];
	uint64_t writer = v->ns[LIMIT_application], turns = v->ns[LIMIT_turns];
	enum verdict_who who = VERDICT_WHO_WRITER;
	uint64_t most = writer;

	if (server > most) {
		who = VERDICT_WHO_SERVER;
		most = server;
	}
	if (client > most) {
		who = VERDICT_WHO_CLIENT;
		most = client;
	}
	if (turns > most)
		who = VERDICT_WHO_TURNS;
	say(v, VERDICT_application, who, applications_ns(v));
}

static void say_window(struct verdict *v)
{
	uint64_t ns = v->ns[LIMIT_window];
	double reached = (double)v->rate_bps * (double)v->all_ns / (double)ns;

	if (v->has_rtt && v->rtt_us)
		v->ceiling_bps = per_second(v->window_most, v->rtt_us * US_NS);
	/* A buffer that is only small for the path is offered whole each round trip. */
	say(v, VERDICT_receiver_window,
		(double)v->ceiling_bps > SLOW_READER * reached ? VERDICT_WHO_READER
							       : VERDICT_WHO_BUFFER,
		ns);
}

static bool is_queueing(const struct verdict *v, const struct limit_queue *q)
{
	return v->has_rtt && v->queue_us >= QUEUE_US && v->queue_us >= v->least_us &&
	       queue_grows(q);
}

/*
 * A link on the way is full: behind it segments come evenly, before it round trips show
 * its queue. What is lost then was too much for the queue.
 */
static bool is_full(const struct verdict *v, const struct limit_queue *q)
{
	return v->even || (v->has_rtt && v->queue_us >= FULL_US &&
				  v->queue_us >= v->least_us / 4 && queue_grows(q));
}

static bool more_than_ppm(uint64_t count, uint64_t all, uint64_t ppm)
{
	return count * 1000000 > all * ppm;
}

/* (What the sender's half takes is then not certain: it answers to holes late.) */
static bool is_reordering(const struct verdict *v)
{
	return v->reordered > 2ull * v->lost &&
	       more_than_ppm(v->reordered, v->segments, REORDER_PPM);
}

static bool is_loss(const struct verdict *v)
{
	return v->lost >= LOSSES && more_than_ppm(v->lost, v->segments, LOSS_PPM);
}

/* The network's share: what of it held the sender. */
static void say_network(struct verdict *v, const struct limit_shares *s)
{
	const struct limit_queue *q = &s->queue;
	uint64_t ns = network_ns(v) + v->ns[LIMIT_rto];

	if (v->has_rtt && v->rtt_us && v->flight)
		v->ceiling_bps = per_second(v->flight, v->rtt_us * US_NS);
	v->even = s->even_ns > (v->ns[LIMIT_path] + v->ns[LIMIT_slow_start]) / 4 * 3;
	if (is_queueing(v, q) && (v->beyond || !is_reordering(v)))
		say(v, VERDICT_queueing, VERDICT_WHO_NOBODY, ns);
	else if (is_reordering(v))
		say(v, VERDICT_reordering, VERDICT_WHO_NOBODY, ns);
	else if (is_loss(v) && (!is_full(v, q) || v->ns[LIMIT_loss] > ns / 2))
		say(v, VERDICT_loss, VERDICT_WHO_NOBODY, ns);
	else if (v->ns[LIMIT_slow_start] > ns / 2)
		say(v, VERDICT_slow_start, VERDICT_WHO_NOBODY, ns);
	else
		say(v, VERDICT_path, VERDICT_WHO_NOBODY, ns);
}

/* Too short for anything but a timer that ran out, or a long wait for a program. */
static bool is_short(const struct verdict *v)
{
	uint64_t programs = applications_ns(v) - v->ns[LIMIT_turns];

	if (v->all_ns >= FEW_NS &&
		(!v->has_rtt || v->all_ns >= SHORT_ROUNDS * v->least_us * US_NS))
		return false;
	if (v->ns[LIMIT_rto] > v->all_ns / 2)
		return false;
	return programs < FEW_NS || programs < v->all_ns / 2;
}

/*
 * Nothing was lost, yet never more was in flight than what every sender may begin with
 * (RFC 6928): its application has no more. Not where a link is full with that little.
 */
static bool is_thin(const struct verdict *v, const struct limit_shares *s)
{
	return v->has_rtt && v->sees_sender && v->least_us >= THIN_US &&
	       v->rounds >= THIN_ROUNDS && v->lost + v->reordered + v->stalls == 0 &&
	       s->segment && v->queue_us < v->least_us / 4 &&
	       v->flight <= FIRST_WINDOW * s->segment;
}

static void decide(struct verdict *v, const struct limit_shares *s, unsigned orig)
{
	uint64_t known = v->all_ns - v->ns[LIMIT_unknown];
	uint64_t programs = applications_ns(v), window = v->ns[LIMIT_window];
	uint64_t network = network_ns(v), rto = v->ns[LIMIT_rto];

	if (v->has_rtt && v->least_us)
		v->rounds = (uint32_t)(v->all_ns / (v->least_us * US_NS));
	if (known == 0 || known < v->all_ns / 2)
		say(v, VERDICT_unknown, VERDICT_WHO_NOBODY, 0);
	else if (is_short(v))
		say(v, VERDICT_short, VERDICT_WHO_NOBODY, 0);
	else if (programs >= window && programs >= network + rto)
		say_application(v, orig);
	else if (window >= network + rto)
		say_window(v);
	else if (rto > network / 2)
		say(v, VERDICT_rto, VERDICT_WHO_NOBODY, rto);
	else if (is_thin(v, s))
		say(v, VERDICT_application, VERDICT_WHO_WRITER, network + programs);
	else
		say_network(v, s);
}

static void sum(struct verdict *v)
{
	v->all_ns = 0;
	for (unsigned i = 0; i < LIMIT_COUNT; i++)
		v->all_ns += v->ns[i];
}

static bool begin(const struct tcp_measure *m, unsigned dir, struct verdict *out)
{
	*out = (struct verdict){.dir = (uint8_t)dir};
	if (!m || m->result[dir].limit.segments == 0)
		return false;
	take_counts(m, out);
	take_rtt(m, out);
	return true;
}

/* What the sender has been waiting for since its last data. */
static void add_open_gap(
	const struct tcp_measure *m, uint64_t now_ns, struct verdict *v)
{
	const struct limit_shares *own = &m->result[v->dir].limit;
	const struct limit_shares *peer = &m->result[!v->dir].limit;
	enum limit limit = own->turns ? LIMIT_waiting : LIMIT_application;

	if (now_ns <= own->last_ns + 2 * FEW_NS + 2ull * v->rtt_us * US_NS)
		return;
	if (peer->segments && peer->last_ns > own->last_ns)
		limit = LIMIT_thinking;
	v->ns[limit] += now_ns - own->last_ns;
}

bool verdict_make(const struct tcp_measure *m, unsigned dir, unsigned orig,
	uint64_t now_ns, struct verdict *out)
{
	if (!begin(m, dir, out))
		return false;
	for (unsigned i = 0; i < LIMIT_COUNT; i++)
		out->ns[i] = m->result[dir].limit.wait[i].ns;
	if (now_ns)
		add_open_gap(m, now_ns, out);
	sum(out);
	decide(out, &m->result[dir].limit, orig);
	return true;
}

bool verdict_recent(const struct tcp_measure *m, unsigned dir, unsigned orig,
	uint64_t now_ns, struct verdict *out)
{
	const struct limit_shares *s;

	if (!begin(m, dir, out))
		return false;
	s = &m->result[dir].limit;
	if (now_ns < s->recent_ns || now_ns - s->recent_ns < RECENT_NS)
		for (unsigned i = 0; i < LIMIT_COUNT; i++)
			out->ns[i] = (s->wait[i].recent_us[0] +
					     s->wait[i].recent_us[1]) *
				     US_NS;
	add_open_gap(m, now_ns, out);
	sum(out);
	if (out->all_ns == 0)
		return false;
	decide(out, s, orig);
	return true;
}
