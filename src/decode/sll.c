/* sll — Linux cooked captures, both versions (LINKTYPE_LINUX_SLL, _SLL2). */
#include "decode/chain.h"
#include "decode/load.h"

enum {
	LINK_SLL = 113,
	LINK_SLL2 = 276,
	LINK_RADIOTAP = 127,
};

enum {
	HRD_FRAD = 770,
	HRD_GRE = 778,
	HRD_RADIOTAP = 803,
	HRD_NETLINK = 824,
};

#define PROTOCOL_802_3 1 /* Novell's frames without 802.2 */
#define PROTOCOL_802_2 4

static enum step sll_payload(struct chain *ch, unsigned hardware, unsigned protocol)
{
	switch (hardware) {
	case HRD_FRAD: return chain_next(ch, KEY_LINK, 107);
	case HRD_RADIOTAP: return chain_next(ch, KEY_LINK, LINK_RADIOTAP);
	case HRD_NETLINK: return chain_no_flow(ch, PACKET_OTHER_LINK);
	default: break;
	}
	if (protocol == PROTOCOL_802_2)
		return chain_next(ch, KEY_INNER, INNER_LLC);
	if (protocol < 0x600)
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	return chain_next(ch, KEY_ETHER, protocol);
}

static enum step sll_step(struct chain *ch)
{
	const uint8_t *h;

	if (ch->key == LINK_SLL) {
		h = chain_take(ch, 16, MALFORMED_ethernet_short);
		if (!h)
			return STEP_BAD;
		return sll_payload(ch, load_be16(h + 2), load_be16(h + 14));
	}
	h = chain_take(ch, 20, MALFORMED_ethernet_short);
	if (!h)
		return STEP_BAD;
	ch->p->carrier = load_be16(h + 6); /* low half of the ifindex */
	return sll_payload(ch, load_be16(h + 8), load_be16(h));
}

const struct dissector dissector_sll = {
	.step = sll_step,
	.keys = {{KEY_LINK, LINK_SLL}, {KEY_LINK, LINK_SLL2}},
};
