/* frame_relay — Q.922 addresses, then RFC 2427 or Cisco's type field. */
#include "decode/chain.h"
#include "decode/load.h"

#define LINK_FRELAY     107
#define LINK_FRELAY_DIR 206

/* Two to four bytes, the last of which has the lowest bit set. */
static bool take_address(struct chain *ch)
{
	unsigned i;

	for (i = 0; i < 4; i++) {
		const uint8_t *h = chain_take(ch, 1, MALFORMED_ethernet_short);

		if (!h)
			return false;
		if (h[0] & 1 && i > 0)
			return true;
		if (h[0] & 1)
			break;
	}
	ch->malformed = MALFORMED_link_header;
	return false;
}

static enum step frame_relay_step(struct chain *ch)
{
	const uint8_t *h;

	if (ch->key == LINK_FRELAY_DIR && !chain_take(ch, 1, MALFORMED_ethernet_short))
		return STEP_BAD;
	if (!take_address(ch))
		return STEP_BAD;
	h = chain_take(ch, 1, MALFORMED_ethernet_short);
	if (!h)
		return STEP_BAD;
	if (h[0] == 3) /* unnumbered information */
		return chain_next(ch, KEY_INNER, INNER_NLPID);
	if (cur_left(&ch->c) == 0)
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	cur_skip(&ch->c, 1);
	return chain_next(ch, KEY_ETHER, load_be16(h));
}

const struct dissector dissector_frame_relay = {
	.step = frame_relay_step,
	.keys = {{KEY_LINK, LINK_FRELAY}, {KEY_LINK, LINK_FRELAY_DIR}},
};
