/* ip_extension — extension headers of IPv6 (RFC 8200 §4), and AH of both (RFC 4302). */
#include "core/proto.h"
#include "decode/chain.h"
#include "decode/load.h"

#define EXTENSIONS 16

enum {
	EXT_HOP_BY_HOP = 0,
	EXT_ROUTING = 43,
	EXT_FRAGMENT = 44,
	EXT_DESTINATION = 60,
	EXT_MOBILITY = 135,
	EXT_HIP = 139,
	EXT_SHIM6 = 140,
};

static enum step fragment_header(struct chain *ch)
{
	const uint8_t *h = chain_take(ch, 8, MALFORMED_ip6_extension);
	unsigned offset_flags;

	if (!h)
		return STEP_BAD;
	offset_flags = load_be16(h + 2);
	if ((offset_flags & 0xfff9) == 0)
		return chain_ip_payload(ch, h[0]); /* atomic (RFC 6946) */
	ch->proto = h[0];
	return chain_fragment(
		ch, load_be32(h + 4), offset_flags & 0xfff8, (offset_flags & 1) != 0);
}

/* Mobility, HIP and shim6 are protocols of their own when nothing follows them. */
static bool is_message(unsigned header, unsigned next)
{
	return next == PROTO_NO_NEXT && header >= EXT_MOBILITY;
}

static enum step plain_header(struct chain *ch, unsigned header)
{
	const uint8_t *h = chain_take(ch, 2, MALFORMED_ip6_extension);
	uint32_t len;

	if (!h)
		return STEP_BAD;
	len = header == PROTO_AH ? (h[1] + 2u) * 4 : (h[1] + 1u) * 8;
	if (!chain_take(ch, len - 2, MALFORMED_ip6_extension))
		return STEP_BAD;
	if (is_message(header, h[0]))
		return STEP_DONE;
	return chain_ip_payload(ch, h[0]);
}

static enum step extension_step(struct chain *ch)
{
	unsigned header = ch->key;

	if (ch->family == FAMILY_V4 && header != PROTO_AH)
		return STEP_DONE; /* just a protocol there */
	if (ch->extensions++ == EXTENSIONS)
		return chain_bad(ch, MALFORMED_ip6_extensions);
	if (header == EXT_FRAGMENT)
		return fragment_header(ch);
	return plain_header(ch, header);
}

const struct dissector dissector_ip_extension = {
	.step = extension_step,
	.keys =
		{
			{KEY_IP, EXT_HOP_BY_HOP},
			{KEY_IP, EXT_ROUTING},
			{KEY_IP, EXT_FRAGMENT},
			{KEY_IP, PROTO_AH},
			{KEY_IP, EXT_DESTINATION},
			{KEY_IP, EXT_MOBILITY},
			{KEY_IP, EXT_HIP},
			{KEY_IP, EXT_SHIM6},
		},
};
