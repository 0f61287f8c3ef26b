/* arp — ARP (RFC 826) and RARP: checked, but no flow. */
#include "decode/chain.h"
#include "decode/load.h"

#define HARDWARE_ETHERNET 1

static bool sizes_impossible(const uint8_t *h)
{
	unsigned hardware = load_be16(h), protocol = load_be16(h + 2);

	return (hardware == HARDWARE_ETHERNET && h[4] != 6) ||
	       (protocol == ETHERTYPE_IPV4 && h[5] != 4);
}

static enum step arp_step(struct chain *ch)
{
	const uint8_t *h;

	if (ch->has_flow) /* inside of a tunnel */
		return chain_no_flow(ch, PACKET_ARP);
	h = chain_take(ch, 8, MALFORMED_arp);
	if (!h)
		return STEP_BAD;
	if (sizes_impossible(h) || chain_left(ch) < 2u * (h[4] + h[5]))
		return chain_bad(ch, MALFORMED_arp);
	return chain_no_flow(ch, PACKET_ARP);
}

const struct dissector dissector_arp = {
	.step = arp_step,
	.keys = {{KEY_ETHER, ETHERTYPE_ARP}, {KEY_ETHER, ETHERTYPE_RARP}},
};
