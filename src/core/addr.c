#include "core/addr.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/put.h"

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

static char *put_octet(char *at, unsigned octet)
{
	if (octet >= 100) {
		*at++ = (char)('0' + octet / 100);
		return put_pair(at, octet % 100);
	}
	return octet >= 10 ? put_pair(at, octet) : put_u64(at, octet);
}

static char *put_quad(char *at, const uint8_t bytes[4])
{
	for (unsigned i = 0; i < 4; i++) {
		if (i > 0)
			*at++ = '.';
		at = put_octet(at, bytes[i]);
	}
	return at;
}

static char *put_group(char *at, unsigned group)
{
	static const char digits[] = "0123456789abcdef";
	int shift = 12;

	while (shift > 0 && group >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*at++ = digits[group >> shift & 15];
	return at;
}

static unsigned group_at(const struct addr *a, unsigned i)
{
	return (unsigned)a->b[2 * i] << 8 | a->b[2 * i + 1];
}

/* The longest run of two zero groups or more, of equal ones the first (RFC 5952 §4.2).
 */
static unsigned zero_run(const struct addr *a, unsigned *out_len)
{
	unsigned start = 8, best = 1, run = 0;

	for (unsigned i = 0; i < 8; i++) {
		run = group_at(a, i) == 0 ? run + 1 : 0;
		if (run > best) {
			best = run;
			start = i + 1 - run;
		}
	}
	*out_len = best;
	return start;
}

/* inet_ntop(3) would do, but its printf calls cost more than the rest of a row. */
static char *put_v6(char *at, const struct addr *a)
{
	unsigned run_len, run = zero_run(a, &run_len), i = 0;
	bool mapped = run == 0 && run_len == 5 && group_at(a, 5) == 0xffff;
	bool compatible = run == 0 && run_len == 6;
	unsigned groups = mapped || compatible ? 6 : 8;

	while (i < groups) {
		if (i == run) {
			*at++ = ':';
			i += run_len;
			if (i == 8)
				*at++ = ':';
			continue;
		}
		if (i > 0)
			*at++ = ':';
		at = put_group(at, group_at(a, i++));
	}
	if (groups == 6) {
		*at++ = ':';
		at = put_quad(at, a->b + 12);
	}
	return at;
}

char *addr_put(char *at, const struct addr *a, enum family family)
{
	return family == FAMILY_V4 ? put_quad(at, a->b + 12) : put_v6(at, a);
}

void addr_format(struct buf *out, const struct addr *a, enum family family)
{
	if (buf_reserve(out, ADDR_PUT_MOST))
		buf_end_at(out, addr_put(buf_end(out), a, family));
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
