/* bsd_family — address families as the systems number them, in either byte order. */
#ifndef KONN_DECODE_BSD_FAMILY_H
#define KONN_DECODE_BSD_FAMILY_H

#include "decode/chain.h"

/* IPv4, IPv6 (Linux 10, NetBSD 24, FreeBSD 28, macOS 30, Solaris 26), or no IP. */
static inline enum step bsd_family_next(struct chain *ch, uint32_t family)
{
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	switch (family) {
	case 2: return chain_next(ch, KEY_ETHER, ETHERTYPE_IPV4);
	case 10:
	case 24:
	case 26:
	case 28:
	case 30: return chain_next(ch, KEY_ETHER, ETHERTYPE_IPV6);
	default: break;
	}
	if (family >= 0x600)
		return chain_next(ch, KEY_ETHER, family);
	return chain_no_flow(ch, PACKET_OTHER_LINK);
}

#endif
