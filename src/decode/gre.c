/* gre — GRE (RFC 2784, 2890, 1701), PPTP's version 1 (RFC 2637), and ERSPAN in it. */
#include "core/proto.h"
#include "decode/chain.h"
#include "decode/load.h"

enum {
	CHECKSUM = 0x8000,
	ROUTING = 0x4000,
	KEY = 0x2000,
	SEQUENCE = 0x1000,
	ACKNOWLEDGED = 0x0080, /* version 1 */
	VERSION = 0x0007,
};

enum {
	TYPE_ERSPAN = 0x88be, /* I and II */
	TYPE_ERSPAN3 = 0x22eb,
	TYPE_WCCP = 0x883e,
	TYPE_ARUBA = 0x8200, /* up to 0x8210: 802.11 frames of an access point */
	TYPE_ARUBA_LAST = 0x8210,
};

#define PORT_UDP 4754 /* RFC 8086 */

#define ROUTES 16 /* source route entries */

/* RFC 1701: entries up to one of length 0. */
static bool skip_routes(struct chain *ch)
{
	unsigned i;

	for (i = 0; i < ROUTES; i++) {
		const uint8_t *h = chain_take(ch, 4, MALFORMED_tunnel_header);

		if (!h)
			return false;
		if (load_be16(h) == 0 && h[3] == 0)
			return true;
		if (!chain_take(ch, h[3], MALFORMED_tunnel_header))
			return false;
	}
	ch->malformed = MALFORMED_tunnel_header;
	return false;
}

/* Everything behind flags and type. */
static bool take_fields(struct chain *ch, unsigned flags, struct tunnel *t)
{
	const uint8_t *key;

	if (flags & (CHECKSUM | ROUTING) && !chain_take(ch, 4, MALFORMED_tunnel_header))
		return false;
	if (flags & KEY) {
		key = chain_take(ch, 4, MALFORMED_tunnel_header);
		if (!key)
			return false;
		t->id = load_be32(key);
		t->has_id = true;
	}
	if (flags & SEQUENCE && !chain_take(ch, 4, MALFORMED_tunnel_header))
		return false;
	return (flags & ROUTING) == 0 || skip_routes(ch);
}

static enum step erspan(struct chain *ch, unsigned type, unsigned flags)
{
	struct tunnel t = {.kind = TUNNEL_ERSPAN};
	const uint8_t *h;

	if (type == TYPE_ERSPAN3 || flags & SEQUENCE) { /* I has no header of its own */
		h = chain_take(
			ch, type == TYPE_ERSPAN3 ? 12 : 8, MALFORMED_tunnel_header);
		if (!h)
			return STEP_BAD;
		t.id = load_be16(h + 2) & 0x3ff; /* session */
		t.has_id = true;
		if (type == TYPE_ERSPAN3 && h[11] & 1 &&
			!chain_take(ch, 8, MALFORMED_tunnel_header))
			return STEP_BAD;
	}
	if (chain_tunnel(ch, t) == STEP_BAD)
		return STEP_BAD;
	return chain_next(ch, KEY_ETHER, ETHERTYPE_ETHERNET);
}

static bool is_aruba(unsigned type)
{
	return type >= TYPE_ARUBA && type <= TYPE_ARUBA_LAST;
}

static bool is_known(const struct chain *ch, unsigned type)
{
	return type == TYPE_ERSPAN || type == TYPE_ERSPAN3 || type == TYPE_WCCP ||
	       is_aruba(type) || chain_lookup(ch->d, KEY_ETHER, type);
}

static enum step gre0(struct chain *ch, unsigned flags, unsigned type)
{
	struct tunnel t = {.kind = TUNNEL_GRE};

	if (!take_fields(ch, flags, &t))
		return STEP_BAD;
	if (!is_known(ch, type))
		return STEP_DONE; /* stays GRE */
	if (type == TYPE_ERSPAN || type == TYPE_ERSPAN3)
		return erspan(ch, type, flags);
	if (chain_tunnel(ch, t) == STEP_BAD)
		return STEP_BAD;
	if (is_aruba(type))
		return chain_next(ch, KEY_INNER, INNER_WIFI);
	if (type != TYPE_WCCP)
		return chain_next(ch, KEY_ETHER, type);
	/* version 2 puts four bytes before the packet */
	if (cur_left(&ch->c) > 4 && ch->c.at[0] >> 4 != 4)
		cur_skip(&ch->c, 4);
	return chain_next(ch, KEY_ETHER, ETHERTYPE_IPV4);
}

static enum step gre1(struct chain *ch, unsigned flags)
{
	const uint8_t *h = chain_take(ch, 4, MALFORMED_tunnel_header);
	struct tunnel t = {.kind = TUNNEL_GRE, .has_id = true};
	uint32_t len;

	if (!h)
		return STEP_BAD;
	len = load_be16(h);
	t.id = load_be16(h + 2); /* call */
	if (flags & SEQUENCE && !chain_take(ch, 4, MALFORMED_tunnel_header))
		return STEP_BAD;
	if (flags & ACKNOWLEDGED && !chain_take(ch, 4, MALFORMED_tunnel_header))
		return STEP_BAD;
	if (len == 0 || (flags & SEQUENCE) == 0)
		return STEP_DONE; /* an acknowledgement only */
	if (len > chain_claimed(ch) && !ch->partial)
		return chain_bad(ch, MALFORMED_tunnel_header);
	chain_bound(ch, len);
	if (chain_tunnel(ch, t) == STEP_BAD)
		return STEP_BAD;
	return chain_next(ch, KEY_INNER, INNER_PPP);
}

static enum step gre_step(struct chain *ch)
{
	bool by_port = ch->space == KEY_UDP;
	unsigned flags, type;
	const uint8_t *h;

	if (by_port && chain_left(ch) < 4)
		return STEP_DONE; /* UDP */
	h = chain_take(ch, 4, MALFORMED_tunnel_header);
	if (!h)
		return STEP_BAD;
	flags = load_be16(h);
	type = load_be16(h + 2);
	if (by_port && (flags & 0x4fff || !is_known(ch, type)))
		return STEP_DONE;
	if ((flags & VERSION) == 0)
		return gre0(ch, flags, type);
	if ((flags & VERSION) == 1 && type == ETHERTYPE_PPP)
		return gre1(ch, flags);
	return STEP_DONE;
}

const struct dissector dissector_gre = {
	.step = gre_step,
	.keys = {{KEY_IP, PROTO_GRE}, {KEY_UDP, PORT_UDP}},
};
