/* udp — datagrams (RFC 768), and the tunnels known by their port. */
#include "core/proto.h"
#include "decode/chain.h"
#include "decode/load.h"

static enum step udp_length(struct chain *ch, uint32_t len)
{
	if (len == 0)
		return STEP_NEXT; /* jumbogram (RFC 2675 §4), or offload: as IP says */
	if (len < 8)
		return chain_bad(ch, MALFORMED_udp_length);
	if (chain_at(ch) + len - 8 > ch->ip_end && !ch->partial)
		return chain_bad(ch, MALFORMED_udp_length);
	chain_bound(ch, len - 8);
	return STEP_NEXT;
}

/* The ports were captured, the length was not: as IP says. */
static enum step udp_part(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 4, MALFORMED_udp_short);
	uint32_t claimed = chain_claimed(ch);

	if (!h)
		return STEP_BAD;
	cur_skip(&ch->c, cur_left(&ch->c));
	chain_flow(ch, PACKET_UDP, load_be16(h), load_be16(h + 2));
	chain_payload(ch, claimed > 4 ? claimed - 4 : 0);
	return STEP_DONE;
}

static enum step udp_step(struct chain *ch)
{
	const uint8_t *h;
	uint16_t sport, dport;

	if (chain_left(ch) >= 8 && cur_left(&ch->c) < 8)
		return udp_part(ch);
	h = chain_take(ch, 8, MALFORMED_udp_short);
	if (!h)
		return STEP_BAD;
	sport = load_be16(h);
	dport = load_be16(h + 2);
	if (udp_length(ch, load_be16(h + 4)) == STEP_BAD)
		return STEP_BAD;
	chain_flow(ch, PACKET_UDP, sport, dport);
	chain_payload(ch, chain_claimed(ch));
	if (chain_lookup(ch->d, KEY_UDP, dport))
		return chain_next(ch, KEY_UDP, dport);
	if (chain_lookup(ch->d, KEY_UDP, sport))
		return chain_next(ch, KEY_UDP, sport);
	return STEP_DONE;
}

const struct dissector dissector_udp = {
	.step = udp_step,
	.keys = {{KEY_IP, PROTO_UDP}},
};
