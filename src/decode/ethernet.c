/* ethernet — Ethernet II and 802.3 frames, and those with a switch tag (DSA). */
#include "decode/chain.h"
#include "decode/load.h"

enum {
	LINK_ETHERNET = 1,
	LINK_BRCM = 281,
	LINK_BRCM_PREPEND = 282,
	LINK_DSA = 284,
	LINK_EDSA = 285,
};

/* The outermost frame's addresses are the ones of this link. */
static bool take_addresses(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 12, MALFORMED_ethernet_short);
	struct packet *p = ch->p;

	if (!h)
		return false;
	if (p->tunnels == 0 && !p->has_mac) {
		memcpy(p->mac_dst, h, 6);
		memcpy(p->mac_src, h + 6, 6);
		p->has_mac = true;
	}
	return true;
}

static enum step take_type(struct chain *ch)
{
	const uint8_t *type = chain_take(ch, 2, MALFORMED_ethernet_short);

	return type ? chain_ethertype(ch, load_be16(type)) : STEP_BAD;
}

/* Marvell tag: its T bit says that it stands for an 802.1Q tag. */
static void dsa_vlan(struct chain *ch, const uint8_t *tag)
{
	struct packet *p = ch->p;

	if (tag[0] & 0x20 && p->vlans < PACKET_VLANS)
		p->vlan[p->vlans++] = load_be16(tag + 2) & 0xfff;
}

/* Bytes of the switch tag between the addresses and the type. */
static uint32_t tag_bytes(const struct chain *ch)
{
	if (ch->space != KEY_LINK)
		return 0;
	switch (ch->key) {
	case LINK_BRCM:
	case LINK_DSA: return 4;
	case LINK_EDSA: return 8;
	default: return 0;
	}
}

static enum step ethernet_step(struct chain *ch)
{
	uint32_t tag = tag_bytes(ch);
	const uint8_t *h;

	if (ch->space != KEY_LINK)
		ch->tags = 0;
	else if (ch->key == LINK_BRCM_PREPEND &&
		 !chain_take(ch, 4, MALFORMED_link_header))
		return STEP_BAD;
	if (!take_addresses(ch))
		return STEP_BAD;
	if (tag) {
		h = chain_take(ch, tag, MALFORMED_ethernet_short);
		if (!h)
			return STEP_BAD;
		if (ch->key != LINK_BRCM)
			dsa_vlan(ch, h + tag - 4);
	}
	return take_type(ch);
}

const struct dissector dissector_ethernet = {
	.step = ethernet_step,
	.keys =
		{
			{KEY_LINK, LINK_ETHERNET},
			{KEY_LINK, LINK_BRCM},
			{KEY_LINK, LINK_BRCM_PREPEND},
			{KEY_LINK, LINK_DSA},
			{KEY_LINK, LINK_EDSA},
			{KEY_ETHER, ETHERTYPE_ETHERNET},
		},
};
