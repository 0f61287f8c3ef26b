/*
 * capture_header — headers of the capturing system that name the link type inside:
 * NFLOG, PPI, PKTAP; and IP over InfiniBand, ARCnet, whose own are as short.
 */
#include "decode/chain.h"
#include "decode/load.h"

enum {
	LINK_ARCNET = 129,
	LINK_PPI = 192,
	LINK_NFLOG = 239,
	LINK_IPOIB = 242,
	LINK_PKTAP = 258,
};

#define NFLOG_PAYLOAD 9

/* Values are in the byte order of the machine that captured; types are below 256. */
static void nflog_field(const uint8_t *h, unsigned *out_len, unsigned *out_type)
{
	*out_len = load_le16(h);
	*out_type = load_le16(h + 2);
	if (*out_type > 0xff && (*out_type & 0xff) == 0) {
		*out_len = load_be16(h);
		*out_type = load_be16(h + 2);
	}
}

/* Leaves the cursor at the packet; false when the fields are broken. */
static bool nflog_payload(struct chain *ch)
{
	unsigned len, type;

	while (chain_left(ch)) {
		const uint8_t *h = chain_take(ch, 4, MALFORMED_link_header);

		if (!h)
			return false;
		nflog_field(h, &len, &type);
		if (len < 4) {
			ch->malformed = MALFORMED_link_header;
			return false;
		}
		if (type == NFLOG_PAYLOAD)
			return true;
		if (!chain_take(ch, ((len + 3) & ~3u) - 4, MALFORMED_link_header))
			return false;
	}
	return true;
}

static enum step nflog(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 4, MALFORMED_ethernet_short);

	if (!h)
		return STEP_BAD;
	if (h[1] != 0) /* version */
		return chain_bad(ch, MALFORMED_link_header);
	if (!nflog_payload(ch))
		return STEP_BAD;
	if (chain_left(ch) == 0) /* a log entry without a packet */
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	if (h[0] == 2)
		return chain_next(ch, KEY_ETHER, ETHERTYPE_IPV4);
	if (h[0] == 10)
		return chain_next(ch, KEY_ETHER, ETHERTYPE_IPV6);
	return chain_no_flow(ch, PACKET_OTHER_LINK);
}

static enum step ppi(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 8, MALFORMED_ethernet_short);
	uint32_t size;

	if (!h)
		return STEP_BAD;
	size = load_le16(h + 2);
	if (h[0] != 0 || size < 8)
		return chain_bad(ch, MALFORMED_link_header);
	if (!chain_take(ch, size - 8, MALFORMED_link_header))
		return STEP_BAD;
	return chain_next(ch, KEY_LINK, load_le16(h + 4));
}

static enum step pktap(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 12, MALFORMED_ethernet_short);
	uint32_t size;

	if (!h)
		return STEP_BAD;
	size = load_le32(h);
	if (size < 12)
		return chain_bad(ch, MALFORMED_link_header);
	if (!chain_take(ch, size - 12, MALFORMED_link_header))
		return STEP_BAD;
	if (load_le32(h + 4) != 1) /* a record that holds no packet */
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	return chain_next(ch, KEY_LINK, load_le16(h + 8));
}

static enum step ipoib(struct chain *ch)
{
	/* global route header (40), then RFC 4391 §6 */
	const uint8_t *h = chain_take(ch, 44, MALFORMED_ethernet_short);

	return h ? chain_next(ch, KEY_ETHER, load_be16(h + 40)) : STEP_BAD;
}

static enum step arcnet_type(struct chain *ch, unsigned type)
{
	switch (type) {
	case 240: /* RFC 1051 */
	case 212: return chain_next(ch, KEY_ETHER, ETHERTYPE_IPV4);
	case 241:
	case 213: return chain_next(ch, KEY_ETHER, ETHERTYPE_ARP);
	case 214: return chain_next(ch, KEY_ETHER, ETHERTYPE_RARP);
	case 196: return chain_next(ch, KEY_ETHER, ETHERTYPE_IPV6);
	default: return chain_no_flow(ch, PACKET_OTHER_LINK);
	}
}

/* Addresses, two bytes of the driver, type; RFC 1201: split flag and sequence number.
 */
static enum step arcnet(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 5, MALFORMED_ethernet_short);
	const uint8_t *split;

	if (!h)
		return STEP_BAD;
	if (h[4] == 240 || h[4] == 241)
		return arcnet_type(ch, h[4]);
	split = chain_take(ch, 3, MALFORMED_ethernet_short);
	if (!split)
		return STEP_BAD;
	if (split[0] == 0xff && !chain_take(ch, 4, MALFORMED_ethernet_short))
		return STEP_BAD; /* an exception packet has a second header */
	if (split[0] > 1 && split[0] != 0xff && (split[0] & 1) == 0)
		return chain_no_flow(ch, PACKET_OTHER_LINK); /* a later part */
	return arcnet_type(ch, h[4]);
}

static enum step capture_header_step(struct chain *ch)
{
	switch (ch->key) {
	case LINK_ARCNET: return arcnet(ch);
	case LINK_PPI: return ppi(ch);
	case LINK_NFLOG: return nflog(ch);
	case LINK_PKTAP: return pktap(ch);
	default: return ipoib(ch);
	}
}

const struct dissector dissector_capture_header = {
	.step = capture_header_step,
	.keys =
		{
			{KEY_LINK, LINK_ARCNET},
			{KEY_LINK, LINK_PPI},
			{KEY_LINK, LINK_NFLOG},
			{KEY_LINK, LINK_IPOIB},
			{KEY_LINK, LINK_PKTAP},
		},
};
