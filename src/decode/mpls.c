/* mpls — label stacks (RFC 3032) over IP or an Ethernet pseudowire (RFC 4448). */
#include "decode/chain.h"
#include "decode/load.h"

#define LABELS 16

/* A pseudowire's Ethernet header at `offset` with a type that means something. */
static bool ethernet_at(const struct chain *ch, uint32_t offset)
{
	const uint8_t *h = ch->c.at;
	unsigned type;

	if (cur_left(&ch->c) < offset + 14)
		return false;
	type = load_be16(h + offset + 12);
	return type <= 1500 || chain_lookup(ch->d, KEY_ETHER, type);
}

static enum step payload(struct chain *ch)
{
	unsigned nibble;

	if (cur_left(&ch->c) == 0)
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	nibble = ch->c.at[0] >> 4;
	if (nibble == 4 || nibble == 6)
		return chain_next(ch, KEY_INNER, INNER_IP);
	if (nibble == 1) /* associated channel (RFC 4385 §5): operations, no data */
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	/* nibble 0: a control word, or an address that starts so */
	if (nibble == 0 && ethernet_at(ch, 4))
		cur_skip(&ch->c, 4);
	else if (!ethernet_at(ch, 0))
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	return chain_next(ch, KEY_ETHER, ETHERTYPE_ETHERNET);
}

static enum step mpls_step(struct chain *ch)
{
	unsigned i;

	for (i = 0; i < LABELS; i++) {
		const uint8_t *h = chain_take(ch, 4, MALFORMED_mpls_short);

		if (!h)
			return STEP_BAD;
		if (h[2] & 1) /* bottom of the stack */
			return payload(ch);
	}
	return chain_bad(ch, MALFORMED_too_many_tags);
}

const struct dissector dissector_mpls = {
	.step = mpls_step,
	.keys = {{KEY_ETHER, ETHERTYPE_MPLS}, {KEY_ETHER, 0x8848}},
};
