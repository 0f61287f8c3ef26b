#include "measure/echo.h"

#include <string.h>

#include "core/packet.h"
#include "core/proto.h"
#include "measure/measure.h"
#include "measure/talk.h"

struct waiting {
	uint64_t sent_ns;
	uint16_t seq;
	uint8_t dir;
	bool again; /* the same number was sent before, and not answered */
	uint32_t unused;
};

#define WAITING_MOST (TALK_BLOCK / sizeof(struct waiting))

bool echo_is_request(uint8_t proto, uint8_t type)
{
	if (proto == PROTO_ICMPV6)
		return type == 128;
	/* echo, timestamp, information, address mask */
	return type == 8 || type == 13 || type == 15 || type == 17;
}

static bool is_reply(uint8_t proto, uint8_t type)
{
	if (proto == PROTO_ICMPV6)
		return type == 129;
	return type == 0 || type == 14 || type == 16 || type == 18;
}

/* The newest request of that side and number; -1: none. */
static int find(
	const struct talk *t, const struct waiting *w, unsigned dir, uint16_t seq)
{
	for (int i = t->waiting - 1; i >= 0; i--)
		if (w[i].seq == seq && w[i].dir == dir)
			return i;
	return -1;
}

static void forget(struct talk *t, struct waiting *w, unsigned at)
{
	t->waiting--;
	memmove(w + at, w + at + 1, (t->waiting - at) * sizeof(*w));
}

static bool waits(const struct waiting *w, uint64_t now_ns)
{
	return now_ns < w->sent_ns + ECHO_WAIT_NS;
}

static void request(
	struct measure *g, struct talk *t, struct waiting *w, const struct packet *p)
{
	int before = find(t, w, p->dir, p->icmp_seq);
	bool again = before >= 0 && waits(&w[before], p->ts_ns);

	if (before >= 0)
		forget(t, w, (unsigned)before);
	if (t->waiting == WAITING_MOST) {
		if (waits(&w[0], p->ts_ns))
			g->lost++;
		forget(t, w, 0);
	}
	w[t->waiting++] = (struct waiting){
		.sent_ns = p->ts_ns, .seq = p->icmp_seq, .dir = p->dir, .again = again};
}

static void reply(
	struct measure *g, struct talk *t, struct waiting *w, const struct packet *p)
{
	int at = find(t, w, !p->dir, p->icmp_seq);
	struct sample s = {
		.ts_ns = p->ts_ns,
		.bytes = p->payload_len,
		.kind = SAMPLE_icmp,
		.half = p->dir,
	};

	if (at < 0)
		return; /* a second one, or nobody asked */
	t->answered++;
	if (p->ts_ns < w[at].sent_ns)
		s.reason = REASON_clock;
	else
		s.rtt_ns = p->ts_ns - w[at].sent_ns;
	if (!s.reason && w[at].again)
		s.reason = REASON_retransmitted;
	forget(t, w, (unsigned)at);
	talk_sample(g, t, &s);
}

void echo_packet(struct measure *g, struct talk *t, const struct packet *p)
{
	bool asks = echo_is_request(p->key.proto, p->icmp_type);
	struct waiting *w;

	if (!asks && !is_reply(p->key.proto, p->icmp_type))
		return;
	t->asked += asks;
	w = talk_block(g, t);
	if (!w)
		g->lost += asks;
	else if (asks)
		request(g, t, w, p);
	else
		reply(g, t, w, p);
}
