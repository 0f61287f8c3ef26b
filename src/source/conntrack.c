#include "source/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <string.h>

#define CT_MESSAGE(type) (NFNL_SUBSYS_CTNETLINK << 8 | (type))

/* A netlink message and what is behind its header. */
struct message {
	struct nlmsghdr head;
	struct cur body;
};

/* Takes the next message; false at the end, or with *damaged at a senseless length. */
static bool message_next(struct cur *c, struct message *out, bool *damaged)
{
	size_t len, padded;

	if (cur_left(c) == 0)
		return false;
	cur_copy(c, &out->head, sizeof(out->head));
	len = out->head.nlmsg_len;
	if (c->bad || len < sizeof(out->head) ||
		len - sizeof(out->head) > cur_left(c)) {
		*damaged = true;
		return false;
	}
	len -= sizeof(out->head);
	padded = len + (-len & 3);
	out->body = cur_of(c->at, len);
	cur_skip(c, padded < cur_left(c) ? padded : cur_left(c));
	return true;
}

/* The code of NLMSG_ERROR or NLMSG_DONE: 0 or -errno; -EPROTO when there is none. */
static int message_code(struct cur body)
{
	int32_t code;

	cur_copy(&body, &code, sizeof(code));
	return body.bad || code > 0 || code < -4095 ? -EPROTO : code;
}

void conntrack_init(
	struct conntrack *ct, uint64_t netns, const struct conntrack_sink *sink)
{
	*ct = (struct conntrack){
		.sink = *sink, .netns = netns, .piece = 1, .status.stale = true};
}

/* ---- what overtakes what ---- */

static struct conntrack_recent *recent_slot(
	struct conntrack *ct, const struct conntrack_fact *f)
{
	return &ct->recent[f->id % CONNTRACK_RECENT]; /* the id is a hash already */
}

/*
 * The kernel makes the next piece of a dump inside recv() of the one before
 * (netlink_dump), so an event that is read between both may be the younger one. A slot
 * that another entry takes forgets its own: what is wrong then is healed by the next
 * dump.
 */
static void note_event(struct conntrack *ct, const struct conntrack_fact *f)
{
	if (!ct->status.dumping || !(f->has & CONNTRACK_HAS_ID))
		return;
	*recent_slot(ct, f) = (struct conntrack_recent){
		f->id, ct->piece << 1 | (f->kind == CONNTRACK_DESTROY)};
}

/* False when the entry is gone already; takes out what an event has said newer. */
static bool still_true(struct conntrack *ct, struct conntrack_fact *f)
{
	const struct conntrack_recent *recent = recent_slot(ct, f);

	if (!(f->has & CONNTRACK_HAS_ID) || recent->id != f->id ||
		recent->mark >> 1 != (ct->piece & UINT32_MAX >> 1))
		return true;
	if (recent->mark & 1)
		return false;
	f->has &= ~(uint32_t)(CONNTRACK_HAS_STATE | CONNTRACK_HAS_STATUS |
			      CONNTRACK_HAS_TIMEOUT);
	return true;
}

/* ---- facts ---- */

static bool parse_fact(
	struct conntrack *ct, const struct message *m, struct conntrack_fact *f)
{
	struct cur body = m->body;

	cur_skip(&body, sizeof(struct nfgenmsg));
	if (body.bad || !conntrack_parse(body.at, cur_left(&body), f)) {
		ct->status.malformed++;
		return false;
	}
	f->netns = ct->netns;
	f->generation = ct->status.generation;
	return true;
}

static void dump_fact(struct conntrack *ct, const struct message *m)
{
	struct conntrack_fact f;

	if (m->head.nlmsg_type != CT_MESSAGE(IPCTNL_MSG_CT_NEW) ||
		!parse_fact(ct, m, &f))
		return;
	f.kind = CONNTRACK_LISTED;
	if (!still_true(ct, &f)) {
		ct->status.overtaken++;
		return;
	}
	ct->status.listed++;
	ct->dump_facts++;
	ct->sink.fact(ct->sink.ctx, &f);
}

static void event_fact(struct conntrack *ct, const struct message *m)
{
	struct conntrack_fact f;
	uint8_t kind;

	if (m->head.nlmsg_type == CT_MESSAGE(IPCTNL_MSG_CT_DELETE))
		kind = CONNTRACK_DESTROY;
	else if (m->head.nlmsg_type != CT_MESSAGE(IPCTNL_MSG_CT_NEW))
		return;
	else if (m->head.nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL))
		kind = CONNTRACK_NEW;
	else
		kind = CONNTRACK_UPDATE;
	if (!parse_fact(ct, m, &f))
		return;
	f.kind = kind;
	ct->status.made += kind == CONNTRACK_NEW;
	ct->status.updated += kind == CONNTRACK_UPDATE;
	ct->status.ended += kind == CONNTRACK_DESTROY;
	note_event(ct, &f);
	ct->sink.fact(ct->sink.ctx, &f);
}

