/* vxlan — VXLAN (RFC 7348), also on Linux' first port, and its Generic Protocol
 * Extension. */
#include "decode/chain.h"
#include "decode/load.h"

enum {
	PORT = 4789,
	PORT_GPE = 4790,
	PORT_LINUX = 8472,
};

enum { /* first byte */
	NEXT_PROTOCOL = 0x04,
	HAS_VNI = 0x08,
	GROUP_POLICY = 0x80, /* draft-smith-vxlan-group-policy */
};

enum { /* fourth byte with NEXT_PROTOCOL (draft-ietf-nvo3-vxlan-gpe) */
	NEXT_IP4 = 1,
	NEXT_IP6 = 2,
	NEXT_ETHERNET = 3,
	NEXT_MPLS = 5,
};

static unsigned gpe_type(const uint8_t *h)
{
	if ((h[1] | h[2]) != 0)
		return 0;
	switch (h[3]) {
	case NEXT_IP4: return ETHERTYPE_IPV4;
	case NEXT_IP6: return ETHERTYPE_IPV6;
	case NEXT_ETHERNET: return ETHERTYPE_ETHERNET;
	case NEXT_MPLS: return ETHERTYPE_MPLS;
	default: return 0;
	}
}

/* The ethertype of what follows; 0: this is no VXLAN, and stays UDP. */
static unsigned next_type(const uint8_t *h)
{
	bool zero = (h[1] | h[2] | h[3]) == 0;

	if (h[7] != 0)
		return 0;
	if (h[0] == (HAS_VNI | NEXT_PROTOCOL))
		return gpe_type(h);
	if ((h[0] == HAS_VNI && zero) || h[0] == (HAS_VNI | GROUP_POLICY))
		return ETHERTYPE_ETHERNET;
	return 0;
}

static enum step vxlan_step(struct chain *ch)
{
	const uint8_t *h = ch->c.at;
	struct tunnel t = {.kind = TUNNEL_VXLAN, .has_id = true};
	unsigned type;

	if (chain_left(ch) < 8)
		return STEP_DONE;
	if (cur_left(&ch->c) < 8)
		return chain_bad(ch, MALFORMED_cut);
	type = next_type(h);
	if (type == 0)
		return STEP_DONE;
	t.id = load_be32(h + 4) >> 8;
	cur_skip(&ch->c, 8);
	if (chain_tunnel(ch, t) == STEP_BAD)
		return STEP_BAD;
	return chain_next(ch, KEY_ETHER, type);
}

const struct dissector dissector_vxlan = {
	.step = vxlan_step,
	.keys = {{KEY_UDP, PORT}, {KEY_UDP, PORT_GPE}, {KEY_UDP, PORT_LINUX}},
};
