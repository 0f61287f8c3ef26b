/* ppp — PPP in its framings (RFC 1661, 1662), PPPoE sessions (RFC 2516), Cisco HDLC. */
#include "decode/chain.h"
#include "decode/load.h"

enum {
	LINK_PPP = 9,
	LINK_PPP_SERIAL = 50,
	LINK_PPPOE = 51,
	LINK_PPP_BSDOS = 103,
	LINK_CHDLC = 104,
	LINK_PPPD = 166,
	LINK_PPP_DIR = 204,
	LINK_CHDLC_DIR = 205,
};

#define ETHERTYPE_PPPOE 0x8864

/* The protocol field may be compressed to one (odd) byte. */
static enum step protocol(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 1, MALFORMED_link_header);
	unsigned number;

	if (!h)
		return STEP_BAD;
	number = h[0];
	if ((number & 1) == 0) {
		h = chain_take(ch, 1, MALFORMED_link_header);
		if (!h)
			return STEP_BAD;
		number = number << 8 | h[0];
	}
	switch (number) {
	case 0x21: return chain_next(ch, KEY_ETHER, ETHERTYPE_IPV4);
	case 0x57: return chain_next(ch, KEY_ETHER, ETHERTYPE_IPV6);
	case 0x281: return chain_next(ch, KEY_ETHER, ETHERTYPE_MPLS);
	default: return chain_no_flow(ch, PACKET_OTHER_LINK);
	}
}

static enum step chdlc(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 4, MALFORMED_ethernet_short);
	unsigned type;

	if (!h)
		return STEP_BAD;
	type = load_be16(h + 2);
	if (type == 0xfefe) /* OSI, with a pad byte and an NLPID */
		return chain_next(ch, KEY_INNER, INNER_NLPID);
	if (type == ETHERTYPE_RARP) /* Cisco's SLARP has that number */
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	return chain_next(ch, KEY_ETHER, type);
}

/* Address and control, when they are there. */
static enum step framed(struct chain *ch)
{
	const uint8_t *h = ch->c.at;

	if (cur_left(&ch->c) >= 2 && h[0] == 0xff && h[1] == 0x03)
		cur_skip(&ch->c, 2);
	return protocol(ch);
}

static enum step serial(struct chain *ch)
{
	const uint8_t *h = ch->c.at;

	if (cur_left(&ch->c) >= 2 && (h[0] == 0x0f || h[0] == 0x8f))
		return chdlc(ch);
	return framed(ch);
}

/* Up to `skip` bytes that the capturing system put before the frame. */
static enum step skipped(
	struct chain *ch, uint32_t skip, enum step (*then)(struct chain *ch))
{
	return chain_take(ch, skip, MALFORMED_ethernet_short) ? then(ch) : STEP_BAD;
}

static enum step pppoe(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 6, MALFORMED_pppoe_header);
	uint32_t len;

	if (!h)
		return STEP_BAD;
	len = load_be16(h + 4);
	if (h[0] != 0x11 || (len > chain_left(ch) && ch->f->gso_bytes == 0))
		return chain_bad(ch, MALFORMED_pppoe_header);
	if (h[1] != 0)
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	if (ch->f->gso_bytes == 0) /* a super-packet's is that of one segment */
		chain_bound(ch, len);
	return protocol(ch);
}

static enum step link_step(struct chain *ch)
{
	switch (ch->key) {
	case LINK_PPP_SERIAL: return serial(ch);
	case LINK_PPPOE: return pppoe(ch);
	case LINK_PPP_BSDOS: return skipped(ch, 24, framed);
	case LINK_CHDLC: return chdlc(ch);
	case LINK_PPPD: return skipped(ch, 2, protocol);
	case LINK_PPP_DIR: return skipped(ch, 1, serial);
	case LINK_CHDLC_DIR: return skipped(ch, 1, chdlc);
	default: return serial(ch);
	}
}

static enum step ppp_step(struct chain *ch)
{
	if (ch->space == KEY_LINK)
		return link_step(ch);
	if (ch->space == KEY_ETHER && ch->key == ETHERTYPE_PPPOE)
		return pppoe(ch);
	return framed(ch);
}

const struct dissector dissector_ppp = {
	.step = ppp_step,
	.keys =
		{
			{KEY_LINK, LINK_PPP},
			{KEY_LINK, LINK_PPP_SERIAL},
			{KEY_LINK, LINK_PPPOE},
			{KEY_LINK, LINK_PPP_BSDOS},
			{KEY_LINK, LINK_CHDLC},
			{KEY_LINK, LINK_PPPD},
			{KEY_LINK, LINK_PPP_DIR},
			{KEY_LINK, LINK_CHDLC_DIR},
			{KEY_ETHER, ETHERTYPE_PPPOE},
			{KEY_ETHER, ETHERTYPE_PPP},
			{KEY_INNER, INNER_PPP},
		},
};
