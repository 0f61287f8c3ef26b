#include "flow/orient.h"

/* 1: a request, -1: a reply, 0: neither (RFC 792, RFC 950, RFC 4443, RFC 8335). */
static int icmp_role(uint8_t proto, uint8_t type)
{
	if (proto == PROTO_ICMPV6)
		switch (type) {
		case 128: return 1;
		case 129: return -1;
		default: return 0;
		}
	switch (type) {
	case 8:
	case 13:
	case 15:
	case 17:
	case 42: return 1;
	case 0:
	case 14:
	case 16:
	case 18:
	case 43: return -1;
	default: return 0;
	}
}

bool orient_icmp_certain(uint8_t proto, uint8_t type)
{
	return icmp_role(proto, type) != 0;
}

static bool is_server(const struct services *services, uint8_t proto, uint16_t port)
{
	return services ? services_is_server(services, proto, port) : port < 1024;
}

unsigned orient(
	const struct packet *p, const struct services *services, bool *out_certain)
{
	unsigned src = p->dir, dst = !p->dir;
	int role;
	bool src_serves, dst_serves;

	*out_certain = true;
	if (p->kind == PACKET_TCP && p->tcp_flags & TCP_SYN && p->fragment != 2)
		return p->tcp_flags & TCP_ACK ? dst : src;
	role = p->kind == PACKET_ICMP ? icmp_role(p->key.proto, p->icmp_type) : 0;
	if (role)
		return role > 0 ? src : dst;
	*out_certain = false;
	if (p->kind != PACKET_TCP && p->kind != PACKET_UDP)
		return src;
	if (addr_is_multicast(&p->key.addr[dst], p->key.family))
		return src;
	src_serves = is_server(services, p->key.proto, p->key.port[src]);
	dst_serves = is_server(services, p->key.proto, p->key.port[dst]);
	return src_serves && !dst_serves ? dst : src;
}
