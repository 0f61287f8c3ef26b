/* mpls — label stacks (RFC 3032) over IP or an Ethernet pseudowire (RFC 4448). */
#include "decode/chain.h"
#include "decode/load.h"

#define LABELS 16

/* The type of an Ethernet header at `offset`; 0 when there is none. */
static unsigned type_at(const struct chain *ch, uint32_t offset)
{
	return cur_left(&ch->c) < offset + 14 ? 0 : load_be16(ch->c.at + offset + 12);
}

/*
 * A pseudowire's Ethernet frame. Nibble 0 is a control word (RFC 4385 §3), or an
 * address that starts so: where a known type stands decides.
 */
static enum step pseudowire(struct chain *ch, unsigned nibble)
{
	unsigned plain = type_at(ch, 0), behind_word = type_at(ch, 4);

	if (nibble == 0 && chain_lookup(ch->d, KEY_ETHER, behind_word))
		cur_skip(&ch->c, 4);
	else if (chain_lookup(ch->d, KEY_ETHER, plain) == 0) {
		if (nibble != 0 || behind_word == 0 || behind_word > 1500)
			return chain_no_flow(ch, PACKET_OTHER_LINK);
		cur_skip(&ch->c, 4);
	}
	return chain_next(ch, KEY_ETHER, ETHERTYPE_ETHERNET);
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
	return pseudowire(ch, nibble);
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
