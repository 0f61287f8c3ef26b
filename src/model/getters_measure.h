/*
 * getters_measure — values that the analyzers measured (measure/): round trips, loss,
 * reasons, names. `f` may be NULL: absent. A number of a side is a direction, of a half
 * the endpoint that it ends at.
 */
#ifndef KONN_MODEL_GETTERS_MEASURE_H
#define KONN_MODEL_GETTERS_MEASURE_H

#include "measure/tcp_measure.h"
#include "model/getters.h"

static inline bool is_measured(const struct flow *f)
{
	return f && f->tcp;
}

static inline unsigned half_orig(const struct flow *f)
{
	return f ? f->orig : 0;
}

static inline unsigned half_resp(const struct flow *f)
{
	return f ? !f->orig : 0;
}

/* ---- round trips of the half between here and endpoint `half` ---- */

enum rtt_number {
	RTT_MIN,
	RTT_P50,
	RTT_P95,
	RTT_P99,
	RTT_MAX,
	RTT_SAMPLES,   /* 0 is present: measured, and none was good */
	RTT_AMBIGUOUS, /* as above */
	RTT_QUEUE,
	RTT_HANDSHAKE,
};

struct value measure_rtt(const struct row *r, unsigned half, enum rtt_number number);

/* Both halves together: medians, else those of the handshake; absent when one is. */
struct value measure_rtt_whole(const struct row *r);

/* First SYN to the handshake's last acknowledgement. */
struct value measure_connect(const struct flow *f);

/* SYNs and SYN-ACKs that were sent again. */
struct value measure_syn_retrans(const struct flow *f);

/* ---- loss ---- */

/* Of the side that sent more data: segments lost, of all it sent; millionths. */
struct value measure_loss(const struct flow *f);

enum loss_number { /* of the data of one side */
	LOSS_BEFORE,
	LOSS_AFTER,
	LOSS_REORDERED,
	LOSS_RTO,
	LOSS_TLP,
	LOSS_DUPLICATES,
};

static inline struct value measure_lost(
	const struct flow *f, unsigned dir, enum loss_number number)
{
	const struct loss_counts *c;

	if (!is_measured(f))
		return value_absent();
	c = &f->tcp->result[dir].loss;
	switch (number) {
	case LOSS_BEFORE: return value_number(c->before);
	case LOSS_AFTER: return value_number(c->after);
	case LOSS_REORDERED: return value_number(c->reordered);
	case LOSS_RTO: return value_number(c->rto);
	case LOSS_TLP: return value_number(c->tlp);
	default: return value_number(c->duplicates);
	}
}

/* ---- what the experts count; absent but for TCP ---- */

/* Of a TCP flow that is not measured: a small record. */
uint64_t measure_expert_of_small(
	const struct flow *f, unsigned dir, enum expert_flag flag);

/* Of the segments that side `dir` sent. */
static inline struct value measure_expert(
	const struct flow *f, unsigned dir, enum expert_flag flag)
{
	if (!is_tcp(f))
		return value_absent();
	if (!f->tcp)
		return value_number(measure_expert_of_small(f, dir, flag));
	return value_number(f->tcp->result[dir].expert.count[flag]);
}

/* Retransmissions of both sides, fast and spurious ones included. */
struct value measure_retrans(const struct flow *f);

/* ---- application times ---- */

/* Median of the turns, without the way to the server. */
struct value measure_app_time(const struct flow *f);

/* ---- datagrams ---- */

enum talk_number {
	TALK_ASKED,
	TALK_UNANSWERED,
	TALK_RETRIES,
	TALK_DNS_US,
};

/* Absent where nothing asks: neither DNS nor ICMP echo. */
struct value measure_talk(const struct flow *f, enum talk_number number);
struct value measure_dns_rcode(const struct row *r);
struct value measure_quic_spin(const struct flow *f);

/* ---- names ---- */

/* The name that was asked for to get the responder's address. */
struct value measure_dns_name(const struct row *r);

/* Absent when NULL. */
struct value measure_name(const struct string *name);

#endif
