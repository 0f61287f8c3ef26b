#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "source/links_message.h"

#define MESSAGE_BYTES 1024
#define COUNTERS      24 /* of 8 bytes: those before rx_nohandler are 23 */

/* A datagram as it grows; every number is of this machine's byte order. */
struct made {
	_Alignas(8) uint8_t bytes[MESSAGE_BYTES];
	size_t len, message;
};

static void add(struct made *m, const void *bytes, size_t len)
{
	assert_true(m->len + len + 4 <= sizeof(m->bytes));
	if (len)
		memcpy(m->bytes + m->len, bytes, len);
	m->len += (len + 3) & ~(size_t)3;
}

static void end_message(struct made *m)
{
	uint32_t len = (uint32_t)(m->len - m->message);

	memcpy(m->bytes + m->message, &len, sizeof(len));
}

static void begin_message(
	struct made *m, uint16_t type, uint16_t flags, uint32_t serial)
{
	struct nlmsghdr head = {
		.nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = serial};

	m->message = m->len;
	add(m, &head, sizeof(head));
}

static void attribute(struct made *m, uint16_t type, const void *bytes, size_t len)
{
	struct nlattr head = {(uint16_t)(sizeof(head) + len), type};

	add(m, &head, sizeof(head));
	add(m, bytes, len);
}

static void number(struct made *m, uint16_t type, uint32_t value)
{
	attribute(m, type, &value, sizeof(value));
}

static void counters(struct made *m, uint16_t type, size_t count)
{
	uint64_t values[COUNTERS];

	for (uint64_t i = 0; i < COUNTERS; i++)
		values[i] = (i + 1) << 33;
	attribute(m, type, values, count * sizeof(values[0]));
}

static void link_message(struct made *m, uint16_t type, uint32_t serial)
{
	struct ifinfomsg info = {.ifi_index = 7, .ifi_type = 1, .ifi_flags = 0x11043};
	struct made inner = {0};

	begin_message(m, type, NLM_F_MULTI, serial);
	add(m, &info, sizeof(info));
	attribute(m, IFLA_IFNAME, "a\033b", 4);
	number(m, IFLA_MTU, 1500);
	number(m, IFLA_MASTER, 3);
	attribute(m, IFLA_CARRIER, "\1", 1);
	attribute(m, IFLA_OPERSTATE, "\6", 1);
	attribute(m, IFLA_ADDRESS, "\2\0\0\0\0\1", 6);
	attribute(&inner, IFLA_INFO_KIND, "veth", 5);
	attribute(&inner, IFLA_INFO_SLAVE_KIND, "bridge", 6); /* without its NUL */
	attribute(m, IFLA_LINKINFO | NLA_F_NESTED, inner.bytes, inner.len);
	number(m, 999, 1); /* of a kernel to come */
	counters(m, IFLA_STATS64, COUNTERS);
	end_message(m);
}

static void done_message(struct made *m, uint32_t serial, int32_t code)
{
	begin_message(m, NLMSG_DONE, NLM_F_MULTI, serial);
	add(m, &code, sizeof(code));
	end_message(m);
}

struct told {
	struct link_fact last;
	unsigned count;
};

static void tell(void *ctx, const struct link_fact *fact)
{
	struct told *t = ctx;

	t->last = *fact;
	t->count++;
}

static int parse(
	struct links_parser *p, const struct made *m, size_t len, struct told *t)
{
	struct links_sink sink = {t, tell};
	uint8_t *copy = malloc(len ? len : 1); /* of exactly that size */
	int r;

	assert_non_null(copy);
	memcpy(copy, m->bytes, len);
	*t = (struct told){0};
	r = links_message_parse(p, copy, len, &sink);
	free(copy);
	return r;
}

static void test_link(void **state)
{
	struct links_parser p = {.netns = 5, .serial = 9};
	struct made m = {0};
	struct told t;
	const struct link_fact *f = &t.last;

	(void)state;
	link_message(&m, RTM_NEWLINK, 9);
	link_message(&m, RTM_NEWLINK, 8); /* of an earlier request */
	done_message(&m, 9, 0);
	assert_int_equal(parse(&p, &m, m.len, &t), 0);
	assert_int_equal(t.count, 1);
	assert_int_equal(f->netns, 5);
	assert_int_equal(f->ifindex, 7);
	assert_int_equal(f->flags, 0x11043);
	assert_string_equal(f->name, "a\\x1bb");
	assert_string_equal(f->kind, "veth");
	assert_string_equal(f->master_kind, "bridge");
	assert_int_equal(f->mtu, 1500);
	assert_int_equal(f->master, 3);
	assert_true(f->carrier);
	assert_int_equal(f->operstate, 6);
	assert_int_equal(f->mac_len, 6);
	/* struct rtnl_link_stats64: packets, bytes, errors, dropped, in turn rx and tx
	 */
	assert_int_equal(f->rx.packets, 1ull << 33);
	assert_int_equal(f->tx.packets, 2ull << 33);
	assert_int_equal(f->rx.bytes, 3ull << 33);
	assert_int_equal(f->tx.errors, 6ull << 33);
	assert_int_equal(f->rx.drops, (7ull + 16) << 33); /* 16: missed */
	assert_int_equal(f->tx.drops, 8ull << 33);
	assert_int_equal(f->has,
		LINK_HAS_FLAGS | LINK_HAS_NAME | LINK_HAS_MTU | LINK_HAS_MAC |
			LINK_HAS_KIND | LINK_HAS_MASTER | LINK_HAS_CARRIER |
			LINK_HAS_OPERSTATE | LINK_HAS_COUNTERS | LINK_HAS_MASTER_KIND);
	assert_int_equal(p.status.malformed, 0);
	links_parser_done(&p);
}

