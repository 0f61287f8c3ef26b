/* vxlan — VXLAN (RFC 7348) on its own and on Linux' first port. */
#include "decode/chain.h"
#include "decode/load.h"

#define PORT       4789
#define PORT_LINUX 8472

enum {
	HAS_VNI = 0x08,
	GROUP_POLICY = 0x80, /* draft-smith-vxlan-group-policy */
};

static enum step vxlan_step(struct chain *ch)
{
	const uint8_t *h = ch->c.at;
	struct tunnel t = {.kind = TUNNEL_VXLAN, .has_id = true};

	if (chain_left(ch) < 8 + 14) /* datagrams that are no VXLAN stay UDP */
		return STEP_DONE;
	if (cur_left(&ch->c) < 8)
		return chain_bad(ch, MALFORMED_cut);
	if ((h[0] | GROUP_POLICY) != (HAS_VNI | GROUP_POLICY) || h[7] != 0)
		return STEP_DONE;
	if ((h[0] & GROUP_POLICY) == 0 && (h[1] | h[2] | h[3]) != 0)
		return STEP_DONE;
	t.id = load_be32(h + 4) >> 8;
	cur_skip(&ch->c, 8);
	if (chain_tunnel(ch, t) == STEP_BAD)
		return STEP_BAD;
	return chain_next(ch, KEY_ETHER, ETHERTYPE_ETHERNET);
}

const struct dissector dissector_vxlan = {
	.step = vxlan_step,
	.keys = {{KEY_UDP, PORT}, {KEY_UDP, PORT_LINUX}},
};
