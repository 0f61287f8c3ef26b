/*
 * tag — tags between the addresses and the type that name no VLAN: 802.1ah, 802.1BR,
 * those of Cisco (FabricPath, VN-Tag, metadata), and MACsec (802.1AE) that signs but
 * does not encrypt.
 */
#include "decode/chain.h"
#include "decode/load.h"

enum {
	TYPE_MACSEC = 0x88e5,
	TYPE_I_TAG = 0x88e7,
	TYPE_FABRIC_PATH = 0x8903,
	TYPE_METADATA = 0x8909,
	TYPE_VN_TAG = 0x8926,
	TYPE_E_TAG = 0x893f,
};

enum { /* first byte of MACsec's tag */
	HAS_CHANNEL = 0x20,
	ENCRYPTED = 0x08,
	CHANGED = 0x04,
};

#define MACSEC_CHECK 16 /* bytes at the end */

static enum step then_type(struct chain *ch, uint32_t size)
{
	const uint8_t *h = chain_take(ch, size + 2, MALFORMED_vlan_short);

	return h ? chain_ethertype(ch, load_be16(h + size)) : STEP_BAD;
}

static enum step macsec(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 6, MALFORMED_vlan_short);
	uint32_t channel;

	if (!h)
		return STEP_BAD;
	if (h[0] & (ENCRYPTED | CHANGED))
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	channel = h[0] & HAS_CHANNEL ? 8 : 0;
	if (chain_left(ch) < channel + 2 + MACSEC_CHECK)
		return chain_bad(ch, MALFORMED_vlan_short);
	ch->wire_end -= MACSEC_CHECK;
	cur_limit(&ch->c, chain_left(ch));
	return then_type(ch, channel);
}

static enum step tag_step(struct chain *ch)
{
	switch (ch->key) {
	case TYPE_MACSEC: return macsec(ch);
	case TYPE_METADATA:
	case TYPE_E_TAG: return then_type(ch, 6);
	case TYPE_VN_TAG: return then_type(ch, 4);
	default: break;
	}
	/* a tag, then a frame with addresses of its own */
	if (!chain_take(ch, ch->key == TYPE_I_TAG ? 4 : 2, MALFORMED_vlan_short))
		return STEP_BAD;
	return chain_next(ch, KEY_ETHER, ETHERTYPE_ETHERNET);
}

const struct dissector dissector_tag = {
	.step = tag_step,
	.keys =
		{
			{KEY_ETHER, TYPE_I_TAG},
			{KEY_ETHER, TYPE_MACSEC},
			{KEY_ETHER, TYPE_FABRIC_PATH},
			{KEY_ETHER, TYPE_METADATA},
			{KEY_ETHER, TYPE_VN_TAG},
			{KEY_ETHER, TYPE_E_TAG},
		},
};