static void test_counters(void **state)
{
	struct if_stats_msg info = {.ifindex = 4};
	struct links_parser p = {.serial = 1};
	struct made m = {0};
	struct told t;

	(void)state;
	begin_message(&m, RTM_NEWSTATS, NLM_F_MULTI | NLM_F_DUMP_INTR, 1);
	add(&m, &info, sizeof(info));
	counters(&m, IFLA_STATS_LINK_64, 23);
	end_message(&m);
	assert_int_equal(parse(&p, &m, m.len, &t), 1);
	assert_int_equal(t.last.ifindex, 4);
	assert_int_equal(t.last.has, LINK_HAS_COUNTERS);
	assert_int_equal(t.last.rx.bytes, 3ull << 33);
	assert_int_equal(p.status.interrupted, 1);
	m = (struct made){0};
	begin_message(&m, RTM_NEWSTATS, 0, 1);
	add(&m, &info, sizeof(info));
	counters(&m, IFLA_STATS_LINK_64, 5); /* fewer than any kernel has */
	end_message(&m);
	assert_int_equal(parse(&p, &m, m.len, &t), 1);
	assert_int_equal(t.last.has, 0);
	links_parser_done(&p);
}

static void test_endings(void **state)
{
	struct links_parser p = {.serial = 1};
	struct made m = {0};
	struct told t;
	int32_t code = -EOPNOTSUPP;

	(void)state;
	done_message(&m, 1, -EBUSY);
	assert_int_equal(parse(&p, &m, m.len, &t), -EBUSY);
	m = (struct made){0};
	begin_message(&m, NLMSG_ERROR, 0, 1);
	add(&m, &code, sizeof(code));
	end_message(&m);
	assert_int_equal(parse(&p, &m, m.len, &t), -EOPNOTSUPP);
	m = (struct made){0};
	begin_message(&m, NLMSG_DONE, 0, 1);
	end_message(&m);
	assert_int_equal(parse(&p, &m, m.len, &t), -EPROTO);
	m = (struct made){0};
	link_message(&m, RTM_DELLINK, 0);
	p.serial = 0; /* events */
	assert_int_equal(parse(&p, &m, m.len, &t), 1);
	assert_true(t.last.gone);
	links_parser_done(&p);
}

/* A length that is negative to who takes it for an int. */
static void test_huge_length(void **state)
{
	struct links_parser p = {.serial = 1};
	struct made m = {0};
	struct told t;
	uint32_t huge = 0xebebebeb;

	(void)state;
	link_message(&m, RTM_NEWLINK, 1);
	link_message(&m, RTM_NEWLINK, 1);
	memcpy(m.bytes + m.len / 2, &huge, sizeof(huge));
	assert_int_equal(parse(&p, &m, m.len, &t), 1);
	assert_int_equal(t.count, 1);
	assert_int_equal(p.status.malformed, 1);
	links_parser_done(&p);
}

/* Cut anywhere, each byte broken in turn: nothing is read that is not there. */
static void test_damaged(void **state)
{
	struct links_parser p = {.serial = 1};
	struct made m = {0};
	struct told t;

	(void)state;
	link_message(&m, RTM_NEWLINK, 1);
	for (size_t len = 0; len < m.len; len++) {
		assert_int_equal(parse(&p, &m, len, &t), 1);
		assert_int_equal(t.count, 0);
	}
	assert_int_equal(p.status.malformed, m.len - 1);
	for (size_t i = 0; i < m.len; i++) {
		uint8_t was = m.bytes[i];

		for (unsigned bit = 0; bit < 8; bit++) {
			m.bytes[i] = was ^ (uint8_t)(1 << bit);
			(void)parse(&p, &m, m.len, &t);
			assert_true(t.count <= 1);
		}
		m.bytes[i] = was;
	}
	links_parser_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_endings),
		cmocka_unit_test(test_huge_length),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
