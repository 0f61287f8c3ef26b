/* slip — SLIP frames with the 16 bytes that libpcap puts before them, and BSD/OS' 24.
 */
#include "decode/chain.h"

#define LINK_SLIP       8
#define LINK_SLIP_BSDOS 102

static enum step slip_step(struct chain *ch)
{
	uint32_t size = ch->key == LINK_SLIP ? 16 : 24;

	if (!chain_take(ch, size, MALFORMED_ethernet_short))
		return STEP_BAD;
	if (cur_left(&ch->c) && ch->c.at[0] >> 4 != 4 && ch->c.at[0] >> 4 != 6)
		return chain_no_flow(ch, PACKET_OTHER_LINK); /* compressed (RFC 1144) */
	return chain_next(ch, KEY_INNER, INNER_IP);
}

const struct dissector dissector_slip = {
	.step = slip_step,
	.keys = {{KEY_LINK, LINK_SLIP}, {KEY_LINK, LINK_SLIP_BSDOS}},
};
