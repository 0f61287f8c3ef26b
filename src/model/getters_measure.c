#include "model/getters_measure.h"

#include "flow/history.h"
#include "model/memo.h"

static const struct talk_rtt *of_talk(const struct flow *f, unsigned half)
{
	return f->talk ? talk_half(f->talk, half) : NULL;
}

static const struct spread *spread_of(const struct flow *f, unsigned half)
{
	if (f->tcp)
		return &f->tcp->result[half].rtt.spread;
	return of_talk(f, half) ? &of_talk(f, half)->spread : NULL;
}

static struct value handshake(const struct flow *f, unsigned half)
{
	if (f->tcp)
		return N_IF(f->tcp->result[half].rtt.has_handshake,
			f->tcp->result[half].rtt.handshake_us);
	return N_IF(
		f->talk && f->talk->has_handshake[half], f->talk->handshake_us[half]);
}

static struct value queue(const struct flow *f, unsigned half)
{
	uint32_t us;

	if (!f->tcp || !rtt_queue_us(&f->tcp->result[half].rtt, &us))
		return value_absent();
	return value_number(us);
}

static struct value count(const struct flow *f, unsigned half, bool ambiguous)
{
	if (f->tcp) {
		const struct rtt *r = &f->tcp->result[half].rtt;

		return value_number(ambiguous ? r->ambiguous : r->samples);
	}
	if (!of_talk(f, half))
		return value_absent();
	return value_number(
		ambiguous ? of_talk(f, half)->ambiguous : of_talk(f, half)->samples);
}

static struct value minimum(const struct flow *f, unsigned half)
{
	const struct spread *s = spread_of(f, half);
	uint32_t us;

	if (f->tcp)
		return N_IF(rtt_minimum_us(&f->tcp->result[half].rtt, &us), us);
	return N_IF(s && s->count, s->least);
}

/* p50, p95 and p99 come of one look at the histogram. */
static uint32_t percentile(
	const struct row *r, unsigned half, const struct spread *s, unsigned which)
{
	struct row_memo *m = r->memo;
	uint32_t own[SPREAD_PERCENTS];

	if (!m) {
		spread_percentiles(s, own);
		return own[which];
	}
	if (!(m->has & MEMO_RTT << half))
		spread_percentiles(s, m->rtt[half]);
	m->has |= MEMO_RTT << half;
	return m->rtt[half][which];
}

static struct value of_spread(
	const struct row *r, unsigned half, enum rtt_number number)
{
	const struct spread *s = spread_of(r->flow, half);

	if (!s || s->count == 0)
		return value_absent();
	switch (number) {
	case RTT_MAX: return value_number(s->most);
	case RTT_P50: return value_number(percentile(r, half, s, SPREAD_P50));
	case RTT_P95: return value_number(percentile(r, half, s, SPREAD_P95));
	default: return value_number(percentile(r, half, s, SPREAD_P99));
	}
}

struct value measure_rtt(const struct row *r, unsigned half, enum rtt_number number)
{
	const struct flow *f = r->flow;

	if (!f)
		return value_absent();
	switch (number) {
	case RTT_SAMPLES: return count(f, half, false);
	case RTT_AMBIGUOUS: return count(f, half, true);
	case RTT_MIN: return minimum(f, half);
	case RTT_QUEUE: return queue(f, half);
	case RTT_HANDSHAKE: return handshake(f, half);
	default: return of_spread(r, half, number);
	}
}

struct value measure_rtt_whole(const struct row *r)
{
	const struct flow *f = r->flow;
	const struct talk_rtt *whole = f && f->talk ? talk_whole(f->talk) : NULL;
	uint64_t sum = 0;

	if (whole)
		return N_IF(whole->spread.count, spread_percentile(&whole->spread, 50));
	for (unsigned half = 0; half < 2; half++) {
		struct value v = measure_rtt(r, half, RTT_P50);

		if (!v.present)
			v = measure_rtt(r, half, RTT_HANDSHAKE);
		if (!v.present)
			return value_absent();
		sum += v.num;
	}
	return value_number(sum);
}

struct value measure_connect(const struct flow *f)
{
	return N_IF(is_tcp(f) && f->syn_ns && f->synack_ns &&
			    f->facts & FLOW_ESTABLISHED &&
			    f->established_ns >= f->syn_ns,
		(f->established_ns - f->syn_ns) / 1000);
}

struct value measure_syn_retrans(const struct flow *f)
{
	uint64_t again = 0;

	if (!is_tcp(f) || !(f->side[0].syn_seen || f->side[1].syn_seen))
		return value_absent();
	for (unsigned d = 0; d < 2; d++)
		again += f->detail[d].syns ? f->detail[d].syns - 1 : 0;
	return value_number(again);
}

struct value measure_loss(const struct flow *f)
{
	const struct loss_counts *c;
	uint64_t sent, lost;
	unsigned d;

	if (!is_measured(f))
		return value_absent();
	d = f->side[1].payload_bytes > f->side[0].payload_bytes;
	c = &f->tcp->result[d].loss;
	lost = (uint64_t)c->before + c->after;
	sent = f->side[d].packets + c->before; /* those lost before came again only */
	return N_IF(sent, lost * 1000000 / sent);
}

/*
 * A small record keeps what tells SYNs sent again and a window closed at first; all
 * else that an expert counts makes it a full flow.
 */
uint64_t measure_expert_of_small(
	const struct flow *f, unsigned dir, enum expert_flag flag)
{
	switch (flag) {
	case EXPERT_RETRANSMISSION:
		return f->detail[dir].syns ? f->detail[dir].syns - 1 : 0;
	case EXPERT_ZERO_WINDOW:
		return (f->side[dir].letters & HISTORY_ZERO_WINDOW) != 0;
	case EXPERT_REUSED_PORTS:
		return f->facts & FLOW_FOLLOWS && f->side[dir].syn_seen &&
		       (f->facts & FLOW_SAW_SYN) == (dir == f->orig ? FLOW_SAW_SYN : 0);
	default: return 0;
	}
}

struct value measure_retrans(const struct flow *f)
{
	if (!is_tcp(f))
		return value_absent();
	return value_number(measure_expert(f, 0, EXPERT_RETRANSMISSION).num +
			    measure_expert(f, 1, EXPERT_RETRANSMISSION).num);
}

struct value measure_app_time(const struct flow *f)
{
	uint32_t us;

	if (!is_measured(f) || !turns_app_us(f->tcp, f->orig, &us))
		return value_absent();
	return value_number(us);
}

struct value measure_name(const struct string *name)
{
	struct value v = {.present = name != NULL};

	if (name) {
		v.str.ptr = name->text;
		v.str.len = name->len;
	}
	return v;
}
