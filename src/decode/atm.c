/* atm — AAL5 packets: RFC 2684 encapsulation, classical IP on Linux, SunATM. */
#include "decode/chain.h"
#include "decode/load.h"

enum {
	LINK_RFC1483 = 100,
	LINK_CLIP = 106,
	LINK_SUNATM = 123,
};

enum { /* low nibble of SunATM's first byte */
	SUN_LANE = 1,
	SUN_LLC = 2,
};

static enum step llc_or_ip(struct chain *ch)
{
	const uint8_t *h = ch->c.at;

	if (cur_left(&ch->c) >= 3 && h[2] == 3 && (h[0] == 0xaa || h[0] == 0xfe))
		return chain_next(ch, KEY_INNER, INNER_LLC);
	return chain_next(ch, KEY_INNER, INNER_IP);
}

static enum step sunatm(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 4, MALFORMED_ethernet_short);

	if (!h)
		return STEP_BAD;
	if ((h[0] & 15) == SUN_LLC)
		return chain_next(ch, KEY_INNER, INNER_LLC);
	if ((h[0] & 15) != SUN_LANE)
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	h = chain_take(ch, 2, MALFORMED_ethernet_short);
	if (!h)
		return STEP_BAD;
	if (load_be16(h) == 0xff00) /* LAN emulation control */
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	return chain_next(ch, KEY_ETHER, ETHERTYPE_ETHERNET);
}

static enum step atm_step(struct chain *ch)
{
	if (ch->key == LINK_SUNATM)
		return sunatm(ch);
	if (ch->key == LINK_RFC1483)
		return chain_next(ch, KEY_INNER, INNER_LLC);
	return llc_or_ip(ch);
}

const struct dissector dissector_atm = {
	.step = atm_step,
	.keys =
		{
			{KEY_LINK, LINK_RFC1483},
			{KEY_LINK, LINK_CLIP},
			{KEY_LINK, LINK_SUNATM},
		},
};
