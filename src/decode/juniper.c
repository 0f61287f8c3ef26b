/* juniper — the header that Juniper routers put before what they capture. */
#include "decode/chain.h"
#include "decode/load.h"

enum {
	LINK_ATM1 = 137,
	LINK_ATM2 = 135,
	LINK_ETHER = 178,
	LINK_PPP = 179,
	LINK_FRELAY = 180,
	LINK_CHDLC = 181,
};

enum { /* flags */
	NO_L2 = 0x02,
	EXTENSIONS = 0x80,
};

/* Without a link header there are four bytes of which the last (or first) is the
 * family. */
static enum step no_link(struct chain *ch)
{
	if (!chain_take(ch, 4, MALFORMED_link_header))
		return STEP_BAD;
	return chain_next(ch, KEY_INNER, INNER_IP);
}

static enum step cells(struct chain *ch)
{
	const uint8_t *h = chain_take(
		ch, ch->key == LINK_ATM1 ? 4 : 8, MALFORMED_link_header);

	if (!h)
		return STEP_BAD;
	if (ch->key == LINK_ATM1 && h[0] & 0x80) /* operations cell */
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	h = ch->c.at;
	if (cur_left(&ch->c) >= 3 && h[2] == 3 && (h[0] == 0xaa || h[0] == 0xfe))
		return chain_next(ch, KEY_INNER, INNER_LLC);
	if (cur_left(&ch->c) >= 1 && h[0] == 3) /* an NLPID without addresses */
		cur_skip(&ch->c, 1);
	else if (cur_left(&ch->c) >= 1 && h[0] >> 4 != 4 && h[0] >> 4 != 6)
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	else
		return chain_next(ch, KEY_INNER, INNER_IP);
	return chain_next(ch, KEY_INNER, INNER_NLPID);
}

static enum step link_step(struct chain *ch)
{
	switch (ch->key) {
	case LINK_ETHER: return chain_next(ch, KEY_ETHER, ETHERTYPE_ETHERNET);
	case LINK_PPP: return chain_next(ch, KEY_INNER, INNER_PPP);
	case LINK_FRELAY: return chain_next(ch, KEY_LINK, 107);
	case LINK_CHDLC: return chain_next(ch, KEY_LINK, 104);
	default: return cells(ch);
	}
}

static enum step juniper_step(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 4, MALFORMED_ethernet_short), *size;

	if (!h)
		return STEP_BAD;
	if (load_be32(h) >> 8 != 0x4d4743)
		return chain_bad(ch, MALFORMED_link_header);
	if (h[3] & EXTENSIONS) {
		size = chain_take(ch, 2, MALFORMED_link_header);
		if (!size || !chain_take(ch, load_be16(size), MALFORMED_link_header))
			return STEP_BAD;
	}
	return h[3] & NO_L2 ? no_link(ch) : link_step(ch);
}

const struct dissector dissector_juniper = {
	.step = juniper_step,
	.keys =
		{
			{KEY_LINK, LINK_ATM1},
			{KEY_LINK, LINK_ATM2},
			{KEY_LINK, LINK_ETHER},
			{KEY_LINK, LINK_PPP},
			{KEY_LINK, LINK_FRELAY},
			{KEY_LINK, LINK_CHDLC},
		},
};
