#include "core/addr.h"

#include <arpa/inet.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	"tuple_hash takes IPv4 addresses from the upper halves of words");

static int endpoint_compare(
	const struct addr *a, uint16_t port_a, const struct addr *b, uint16_t port_b)
{
	int order = memcmp(a->b, b->b, 16);

	return order ? order : (int)port_a - (int)port_b;
}

unsigned tuple_order(struct tuple *t, const struct addr *src, uint16_t src_port,
	const struct addr *dst, uint16_t dst_port)
{
	unsigned dir = endpoint_compare(src, src_port, dst, dst_port) > 0;

	t->addr[dir] = *src;
	t->port[dir] = src_port;
	t->addr[!dir] = *dst;
	t->port[!dir] = dst_port;
	return dir;
}

void addr_format(struct buf *out, const struct addr *a, enum family family)
{
	char text[INET6_ADDRSTRLEN];

	if (family == FAMILY_V4)
		(void)inet_ntop(AF_INET, a->b + 12, text, sizeof(text)); /* always fits */
	else
		(void)inet_ntop(AF_INET6, a->b, text, sizeof(text)); /* always fits */
	buf_str(out, text);
}

bool addr_parse(const char *text, size_t len, struct addr *out, enum family *out_family)
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t v4[4], v6[16];

	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, v4) == 1) {
		*out = addr_v4(v4);
		*out_family = FAMILY_V4;
		return true;
	}
	if (inet_pton(AF_INET6, copy, v6) != 1)
		return false;
	*out = addr_v6(v6);
	*out_family = FAMILY_V6;
	return true;
}

bool addr_in(const struct addr *a, const struct addr *net, enum family family,
	unsigned prefix)
{
	unsigned bits = family == FAMILY_V4 ? prefix + 96 : prefix;
	unsigned whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	if (memcmp(a->b, net->b, whole) != 0)
		return false;
	return rest == 0 || ((a->b[whole] ^ net->b[whole]) & mask) == 0;
}

bool addr_is_loopback(const struct addr *a, enum family family)
{
	static const uint8_t one[16] = {[15] = 1};

	if (family == FAMILY_V4)
		return a->b[12] == 127;
	return memcmp(a->b, one, 16) == 0;
}

bool addr_is_link_local(const struct addr *a, enum family family)
{
	if (family == FAMILY_V4)
		return a->b[12] == 169 && a->b[13] == 254;
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool addr_is_multicast(const struct addr *a, enum family family)
{
	static const uint8_t all[4] = {255, 255, 255, 255};

	if (family == FAMILY_V4)
		return (a->b[12] & 0xf0) == 0xe0 || memcmp(a->b + 12, all, 4) == 0;
	return a->b[0] == 0xff;
}
