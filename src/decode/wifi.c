/* wifi — data frames of 802.11 that are not encrypted. */
#include "decode/chain.h"
#include "decode/load.h"

#define LINK_WIFI 105

enum { /* first byte of the frame control field */
	TYPE_MASK = 0x0c,
	TYPE_DATA = 0x08,
	SUBTYPE_NO_DATA = 0x40,
	SUBTYPE_QOS = 0x80,
};

enum { /* second byte */
	TO_DS = 0x01,
	FROM_DS = 0x02,
	PROTECTED = 0x40,
	ORDER = 0x80,
};

#define QOS_AMSDU 0x80

static void take_addresses(struct chain *ch, const uint8_t *h, const uint8_t *fourth)
{
	struct packet *p = ch->p;
	unsigned ds = h[1] & (TO_DS | FROM_DS);

	if (p->tunnels)
		return; /* the outermost frame's are the ones of this link */
	memcpy(p->mac_dst, ds & TO_DS ? h + 16 : h + 4, 6);
	if (fourth)
		memcpy(p->mac_src, fourth, 6);
	else
		memcpy(p->mac_src, ds & FROM_DS ? h + 16 : h + 10, 6);
	p->has_mac = true;
}

/* The first frame of an aggregate: addresses and a length, then 802.2. */
static enum step amsdu(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 14, MALFORMED_ethernet_short);

	if (!h)
		return STEP_BAD;
	if (ch->p->tunnels == 0) {
		memcpy(ch->p->mac_dst, h, 6);
		memcpy(ch->p->mac_src, h + 6, 6);
	}
	if (load_be16(h + 12) <= chain_left(ch))
		chain_bound(ch, load_be16(h + 12));
	return chain_next(ch, KEY_INNER, INNER_LLC);
}

/* Leaves the cursor behind the header; writes the QoS byte, 0 when there is none. */
static bool data_header(struct chain *ch, const uint8_t *h, uint8_t *out_qos)
{
	const uint8_t *fourth = NULL, *qos;
	uint32_t size = 24;

	*out_qos = 0;
	if ((h[1] & (TO_DS | FROM_DS)) == (TO_DS | FROM_DS)) {
		fourth = chain_take(ch, 6, MALFORMED_ethernet_short);
		if (!fourth)
			return false;
		size += 6;
	}
	if (h[0] & SUBTYPE_QOS) {
		uint32_t len = h[1] & ORDER ? 6 : 2; /* with HT control */

		qos = chain_take(ch, len, MALFORMED_ethernet_short);
		if (!qos)
			return false;
		*out_qos = qos[0];
		size += len;
	}
	take_addresses(ch, h, fourth);
	return !ch->wifi_pad || (size & 3) == 0 ||
	       chain_take(ch, 4 - (size & 3), MALFORMED_ethernet_short);
}

static enum step wifi_step(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 2, MALFORMED_ethernet_short);
	uint8_t qos;

	if (!h)
		return STEP_BAD;
	if ((h[0] & (TYPE_MASK | SUBTYPE_NO_DATA)) != TYPE_DATA || h[1] & PROTECTED)
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	if (!chain_take(ch, 22, MALFORMED_ethernet_short))
		return STEP_BAD;
	if (h[22] & 15) /* a later fragment of the frame */
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	if (!data_header(ch, h, &qos))
		return STEP_BAD;
	return qos & QOS_AMSDU ? amsdu(ch) : chain_next(ch, KEY_INNER, INNER_LLC);
}

const struct dissector dissector_wifi = {
	.step = wifi_step,
	.keys = {{KEY_LINK, LINK_WIFI}, {KEY_INNER, INNER_WIFI}},
};
