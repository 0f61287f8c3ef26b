/* geneve — GENEVE (RFC 8926). */
#include "decode/chain.h"
#include "decode/load.h"

#define PORT 6081

static enum step geneve_step(struct chain *ch)
{
	const uint8_t *h = ch->c.at;
	struct tunnel t = {.kind = TUNNEL_GENEVE, .has_id = true};
	uint32_t size;

	if (chain_left(ch) < 8)
		return STEP_DONE; /* stays UDP */
	if (cur_left(&ch->c) < 8)
		return chain_bad(ch, MALFORMED_cut);
	size = 8 + (h[0] & 0x3fu) * 4;
	if (h[0] >> 6 != 0 || (h[1] & 0x3f) != 0 || h[7] != 0 || chain_left(ch) < size)
		return STEP_DONE;
	if (!chain_lookup(ch->d, KEY_ETHER, load_be16(h + 2)))
		return STEP_DONE;
	t.id = load_be32(h + 4) >> 8;
	if (!chain_take(ch, size, MALFORMED_tunnel_header))
		return STEP_BAD;
	if (chain_tunnel(ch, t) == STEP_BAD)
		return STEP_BAD;
	return chain_next(ch, KEY_ETHER, load_be16(h + 2));
}

const struct dissector dissector_geneve = {
	.step = geneve_step,
	.keys = {{KEY_UDP, PORT}},
};
