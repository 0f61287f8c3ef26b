/* loop — headers that are an address family: NULL, LOOP, ENC, Solaris' IPNET. */
#include "decode/bsd_family.h"
#include "decode/load.h"

enum {
	LINK_NULL = 0,
	LINK_LOOP = 108,
	LINK_ENC = 109,
	LINK_IPNET = 226,
};

static enum step loop_step(struct chain *ch)
{
	uint32_t size = ch->key == LINK_ENC ? 12 : ch->key == LINK_IPNET ? 24 : 4;
	const uint8_t *h = chain_take(ch, size, MALFORMED_ethernet_short);

	if (!h)
		return STEP_BAD;
	return bsd_family_next(ch, ch->key == LINK_IPNET ? h[1] : load_le32(h));
}

const struct dissector dissector_loop = {
	.step = loop_step,
	.keys =
		{
			{KEY_LINK, LINK_NULL},
			{KEY_LINK, LINK_LOOP},
			{KEY_LINK, LINK_ENC},
			{KEY_LINK, LINK_IPNET},
		},
};
