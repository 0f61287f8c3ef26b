/* ipip — IP in IP (RFC 2003), 6in4 (RFC 4213), 4in6 and 6in6 (RFC 2473). */
#include "core/proto.h"
#include "decode/chain.h"

static enum step ipip_step(struct chain *ch)
{
	bool inner6 = ch->key == PROTO_IPV6;
	struct tunnel t = {.kind = inner6 ? TUNNEL_6IN4 : TUNNEL_IPIP};

	if (ch->family == FAMILY_V6)
		t.kind = inner6 ? TUNNEL_IP6IP6 : TUNNEL_4IN6;
	if (chain_tunnel(ch, t) == STEP_BAD)
		return STEP_BAD;
	return chain_next(ch, KEY_ETHER, inner6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
}

const struct dissector dissector_ipip = {
	.step = ipip_step,
	.keys = {{KEY_IP, PROTO_IPIP}, {KEY_IP, PROTO_IPV6}},
};
