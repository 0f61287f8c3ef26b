#include "act/reset.h"

#include "core/proto.h"

void reset_begin(struct reset *r, uint64_t random, uint64_t now_ns)
{
	r->token = (uint16_t)(random | 1); /* 0 is what resets have */
	for (unsigned i = 0; i < 2; i++) {
		struct reset_end *e = &r->end[i];
		struct reset_end fresh = {.own = e->own,
			.peer = e->peer,
			.own_port = e->own_port,
			.peer_port = e->peer_port,
			.begun_ns = now_ns,
			.probe_seq = (uint32_t)(random >> (16 + 16 * i))};
		*e = fresh;
	}
}

/* Whether the end sent it (or somebody in its name) over this connection. */
static bool sent_by(
	const struct reset *r, const struct reset_end *e, const struct packet *p)
{
	unsigned from = p->dir, to = !p->dir;

	return p->key.family == r->family && p->key.port[from] == e->own_port &&
	       p->key.port[to] == e->peer_port &&
	       addr_equal(&p->key.addr[from], &e->own) &&
	       addr_equal(&p->key.addr[to], &e->peer);
}

static bool is_ours(const struct reset *r, const struct packet *p)
{
	return p->window == r->token &&
	       (p->tcp_flags == TCP_SYN || p->tcp_flags == TCP_RST ||
		       p->tcp_flags == (TCP_RST | TCP_ACK));
}

static void decide(struct reset_end *e, enum act_outcome outcome, enum act_proof proof)
{
	e->outcome = outcome;
	e->proof = proof;
	e->owed = false;
}

/* A reset with this number, and then at once a probe whether it was taken. */
static void owe(struct reset_end *e, uint32_t next, bool connecting)
{
	e->next = next;
	e->connecting = connecting;
	e->owed = e->resets < RESET_SENDS;
}

/*
 * A socket in SYN-SENT answers so as well (simultaneous open), but always with one
 * number; a listener draws another one after the reset.
 */
static void answered_as_listener(struct reset_end *e, const struct packet *p)
{
	bool again = e->answered && p->seq != e->answer_seq;

	if (again)
		decide(e, e->resets > 1 ? ACT_OUTCOME_gone : ACT_OUTCOME_already_gone,
			ACT_PROOF_listener);
	e->answered = true;
	e->answer_seq = p->seq;
	owe(e, p->ack, false); /* what our SYN has begun there */
}

static void end_sent(struct reset_end *e, const struct packet *p)
{
	unsigned flags = p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST);
	bool of_probe = e->probes && p->ack == e->probe_seq + 1;

	if (flags & TCP_RST) {
		if (flags == (TCP_RST | TCP_ACK) && of_probe)
			decide(e,
				e->resets ? ACT_OUTCOME_gone : ACT_OUTCOME_already_gone,
				ACT_PROOF_reset);
		else
			e->hurry = true; /* no proof, but worth a look */
	} else if (flags == (TCP_SYN | TCP_ACK) && of_probe) {
		answered_as_listener(e, p);
	} else if (flags == TCP_SYN) {
		owe(e, p->seq + 1, true);
	} else if (flags & TCP_ACK) {
		owe(e, p->ack, false);
	}
}

void reset_seen(struct reset *r, const struct packet *p)
{
	if (p->kind != PACKET_TCP || p->outcome != OUTCOME_PARSED || !p->tcp_flags ||
		is_ours(r, p))
		return;
	for (unsigned i = 0; i < 2; i++)
		if (r->end[i].outcome == ACT_OUTCOME_NONE && sent_by(r, &r->end[i], p))
			end_sent(&r->end[i], p);
}

static void fill(const struct reset *r, const struct reset_end *e, uint8_t flags,
	struct segment_make *out)
{
	*out = (struct segment_make){.src = e->peer,
		.dst = e->own,
		.src_port = e->peer_port,
		.dst_port = e->own_port,
		.family = r->family,
		.window = r->token,
		.flags = flags};
}

/* When the next probe is to be sent, or given up. */
static uint64_t due_ns(const struct reset_end *e)
{
	if (!e->probes)
		return e->begun_ns;
	return e->sent_ns + (e->hurry ? RESET_HURRY_NS : RESET_INTERVAL_NS);
}

static void fill_reset(
	const struct reset *r, struct reset_end *e, struct segment_make *out)
{
	fill(r, e, e->connecting ? TCP_RST | TCP_ACK : TCP_RST, out);
	if (e->connecting)
		out->ack = e->next;
	else
		out->seq = e->next;
	e->owed = false;
	e->resets++;
	e->hurry = true;
}

/* Probes that follow a reset at once do not count: a busy end has many of them. */
static void fill_probe(const struct reset *r, struct reset_end *e, uint64_t now_ns,
	struct segment_make *out)
{
	fill(r, e, TCP_SYN, out);
	out->seq = e->probe_seq;
	if (!e->probes || now_ns >= e->counted_ns + RESET_INTERVAL_NS) {
		e->probes++;
		e->counted_ns = now_ns;
	}
	e->sent_ns = now_ns;
	e->hurry = false;
}

static bool next_of(
	struct reset *r, struct reset_end *e, uint64_t now_ns, struct segment_make *out)
{
	if (e->owed) {
		fill_reset(r, e, out);
		return true;
	}
	if (e->outcome != ACT_OUTCOME_NONE || now_ns < due_ns(e))
		return false;
	if (e->probes >= RESET_PROBES && now_ns >= e->counted_ns + RESET_INTERVAL_NS) {
		decide(e, ACT_OUTCOME_unproven, ACT_PROOF_silence);
		return false;
	}
	fill_probe(r, e, now_ns, out);
	return true;
}

bool reset_next(
	struct reset *r, uint64_t now_ns, struct segment_make *out, unsigned *end_index)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!next_of(r, &r->end[i], now_ns, out))
			continue;
		*end_index = i;
		return true;
	}
	return false;
}

uint64_t reset_wake_ns(const struct reset *r)
{
	uint64_t wake = UINT64_MAX;

	for (unsigned i = 0; i < 2; i++) {
		const struct reset_end *e = &r->end[i];

		if (e->owed)
			wake = 0;
		else if (e->outcome == ACT_OUTCOME_NONE && due_ns(e) < wake)
			wake = due_ns(e);
	}
	return wake;
}

bool reset_over(const struct reset *r)
{
	return reset_wake_ns(r) == UINT64_MAX;
}

void reset_result(const struct reset *r, unsigned end_index, struct act_result *out)
{
	const struct reset_end *e = &r->end[end_index];

	*out = (struct act_result){
		.what = ACT_reset,
		.target = {.local = e->own,
			.peer = e->peer,
			.local_port = e->own_port,
			.peer_port = e->peer_port,
			.proto = PROTO_TCP,
			.family = r->family},
		.outcome = e->outcome ? e->outcome : ACT_OUTCOME_unproven,
		.proof = e->proof,
	};
}