/* ---- dumps ---- */

void conntrack_dump_abandon(struct conntrack *ct)
{
	ct->status.dumping = false;
	ct->status.stale = true;
}

static int end_dump(struct conntrack *ct, int code)
{
	if (code < 0 || ct->dump_damaged) {
		conntrack_dump_abandon(ct);
		return code;
	}
	ct->status.dumping = false;
	ct->status.stale = ct->lost;
	ct->status.dumps++;
	ct->status.entries = ct->dump_facts;
	if (ct->sink.listed)
		ct->sink.listed(ct->sink.ctx, ct->status.generation);
	return 0;
}

/* True when the message ends the dump; then its code is in *out. */
static bool dump_message(struct conntrack *ct, const struct message *m, int *out)
{
	if (m->head.nlmsg_seq != ct->status.generation)
		return false; /* of a dump before, or of another request */
	if ((m->head.nlmsg_flags & NLM_F_DUMP_INTR) && !ct->dump_damaged) {
		ct->status.interrupted++;
		ct->dump_damaged = true;
	}
	switch (m->head.nlmsg_type) {
	case NLMSG_ERROR:
	case NLMSG_DONE: *out = message_code(m->body); return true;
	case NLMSG_OVERRUN: ct->dump_damaged = true; return false;
	default: dump_fact(ct, m); return false;
	}
}

int conntrack_read_dump(struct conntrack *ct, const void *bytes, size_t len, bool cut)
{
	struct cur c = cur_of(bytes, len);
	bool damaged = cut;
	struct message m;
	int code;

	if (!ct->status.dumping)
		return 0;
	while (message_next(&c, &m, &damaged))
		if (dump_message(ct, &m, &code))
			return end_dump(ct, code);
	if (damaged) {
		ct->status.cut++;
		ct->dump_damaged = true;
	}
	ct->piece++; /* what events say from here on may be younger than the next one */
	return 1;
}

void conntrack_dump_begin(struct conntrack *ct)
{
	ct->status.generation++;
	ct->status.dumping = true;
	ct->dump_facts = 0;
	ct->dump_damaged = false;
	ct->lost = ct->congested;
	ct->piece++;
}

/* ---- events ---- */

void conntrack_read_events(
	struct conntrack *ct, const void *bytes, size_t len, bool cut)
{
	struct cur c = cur_of(bytes, len);
	bool damaged = cut;
	struct message m;

	while (message_next(&c, &m, &damaged))
		event_fact(ct, &m);
	if (damaged) {
		ct->status.cut++;
		ct->lost = ct->status.stale = true;
	}
}

void conntrack_lost(struct conntrack *ct)
{
	ct->status.overruns++;
	ct->lost = ct->congested = ct->status.stale = true;
}

void conntrack_drained(struct conntrack *ct)
{
	ct->congested = false;
}

/* ---- other answers ---- */

int conntrack_read_ack(const void *bytes, size_t len, uint32_t serial)
{
	struct cur c = cur_of(bytes, len);
	bool damaged = false;
	struct message m;

	while (message_next(&c, &m, &damaged))
		if (m.head.nlmsg_type == NLMSG_ERROR && m.head.nlmsg_seq == serial)
			return message_code(m.body);
	return damaged ? -EPROTO : 1;
}

int conntrack_read_cpu(const void *bytes, size_t len, uint32_t serial,
	conntrack_cpu_fn *tell, void *ctx)
{
	struct cur c = cur_of(bytes, len);
	bool damaged = false;
	struct conntrack_cpu cpu;
	struct message m;
	uint16_t number;

	while (message_next(&c, &m, &damaged)) {
		if (m.head.nlmsg_seq != serial)
			continue;
		if (m.head.nlmsg_type == NLMSG_ERROR || m.head.nlmsg_type == NLMSG_DONE)
			return message_code(m.body);
		if (m.head.nlmsg_type != CT_MESSAGE(IPCTNL_MSG_CT_GET_STATS_CPU))
			continue;
		cur_skip(&m.body, offsetof(struct nfgenmsg, res_id));
		number = cur_be16(&m.body);
		if (m.body.bad)
			continue;
		conntrack_parse_cpu(m.body.at, cur_left(&m.body), &cpu);
		cpu.cpu = number;
		tell(ctx, &cpu);
	}
	return damaged ? -EPROTO : 1;
}
