/* udp6 — IPv6 in UDP: Teredo (RFC 4380 §5.1.1) and AYIYA (draft-massar-v6ops-ayiya). */
#include "core/proto.h"
#include "decode/chain.h"
#include "decode/load.h"

#define PORT_TEREDO 3544
#define PORT_AYIYA  5072

enum {
	TEREDO_ORIGIN = 0,
	TEREDO_AUTHENTICATION = 1,
};

/* Leaves `c` at the IPv6 header; at most one of each indicator comes before it. */
static bool take_teredo(struct cur *c)
{
	unsigned i;

	for (i = 0; i < 3; i++) {
		unsigned type;

		if (cur_left(c) < 40)
			return false;
		if (c->at[0] >> 4 == 6)
			return true;
		type = cur_be16(c);
		if (type == TEREDO_ORIGIN) {
			cur_skip(c, 6);
		} else if (type == TEREDO_AUTHENTICATION) {
			unsigned client = cur_u8(c);

			cur_skip(c, cur_u8(c) + client + 9u);
		} else {
			return false;
		}
	}
	return false;
}

/* Identity 2^n bytes, signature n words; forwarded IPv6 only. */
static bool take_ayiya(struct cur *c)
{
	const uint8_t *h = cur_take(c, 8);

	if (!h || h[0] >> 4 > 8 || (h[2] & 15) != 1 || h[3] != PROTO_IPV6)
		return false;
	cur_skip(c, 1u << (h[0] >> 4));
	cur_skip(c, (h[1] >> 4) * 4u);
	return cur_left(c) >= 40 && c->at[0] >> 4 == 6;
}

static enum step udp6_step(struct chain *ch)
{
	bool teredo = ch->key == PORT_TEREDO;
	struct tunnel t = {.kind = teredo ? TUNNEL_TEREDO : TUNNEL_AYIYA};
	struct cur c = ch->c;
	uint32_t left;

	if (!(teredo ? take_teredo(&c) : take_ayiya(&c)))
		return STEP_DONE; /* stays UDP */
	left = chain_claimed(ch) - (uint32_t)(c.at - ch->c.at);
	if (load_be16(c.at + 4) + 40u > left && !ch->partial)
		return STEP_DONE;
	ch->c = c;
	if (chain_tunnel(ch, t) == STEP_BAD)
		return STEP_BAD;
	return chain_next(ch, KEY_ETHER, ETHERTYPE_IPV6);
}

const struct dissector dissector_udp6 = {
	.step = udp6_step,
	.keys = {{KEY_UDP, PORT_TEREDO}, {KEY_UDP, PORT_AYIYA}},
};
