#include "flow/replay.h"

#include "flow/talks.h"
#include "flow/tcp.h"

static void measure(struct flow_table *t, struct flow *f, const struct packet *p)
{
	struct segment out;

	tcp_measure_segment(&t->measure, f->tcp, p, f->orig, &out);
}

static struct packet packet_of(const struct flow *f, const struct small *s, unsigned d)
{
	return (struct packet){
		.key = f->key,
		.ts_ns = s->first_ns,
		.kind = PACKET_TCP,
		.dir = d & 1,
		.segments = 1,
		.ip_bytes = s->ip_bytes[d],
		.wire_bytes = s->ip_bytes[d],
	};
}

static struct packet syn_of(const struct flow *f, const struct small *s, unsigned d)
{
	const struct flow_side *side = &f->side[d];
	struct packet p = packet_of(f, s, d);

	p.seq = s->seq[d] - 1;
	p.tcp_flags = TCP_SYN;
	p.window = s->window[d];
	p.has_mss = side->mss != 0;
	p.mss = side->mss;
	p.has_wscale = side->has_wscale;
	p.wscale = side->wscale;
	return p;
}

/* All SYNs of the side, the last one at `last_ns`; the first one's time is known too.
 */
static void replay_syns(struct flow_table *t, struct flow *f, struct packet *p,
	unsigned count, uint64_t last_ns)
{
	for (unsigned i = 0; i < count; i++) {
		if (i)
			p->ts_ns = last_ns;
		measure(t, f, p);
	}
}

static void replay_handshake(
	struct flow_table *t, struct flow *f, const struct small *s)
{
	unsigned o = s->orig;
	struct packet p = syn_of(f, s, o);

	if (f->facts & FLOW_FOLLOWS)
		expert_reused(f->tcp, s->kind == SMALL_SYNACK ? !o : o);
	if (s->kind != SMALL_SYNACK)
		replay_syns(t, f, &p, s->packets[o],
			s->kind == SMALL_SYN ? small_last_ns(s) : s->first_ns);
	if (s->kind == SMALL_SYN)
		return;
	p = syn_of(f, s, !o);
	p.tcp_flags = TCP_SYN | TCP_ACK;
	p.ack = s->seq[o];
	if (s->kind == SMALL_SYN_SYNACK)
		p.ts_ns = small_last_ns(s);
	/* Of several only the last one's time is known, if it was the last packet. */
	t->measure.untimed = s->packets[!o] > 1 || (s->note & SMALL_NOTE_RESP) != !o;
	replay_syns(t, f, &p, s->packets[!o], small_last_ns(s));
	t->measure.untimed = false;
}

/* In order, of one side, and nothing to be noted: as if it had been one segment. */
static void replay_midstream(
	struct flow_table *t, struct flow *f, const struct small *s)
{
	unsigned d = s->packets[0] ? 0 : 1;
	struct packet p = packet_of(f, s, d);

	if (!s->mid.flags)
		return;
	p.tcp_flags = s->mid.flags;
	p.payload_len = s->payload[d];
	p.seq = s->seq[d] - tcp_span(&p);
	p.ack = s->mid.flags & TCP_ACK ? s->seq[!d] : 0;
	if (s->note & SMALL_NOTE_ZERO_WINDOW && s->mid.window) {
		p.window = 0;
		p.payload_len = 0;
		/* The next one acknowledged more: it is no window update. */
		p.ack -= (s->mid.flags & TCP_ACK) != 0;
		measure(t, f, &p);
	}
	p.window = s->mid.window;
	p.payload_len = s->payload[d];
	p.ack = s->mid.flags & TCP_ACK ? s->seq[!d] : 0;
	p.ts_ns = small_last_ns(s);
	t->measure.untimed = s->packets[d] > 1;
	measure(t, f, &p);
	t->measure.untimed = false;
}

void replay_small(struct flow_table *t, struct flow *f, const struct small *s)
{
	t->measure.subject = f;
	t->measure.muted = true;
	if (s->kind > SMALL_MIDSTREAM)
		talks_replay(t, f, s);
	else if (f->tcp && s->kind <= SMALL_SYNACK)
		replay_handshake(t, f, s);
	else if (f->tcp)
		replay_midstream(t, f, s);
	t->measure.muted = false;
}
