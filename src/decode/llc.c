/* llc — 802.2 headers and SNAP (RFC 1042), and what RFC 2427 puts behind an NLPID. */
#include "decode/chain.h"
#include "decode/load.h"

enum {
	SAP_SNAP = 0xaa,
	SAP_IP = 0x06,
	SAP_OSI = 0xfe,
	NLPID_SNAP = 0x80,
	NLPID_IP6 = 0x8e,
	NLPID_IP4 = 0xcc,
	NLPID_PPP = 0xcf,
};

#define OUI_ETHERNET 0x000000
#define OUI_BRIDGED  0x0080c2 /* RFC 2684, RFC 2427: the PID says which network */
#define OUI_TUNNEL   0x0000f8 /* 802.1H */

static enum step snap(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 5, MALFORMED_link_header);
	uint32_t oui;
	unsigned type;

	if (!h)
		return STEP_BAD;
	oui = load_be32(h) >> 8;
	type = load_be16(h + 3);
	if (oui == OUI_BRIDGED && (type == 1 || type == 7)) {
		/* Ethernet, with two bytes of padding on ATM (RFC 2684 §5.2) */
		if (ch->f->linktype == 100 || ch->f->linktype == 106 ||
			ch->f->linktype == 123)
			cur_skip(&ch->c, 2);
		return chain_next(ch, KEY_ETHER, ETHERTYPE_ETHERNET);
	}
	if ((oui == OUI_ETHERNET || oui == OUI_TUNNEL) && type >= 0x600)
		return chain_next(ch, KEY_ETHER, type);
	return chain_no_flow(ch, PACKET_OTHER_LINK);
}

static enum step nlpid(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 1, MALFORMED_link_header);

	if (!h)
		return STEP_BAD;
	if (*h == 0 && cur_left(&ch->c)) /* pad byte (RFC 2427 §3) */
		h = cur_take(&ch->c, 1);
	switch (*h) {
	case NLPID_IP4: return chain_next(ch, KEY_ETHER, ETHERTYPE_IPV4);
	case NLPID_IP6: return chain_next(ch, KEY_ETHER, ETHERTYPE_IPV6);
	case NLPID_PPP: return chain_next(ch, KEY_INNER, INNER_PPP);
	case NLPID_SNAP: return snap(ch);
	default: return chain_no_flow(ch, PACKET_OTHER_LINK);
	}
}

static enum step llc_step(struct chain *ch)
{
	const uint8_t *h;

	if (ch->key == INNER_NLPID)
		return nlpid(ch);
	if (chain_left(ch) < 3) /* Novell's raw frames and worse: no IP in any case */
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	h = chain_take(ch, 3, MALFORMED_link_header);
	if (!h)
		return STEP_BAD;
	if (h[2] != 3) /* not an unnumbered information frame */
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	if (h[0] == SAP_SNAP && h[1] == SAP_SNAP)
		return snap(ch);
	if (h[0] == SAP_IP)
		return chain_next(ch, KEY_ETHER, ETHERTYPE_IPV4);
	if (h[0] == SAP_OSI && h[1] == SAP_OSI)
		return nlpid(ch);
	return chain_no_flow(ch, PACKET_OTHER_LINK);
}

const struct dissector dissector_llc = {
	.step = llc_step,
	.keys = {{KEY_INNER, INNER_LLC}, {KEY_INNER, INNER_NLPID}},
};
