/* vlan — 802.1Q, 802.1ad and the older stacked tags. */
#include "decode/chain.h"
#include "decode/load.h"

static enum step vlan_step(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 4, MALFORMED_vlan_short);
	struct packet *p = ch->p;

	if (!h)
		return STEP_BAD;
	if (ch->tags++ == PACKET_VLANS)
		return chain_bad(ch, MALFORMED_too_many_tags);
	if (p->vlans < PACKET_VLANS)
		p->vlan[p->vlans++] = load_be16(h) & 0xfff;
	return chain_ethertype(ch, load_be16(h + 2));
}

const struct dissector dissector_vlan = {
	.step = vlan_step,
	.keys = {{KEY_ETHER, ETHERTYPE_VLAN}, {KEY_ETHER, 0x88a8}, {KEY_ETHER, 0x9100}},
};
