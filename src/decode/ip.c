/* ip — IPv4 (RFC 791), and the fixed header of IPv6 (RFC 8200). */
#include "core/proto.h"
#include "decode/chain.h"
#include "decode/load.h"

/*
 * Bounds the packet to its IP length, counted from ip_at. Length 0 is segmentation
 * offload or a jumbogram: all of the frame.
 */
static void bound_ip(struct chain *ch, uint32_t len)
{
	uint32_t taken = chain_at(ch) - ch->ip_at;

	ch->ip_end = len ? ch->ip_at + len : ch->wire_end;
	chain_bound(ch, len ? len - taken : chain_left(ch));
}

static enum step ip4_options(struct chain *ch, uint32_t header, uint32_t total)
{
	if (header < 20)
		return chain_bad(ch, MALFORMED_ip_header_length);
	if (total != 0 && total < header)
		return chain_bad(ch, MALFORMED_ip_total_length);
	bound_ip(ch, total);
	if (header > 20 && !chain_take(ch, header - 20, MALFORMED_ip_header_length))
		return STEP_BAD;
	return STEP_NEXT;
}

static enum step ip4_step(struct chain *ch)
{
	struct packet *p = ch->p;
	uint32_t at = chain_at(ch), offset;
	const uint8_t *h = chain_take(ch, 20, MALFORMED_ip_short);
	bool more;

	if (!h)
		return STEP_BAD;
	if (h[0] >> 4 != 4)
		return chain_bad(ch, MALFORMED_ip_version);
	ch->ip_at = at;
	if (ip4_options(ch, (h[0] & 15u) * 4, load_be16(h + 2)) == STEP_BAD)
		return STEP_BAD;
	ch->guessed = false;
	p->tos = h[1];
	p->ip_id = load_be16(h + 4);
	p->ttl = h[8];
	ch->family = FAMILY_V4;
	ch->src = addr_v4(h + 12);
	ch->dst = addr_v4(h + 16);
	ch->extensions = 0;
	offset = (load_be16(h + 6) & 0x1fffu) * 8;
	more = (h[6] & 0x20) != 0;
	if (offset == 0 && !more)
		return chain_ip_payload(ch, h[9]);
	ch->proto = h[9];
	return chain_fragment(ch, p->ip_id, offset, more);
}

static enum step ip6_step(struct chain *ch)
{
	struct packet *p = ch->p;
	uint32_t at = chain_at(ch), len;
	const uint8_t *h = chain_take(ch, 40, MALFORMED_ip_short);

	if (!h)
		return STEP_BAD;
	if (h[0] >> 4 != 6)
		return chain_bad(ch, MALFORMED_ip_version);
	ch->ip_at = at;
	len = load_be16(h + 4);
	bound_ip(ch, len || h[6] == PROTO_NO_NEXT ? len + 40 : 0);
	ch->guessed = false;
	p->tos = (uint8_t)(load_be16(h) >> 4);
	p->ip_id = 0;
	p->ttl = h[7];
	ch->family = FAMILY_V6;
	ch->src = addr_v6(h + 8);
	ch->dst = addr_v6(h + 24);
	ch->extensions = 0;
	return chain_ip_payload(ch, h[6]);
}

/* By the version nibble. */
static enum step any_step(struct chain *ch)
{
	if (cur_left(&ch->c) && ch->c.at[0] >> 4 == 6)
		return ip6_step(ch);
	return ip4_step(ch);
}

static enum step ip_step(struct chain *ch)
{
	if (ch->space == KEY_ETHER)
		return ch->key == ETHERTYPE_IPV4 ? ip4_step(ch) : ip6_step(ch);
	if (ch->space == KEY_LINK && ch->key == 228)
		return ip4_step(ch);
	if (ch->space == KEY_LINK && ch->key == 229)
		return ip6_step(ch);
	return any_step(ch);
}

const struct dissector dissector_ip = {
	.step = ip_step,
	.keys =
		{
			{KEY_ETHER, ETHERTYPE_IPV4}, {KEY_ETHER, ETHERTYPE_IPV6},
			{KEY_INNER, INNER_IP},
			{KEY_LINK, 12},  /* DLT_RAW on most systems */
			{KEY_LINK, 14},  /* on OpenBSD */
			{KEY_LINK, 101}, /* RAW */
			{KEY_LINK, 228}, /* IPV4 */
			{KEY_LINK, 229}, /* IPV6 */
		},
};
