/* icmp — ICMP (RFC 792) and ICMPv6 (RFC 4443); errors belong to the flow they quote. */
#include "core/proto.h"
#include "decode/icmp_quote.h"
#include "decode/load.h"

/* Of the types that have an id (RFC 792, RFC 950, RFC 4443). */
static bool is_reply(uint8_t proto, uint8_t type)
{
	if (proto == PROTO_ICMPV6)
		return type == 129;
	return type == 0 || type == 14 || type == 16 || type == 18;
}

static void own_flow(struct chain *ch, const uint8_t *h)
{
	struct packet *p = ch->p;

	if (!icmp_has_id(ch->proto, h[0])) {
		chain_flow(ch, PACKET_ICMP, 0, 0);
		return;
	}
	p->has_icmp_id = true;
	p->icmp_id = load_be16(h + 4);
	p->icmp_seq = load_be16(h + 6);
	chain_flow(ch, PACKET_ICMP, p->icmp_id, p->icmp_id);
	/* A host that asks itself: nothing but the type tells the ways apart. */
	if (addr_equal(&ch->src, &ch->dst))
		p->dir = is_reply(ch->proto, h[0]);
}

static void quoted_flow(struct chain *ch, const struct icmp_quote *q)
{
	struct packet *p = ch->p;

	/* the flow that this message belongs to is the quoted one, headers and all */
	ch->src = q->src;
	ch->dst = q->dst;
	ch->family = q->family;
	ch->proto = q->proto;
	chain_flow(ch, PACKET_ICMP_ERROR, q->port[0], q->port[1]);
	p->has_icmp_id = false;
}

static enum step icmp_step(struct chain *ch)
{
	unsigned own = ch->family == FAMILY_V4 ? PROTO_ICMP : PROTO_ICMPV6;
	struct packet *p = ch->p;
	struct icmp_quote quote;
	const uint8_t *h;

	if (ch->key != own)
		return STEP_DONE; /* the other family's: just a protocol */
	h = chain_take(ch, 8, MALFORMED_icmp_short);
	if (!h)
		return STEP_BAD;
	p->icmp_type = h[0];
	p->icmp_code = h[1];
	own_flow(ch, h);
	chain_payload(ch, chain_claimed(ch));
	if (icmp_quote(ch->proto, h[0], ch->c, &quote))
		quoted_flow(ch, &quote);
	return STEP_DONE;
}

const struct dissector dissector_icmp = {
	.step = icmp_step,
	.keys = {{KEY_IP, PROTO_ICMP}, {KEY_IP, PROTO_ICMPV6}},
};
