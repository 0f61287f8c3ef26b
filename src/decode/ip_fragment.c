/* ip_fragment — a fragment of either family: the first goes on, later ones look it up.
 */
#include "core/proto.h"
#include "decode/chain.h"

static struct fragment fragment_of(
	const struct chain *ch, uint32_t id, uint32_t offset, bool more)
{
	struct fragment f = {
		.key = {.src = ch->src,
			.dst = ch->dst,
			.id = id,
			.proto = ch->proto,
			.family = ch->family},
		.ts_ns = ch->p->ts_ns,
		.from = offset,
		.to = offset + chain_claimed(ch),
		.more = more,
	};

	return f;
}

static void take_flow(struct chain *ch, const struct fragment_flow *flow)
{
	struct packet *p = ch->p;

	if (flow->tunnels > p->tunnels)
		p->ip_bytes = p->payload_len; /* the outer header is not the flow's */
	p->key = flow->key;
	p->kind = flow->kind;
	p->dir = flow->dir;
	p->tunnels = flow->tunnels;
	memcpy(p->tunnel, flow->tunnel, flow->tunnels * sizeof(flow->tunnel[0]));
	p->icmp_id = flow->icmp_id;
	p->icmp_seq = flow->icmp_seq;
	p->icmp_type = flow->icmp_type;
	p->icmp_code = flow->icmp_code;
	p->has_icmp_id = flow->has_icmp_id;
}

static enum step later(struct chain *ch, const struct fragment *f)
{
	const struct fragment_flow *flow = fragments_later(ch->d->fragments, f);

	/* sets the lengths; the flow stays so only for protocols without ports */
	(void)chain_ip_payload(ch, ch->proto);
	ch->p->fragment = 2;
	if (flow)
		take_flow(ch, flow);
	else if (chain_lookup(ch->d, KEY_IP, ch->proto))
		ch->p->kind = PACKET_FRAGMENT;
	return STEP_DONE;
}

enum step chain_fragment(struct chain *ch, uint32_t id, uint32_t offset, bool more)
{
	struct fragment f = fragment_of(ch, id, offset, more);

	if (f.to > 65535 || f.to == f.from)
		return chain_bad(ch, MALFORMED_fragment);
	if (offset)
		return later(ch, &f);
	ch->p->fragment = 1;
	ch->partial = true;
	if (!ch->pending)
		ch->fragment = f;
	ch->pending = true;
	return chain_ip_payload(ch, ch->proto);
}
