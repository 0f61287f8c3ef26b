#include "model/home.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

/* Whole addresses are kept in order for a binary search: a host can have thousands. */
struct home {
	struct home_net *nets, *hosts; /* owned */
	unsigned n_nets, nets_cap, n_hosts, hosts_cap;
};

struct home *home_new(void)
{
	return calloc(1, sizeof(struct home));
}

void home_free(struct home *h)
{
	if (!h)
		return;
	free(h->nets);
	free(h->hosts);
	free(h);
}

static int net_compare(
	const struct home_net *a, const struct addr *addr, uint8_t family)
{
	if (a->family != family)
		return (int)a->family - (int)family;
	return memcmp(a->addr.b, addr->b, 16);
}

/* Index of the first host that is not below `addr`. */
static unsigned host_position(
	const struct home *h, const struct addr *addr, uint8_t family)
{
	unsigned low = 0, high = h->n_hosts;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (net_compare(&h->hosts[mid], addr, family) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Makes room at `at` in a list and puts `net` there. */
static int insert(struct home_net **list, unsigned *count, unsigned *cap, unsigned at,
	const struct home_net *net)
{
	if (*count == *cap) {
		unsigned more = *cap ? *cap * 2 : 8;
		struct home_net *grown = reallocarray(*list, more, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		*list = grown;
		*cap = more;
	}
	memmove(*list + at + 1, *list + at, (*count - at) * sizeof(**list));
	(*list)[at] = *net;
	(*count)++;
	return 0;
}

int home_add(
	struct home *h, const struct addr *net, enum family family, unsigned prefix)
{
	struct home_net n = {*net, (uint8_t)family, (uint8_t)prefix};

	if (prefix != (family == FAMILY_V4 ? 32u : 128u))
		return insert(&h->nets, &h->n_nets, &h->nets_cap, h->n_nets, &n);
	return insert(&h->hosts, &h->n_hosts, &h->hosts_cap,
		host_position(h, net, n.family), &n);
}

bool home_has(const struct home *h, const struct addr *a, enum family family)
{
	unsigned at;

	if (addr_is_loopback(a, family))
		return true;
	for (unsigned i = 0; i < h->n_nets; i++) {
		const struct home_net *n = &h->nets[i];

		if (n->family == family && addr_in(a, &n->addr, family, n->prefix))
			return true;
	}
	at = host_position(h, a, (uint8_t)family);
	return at < h->n_hosts && net_compare(&h->hosts[at], a, (uint8_t)family) == 0;
}

/* 1 to 4 numbers below 256 with dots between; false else. */
static bool parse_partial(
	const char *text, size_t len, struct addr *out, unsigned *out_bytes)
{
	uint8_t v4[4] = {0};
	unsigned bytes = 0;
	size_t at = 0;

	while (at <= len && bytes < 4) {
		const char *dot = memchr(text + at, '.', len - at);
		size_t end = dot ? (size_t)(dot - text) : len;
		uint64_t number;

		if (end - at > 3 || !num_parse_u64(text + at, end - at, &number) ||
			number > 255)
			return false;
		v4[bytes++] = (uint8_t)number;
		at = end + 1;
	}
	if (at <= len)
		return false;
	*out = addr_v4(v4);
	*out_bytes = bytes;
	return true;
}

bool home_parse_net(const char *text, size_t len, bool partial, struct home_net *out)
{
	const char *slash = len ? memchr(text, '/', len) : NULL;
	size_t addr_len = slash ? (size_t)(slash - text) : len;
	enum family family = FAMILY_V4;
	struct addr addr;
	uint64_t prefix, most;
	unsigned bytes = 4;

	if (!addr_parse(text, addr_len, &addr, &family)) {
		if (!(slash || partial) || addr_len == 0 ||
			!parse_partial(text, addr_len, &addr, &bytes))
			return false;
	}
	most = family == FAMILY_V4 ? 32 : 128;
	prefix = family == FAMILY_V4 ? bytes * 8 : 128;
	if (slash && (!num_parse_u64(slash + 1, len - addr_len - 1, &prefix) ||
			     prefix > most))
		return false;
	*out = (struct home_net){addr, (uint8_t)family, (uint8_t)prefix};
	return true;
}

int home_parse(struct home *h, const char *text, struct err *err)
{
	while (*text) {
		size_t len = strcspn(text, ",");
		struct home_net net;

		if (!home_parse_net(text, len, false, &net))
			return err_set(err, EXIT_USAGE,
				"not a network: '%.*s'; write 192.168.0.0/16 or "
				"2001:db8::/32",
				(int)(len > 64 ? 64 : len), text);
		if (home_add(h, &net.addr, net.family, net.prefix) < 0)
			return err_set(err, EXIT_SOFTWARE, "out of memory");
		text += len;
		text += *text == ',';
	}
	return 0;
}
