/* radio — what a driver tells about a received 802.11 frame: radiotap, Prism, AVS. */
#include "decode/chain.h"
#include "decode/load.h"

enum {
	LINK_PRISM = 119,
	LINK_RADIOTAP = 127,
	LINK_AVS = 163,
};

#define RADIOTAP_EXTENDED 0x80000000u
#define RADIOTAP_TSFT     0x1u
#define RADIOTAP_FLAGS    0x2u
#define FLAG_FCS          0x10u
#define FLAG_DATA_PAD     0x20u
#define AVS_MAGIC         0x80211000u
#define PRISM_BYTES       144

/* The flags field: behind all presence words and the 64-bit time, which is aligned
 * to 8. */
static unsigned radiotap_flags(const uint8_t *h, uint32_t size)
{
	struct cur c = cur_of(h, size);
	uint32_t present, more;

	cur_skip(&c, 4);
	present = more = cur_le32(&c);
	while (more & RADIOTAP_EXTENDED && !c.bad)
		more = cur_le32(&c);
	if (present & RADIOTAP_TSFT) {
		cur_skip(&c, (size_t)(h - c.at) & 7u);
		cur_skip(&c, 8);
	}
	return present & RADIOTAP_FLAGS ? cur_u8(&c) : 0;
}

static enum step radiotap(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 8, MALFORMED_ethernet_short);
	uint32_t size, left;
	unsigned flags;

	if (!h)
		return STEP_BAD;
	size = load_le16(h + 2);
	if (h[0] != 0 || size < 8)
		return chain_bad(ch, MALFORMED_link_header);
	if (!chain_take(ch, size - 8, MALFORMED_link_header))
		return STEP_BAD;
	flags = radiotap_flags(h, size);
	left = chain_left(ch);
	if (flags & FLAG_FCS && left >= 4) {
		/* not a length field: it may bound the bytes, but not what IP claims */
		ch->wire_end -= 4;
		cur_limit(&ch->c, left - 4);
	}
	ch->wifi_pad = (flags & FLAG_DATA_PAD) != 0;
	return chain_next(ch, KEY_INNER, INNER_WIFI);
}

static enum step avs(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 8, MALFORMED_ethernet_short);
	uint32_t size;

	if (!h)
		return STEP_BAD;
	size = load_be32(h + 4);
	if (size < 8 || !chain_take(ch, size - 8, MALFORMED_link_header))
		return size < 8 ? chain_bad(ch, MALFORMED_link_header) : STEP_BAD;
	return chain_next(ch, KEY_INNER, INNER_WIFI);
}

/* Drivers put AVS headers under Prism's link type, too. */
static enum step prism(struct chain *ch)
{
	if (cur_left(&ch->c) >= 4 && (load_be32(ch->c.at) & 0xfffff000) == AVS_MAGIC)
		return avs(ch);
	if (!chain_take(ch, PRISM_BYTES, MALFORMED_ethernet_short))
		return STEP_BAD;
	return chain_next(ch, KEY_INNER, INNER_WIFI);
}

static enum step radio_step(struct chain *ch)
{
	switch (ch->key) {
	case LINK_PRISM: return prism(ch);
	case LINK_AVS: return avs(ch);
	default: return radiotap(ch);
	}
}

const struct dissector dissector_radio = {
	.step = radio_step,
	.keys = {{KEY_LINK, LINK_PRISM}, {KEY_LINK, LINK_RADIOTAP},
		{KEY_LINK, LINK_AVS}},
};
