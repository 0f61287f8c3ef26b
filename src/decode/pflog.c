/* pflog — packets that pf logged on OpenBSD, FreeBSD, NetBSD and macOS. */
#include "decode/bsd_family.h"

static enum step pflog_step(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 2, MALFORMED_ethernet_short);
	uint32_t size;
	unsigned family;

	if (!h)
		return STEP_BAD;
	family = h[1];
	if (h[0] < 45) /* up to the rule number, interface and direction */
		return chain_bad(ch, MALFORMED_link_header);
	size = (h[0] + 3u) & ~3u; /* the length does not count the padding */
	if (!chain_take(ch, size - 2, MALFORMED_ethernet_short))
		return STEP_BAD;
	return bsd_family_next(ch, family);
}

const struct dissector dissector_pflog = {
	.step = pflog_step,
	.keys = {{KEY_LINK, 117}},
};
