/* gtpu — user data of mobile networks: GTP-U version 1 (3GPP TS 29.281 §5). */
#include "decode/chain.h"
#include "decode/load.h"

#define PORT       2152
#define EXTENSIONS 8

enum {
	VERSION_AND_TYPE = 0xf0, /* version 1, GTP rather than GTP' */
	HAS_EXTENSION = 0x04,
	HAS_OPTIONAL = 0x07, /* any of extension, sequence number, N-PDU number */
};

#define MESSAGE_DATA 255

/* Extension headers: a length in words, content, the next one's type. */
static bool skip_extensions(struct cur *c, unsigned next)
{
	unsigned i;

	for (i = 0; next != 0; i++) {
		unsigned words = cur_u8(c);

		if (words == 0 || i == EXTENSIONS)
			return false;
		cur_skip(c, words * 4u - 2);
		next = cur_u8(c);
	}
	return !c->bad;
}

/* Leaves `c` at the inner packet. */
static bool take_header(struct cur *c, struct tunnel *t, uint32_t *out_len)
{
	unsigned flags = cur_u8(c), next = 0;

	if ((flags & VERSION_AND_TYPE) != 0x30 || cur_u8(c) != MESSAGE_DATA)
		return false;
	*out_len = cur_be16(c);
	t->id = cur_be32(c);
	if (flags & HAS_OPTIONAL) {
		cur_skip(c, 3);
		next = cur_u8(c);
	}
	return flags & HAS_EXTENSION ? skip_extensions(c, next) : !c->bad;
}

static enum step gtpu_step(struct chain *ch)
{
	struct tunnel t = {.kind = TUNNEL_GTPU, .has_id = true};
	uint32_t len = 0, left = chain_left(ch), taken;
	struct cur c = ch->c;

	if (!take_header(&c, &t, &len) || (len + 8 > left && !ch->partial))
		return STEP_DONE; /* stays UDP */
	taken = (uint32_t)(c.at - ch->c.at);
	if (taken >= len + 8 || cur_left(&c) == 0)
		return STEP_DONE;
	if (c.at[0] >> 4 != 4 && c.at[0] >> 4 != 6)
		return STEP_DONE; /* Ethernet or unstructured data of 5G sessions */
	chain_bound(ch, len + 8);
	cur_skip(&ch->c, taken);
	if (chain_tunnel(ch, t) == STEP_BAD)
		return STEP_BAD;
	return chain_next(ch, KEY_INNER, INNER_IP);
}

const struct dissector dissector_gtpu = {
	.step = gtpu_step,
	.keys = {{KEY_UDP, PORT}},
};
