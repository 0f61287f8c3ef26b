#include "decode/icmp_quote.h"

#include "core/proto.h"
#include "decode/load.h"

#define EXTENSIONS        8 /* in a quotation */
#define REDIRECTED_HEADER 4 /* option of an ICMPv6 redirect (RFC 4861 §4.6.3) */
#define ICMPV6_REDIRECT   137

bool icmp_has_id(unsigned proto, unsigned type)
{
	if (proto == PROTO_ICMPV6)
		return type == 128 || type == 129;
	/* echo (0, 8), timestamp (13, 14), information (15, 16), address mask (17, 18)
	 */
	return type == 0 || type == 8 || (type >= 13 && type <= 18);
}

static bool is_error(unsigned proto, unsigned type)
{
	if (proto == PROTO_ICMPV6)
		return (type >= 1 && type <= 4) || type == ICMPV6_REDIRECT;
	/* unreachable, source quench, redirect, time exceeded, parameter problem */
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* False for later fragments: they have no ports. */
static bool quote_ip4(struct cur *c, struct icmp_quote *q)
{
	const uint8_t *h = cur_take(c, 20);

	if (!h || (h[0] & 15) < 5)
		return false;
	cur_skip(c, (h[0] & 15u) * 4 - 20);
	q->family = FAMILY_V4;
	q->proto = h[9];
	q->src = addr_v4(h + 12);
	q->dst = addr_v4(h + 16);
	return (load_be16(h + 6) & 0x1fff) == 0;
}

static bool is_extension(unsigned proto)
{
	return proto == 0 || proto == 43 || proto == 44 || proto == 60;
}

static bool quote_ip6(struct cur *c, struct icmp_quote *q)
{
	const uint8_t *h = cur_take(c, 40), *e;
	unsigned i;

	if (!h)
		return false;
	q->family = FAMILY_V6;
	q->proto = h[6];
	q->src = addr_v6(h + 8);
	q->dst = addr_v6(h + 24);
	for (i = 0; i < EXTENSIONS && is_extension(q->proto); i++) {
		bool fragment = q->proto == 44;

		e = cur_take(c, 8);
		if (!e || (fragment && load_be16(e + 2) & 0xfff8))
			return false;
		q->proto = e[0];
		cur_skip(c, fragment ? 0 : e[1] * 8u);
	}
	return !is_extension(q->proto);
}

static bool quote_ports(struct cur *c, struct icmp_quote *q)
{
	unsigned own = q->family == FAMILY_V4 ? PROTO_ICMP : PROTO_ICMPV6;
	const uint8_t *h;

	q->port[0] = q->port[1] = 0;
	if (q->proto == PROTO_TCP || q->proto == PROTO_UDP) {
		q->port[0] = cur_be16(c);
		q->port[1] = cur_be16(c);
	} else if (q->proto == own) {
		h = cur_take(c, 8);
		if (h && icmp_has_id(q->proto, h[0]))
			q->port[0] = q->port[1] = load_be16(h + 4);
	}
	return !c->bad;
}

/* Leaves `c` at the packet inside of a redirect's option. */
static bool find_redirected(struct cur *c)
{
	cur_skip(c, 32); /* target and destination */
	while (!c->bad && cur_left(c) >= 8) {
		unsigned type = cur_u8(c), units = cur_u8(c);

		if (units == 0)
			return false;
		if (type == REDIRECTED_HEADER) {
			cur_skip(c, 6);
			return true;
		}
		cur_skip(c, units * 8u - 2);
	}
	return false;
}

bool icmp_quote(unsigned proto, unsigned type, struct cur c, struct icmp_quote *out)
{
	struct icmp_quote q;
	unsigned version;

	if (!is_error(proto, type))
		return false;
	if (proto == PROTO_ICMPV6 && type == ICMPV6_REDIRECT && !find_redirected(&c))
		return false;
	version = cur_left(&c) ? c.at[0] >> 4 : 0;
	if (version != 4 && version != 6)
		return false;
	if (!(version == 4 ? quote_ip4(&c, &q) : quote_ip6(&c, &q)))
		return false;
	if (!quote_ports(&c, &q))
		return false;
	*out = q;
	return true;
}
