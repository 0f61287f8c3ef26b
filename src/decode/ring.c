/* ring — FDDI, token ring (802.5) and IP over Fibre Channel: addresses, then 802.2. */
#include "decode/chain.h"

enum {
	LINK_TOKEN_RING = 6,
	LINK_FDDI = 10,
	LINK_FIBRE_CHANNEL = 122,
};

static enum step token_ring(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 14, MALFORMED_ethernet_short), *route;

	if (!h)
		return STEP_BAD;
	if ((h[1] & 0xc0) != 0x40) /* not an LLC frame */
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	if ((h[8] & 0x80) == 0) /* not source-routed */
		return chain_next(ch, KEY_INNER, INNER_LLC);
	route = chain_take(ch, 2, MALFORMED_ethernet_short);
	if (!route)
		return STEP_BAD;
	if ((route[0] & 0x1f) < 2)
		return chain_bad(ch, MALFORMED_link_header);
	if (!chain_take(ch, (route[0] & 0x1fu) - 2, MALFORMED_ethernet_short))
		return STEP_BAD;
	return chain_next(ch, KEY_INNER, INNER_LLC);
}

static enum step fddi(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 13, MALFORMED_ethernet_short);

	if (!h)
		return STEP_BAD;
	if ((h[0] & 0x70) != 0x50) /* not an LLC frame */
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	return chain_next(ch, KEY_INNER, INNER_LLC);
}

static enum step ring_step(struct chain *ch)
{
	if (ch->key == LINK_TOKEN_RING)
		return token_ring(ch);
	if (ch->key == LINK_FDDI)
		return fddi(ch);
	if (!chain_take(ch, 16, MALFORMED_ethernet_short))
		return STEP_BAD;
	return chain_next(ch, KEY_INNER, INNER_LLC);
}

const struct dissector dissector_ring = {
	.step = ring_step,
	.keys =
		{
			{KEY_LINK, LINK_TOKEN_RING},
			{KEY_LINK, LINK_FDDI},
			{KEY_LINK, LINK_FIBRE_CHANNEL},
		},
};
