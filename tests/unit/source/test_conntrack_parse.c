/* Attributes of ctnetlink into facts, whole and cut everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include "conntrack_make.h"
#include "source/conntrack_parse.h"

#define HEADERS (sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg))

static const struct made_entry entry = {
	.id = 0xfedcba98u, .port = 40000, .state = TCP_CONNTRACK_SYN_SENT2};

/* Parses from memory that ends where the attributes do. */
static bool parse(const char *attributes, size_t len, struct conntrack_fact *out)
{
	void *copy = malloc(len ? len : 1);
	bool whole;

	assert_non_null(copy);
	memcpy(copy, attributes, len);
	whole = conntrack_parse(copy, len, out);
	free(copy);
	return whole;
}

static void check_tuples(const struct conntrack_fact *f)
{
	static const uint8_t client[4] = {10, 0, 0, 1}, server[4] = {10, 0, 0, 2};
	struct addr a = addr_v4(client), b = addr_v4(server);

	assert_true(addr_equal(&f->orig.src, &a) && addr_equal(&f->orig.dst, &b));
	assert_true(addr_equal(&f->reply.src, &b) && addr_equal(&f->reply.dst, &a));
	assert_int_equal(f->orig.family, FAMILY_V4);
	assert_int_equal(f->orig.proto, PROTO_TCP);
	assert_true(f->has & CONNTRACK_HAS_PORTS);
	assert_int_equal(f->orig.src_port, 40000);
	assert_int_equal(f->reply.dst_port, 40000);
	assert_int_equal(f->orig.dst_port, 80);
}

static void everything(void **state)
{
	struct made m = {0};
	struct conntrack_fact f;

	(void)state;
	made_add(&m, &entry);
	assert_true(parse(m.bytes + HEADERS, m.len - HEADERS, &f));
	check_tuples(&f);
	assert_int_equal(
		f.has, (CONNTRACK_HAS_EVENT_TIME << 1) - 1 - CONNTRACK_HAS_ICMP);
	assert_int_equal(f.orig.zone, 5);
	assert_int_equal(f.reply.zone, 5);
	assert_int_equal(f.status,
		CONNTRACK_SEEN_REPLY | CONNTRACK_ASSURED | CONNTRACK_CONFIRMED);
	assert_int_equal(f.timeout_s, 300);
	assert_int_equal(f.counters[0].packets, 0x100000001u);
	assert_int_equal(f.counters[0].bytes, 0x200000003u);
	assert_int_equal(f.counters[1].packets, 11);
	assert_true(f.counters[1].bytes == 0xfffffffffffffff0u);
	assert_true(f.start_ns == 1234567890123456789u);
	assert_true(f.stop_ns == 1234567890123456799u);
	assert_true(f.event_ns == 1234567890123456790u);
	assert_string_equal(conntrack_state_name(f.orig.proto, f.state), "SYN_SENT2");
	assert_int_equal(f.tcp_wscale[0], 7);
	assert_int_equal(f.tcp_wscale[1], 9);
	assert_string_equal(f.helper, "ftp");
	assert_int_equal(f.mark, 0xdeadbeefu);
	assert_int_equal(f.id, 0xfedcba98u);
	assert_int_equal(conntrack_nat(&f), CONNTRACK_NAT_NONE);
}

/* What a cut message still says is what the whole one said; nothing becomes 0. */
static void cut_at_every_length(void **state)
{
	struct made m = {0};
	struct conntrack_fact whole, f;
	size_t len;

	(void)state;
	made_add(&m, &entry);
	len = m.len - HEADERS;
	assert_true(parse(m.bytes + HEADERS, len, &whole));
	for (size_t cut = 0; cut < len; cut++) {
		if (!parse(m.bytes + HEADERS, cut, &f))
			continue;
		check_tuples(&f);
		assert_int_equal(f.has & ~whole.has, 0);
		if (f.has & CONNTRACK_HAS_TIMEOUT)
			assert_int_equal(f.timeout_s, whole.timeout_s);
		if (f.has & CONNTRACK_HAS_REPLY_COUNTERS)
			assert_memory_equal(&f.counters[1], &whole.counters[1],
				sizeof(f.counters[1]));
		if (f.has & CONNTRACK_HAS_ID)
			assert_int_equal(f.id, whole.id);
	}
}

/* One byte less in the length of each attribute, at every depth. */
static void shortened_attributes(void **state)
{
	struct made m = {0};
	struct conntrack_fact f;
	uint16_t len;

	(void)state;
	made_add(&m, &entry);
	for (size_t at = HEADERS; at + 4 <= m.len; at += 4) {
		memcpy(&len, m.bytes + at, sizeof(len));
		for (uint16_t wrong = 0; wrong <= len && len < 512; wrong++) {
			memcpy(m.bytes + at, &wrong, sizeof(wrong));
			(void)parse(m.bytes + HEADERS, m.len - HEADERS, &f);
		}
		memcpy(m.bytes + at, &len, sizeof(len));
	}
	assert_true(parse(m.bytes + HEADERS, m.len - HEADERS, &f));
	check_tuples(&f);
}

static void a_short_number_is_absent(void **state)
{
	const uint8_t mark[] = {7, 0, CTA_MARK, 0, 1, 2, 3, 0};
	struct made m = {0};
	struct conntrack_fact f;
	size_t len = 0;

	(void)state;
	made_add(&m, &entry);
	while (!parse(m.bytes + HEADERS, len, &f))
		len++; /* the tuples alone */
	assert_int_equal(f.has, CONNTRACK_HAS_PORTS);
	memcpy(m.bytes + HEADERS + len, mark, sizeof(mark));
	assert_true(parse(m.bytes + HEADERS, len + sizeof(mark), &f));
	assert_int_equal(f.has, CONNTRACK_HAS_PORTS);
	assert_int_equal(f.mark, 0);
}

static void translation(void **state)
{
	struct conntrack_fact f = {.has = CONNTRACK_HAS_PORTS};

	(void)state;
	f.orig.src.b[15] = f.reply.dst.b[15] = 1;
	f.orig.dst.b[15] = f.reply.src.b[15] = 2;
	f.orig.src_port = f.reply.dst_port = 4000;
	f.orig.dst_port = f.reply.src_port = 80;
	assert_int_equal(conntrack_nat(&f), CONNTRACK_NAT_NONE);
	f.reply.src_port = 8080;
	assert_int_equal(conntrack_nat(&f), CONNTRACK_NAT_DST);
	f.reply.dst.b[15] = 9;
	assert_int_equal(conntrack_nat(&f), CONNTRACK_NAT_DST | CONNTRACK_NAT_SRC);
	f.reply.src_port = 80;
	assert_int_equal(conntrack_nat(&f), CONNTRACK_NAT_SRC);
	f.reply.dst.b[15] = 1;
	f.reply.dst_port = 4001;
	assert_int_equal(conntrack_nat(&f), CONNTRACK_NAT_SRC);
	f.has = CONNTRACK_HAS_ICMP;
	assert_int_equal(conntrack_nat(&f), CONNTRACK_NAT_NONE);
	f.reply.icmp_id = 7;
	assert_int_equal(conntrack_nat(&f), CONNTRACK_NAT_SRC);
}

static void keys(void **state)
{
	struct conntrack_tuple t = {.src_port = 5, .dst_port = 6, .icmp_id = 7};
	struct tuple key;

	(void)state;
	t.src.b[15] = 2;
	t.dst.b[15] = 1;
	t.proto = PROTO_UDP;
	t.family = FAMILY_V6;
	assert_int_equal(conntrack_key(&t, CONNTRACK_HAS_PORTS, &key), 1);
	assert_int_equal(key.port[0], 6);
	assert_int_equal(key.port[1], 5);
	t.proto = PROTO_ICMPV6;
	(void)conntrack_key(&t, CONNTRACK_HAS_ICMP, &key);
	assert_int_equal(key.port[0], 7);
	assert_int_equal(key.port[1], 7);
	t.proto = PROTO_GRE;
	(void)conntrack_key(&t, CONNTRACK_HAS_PORTS, &key);
	assert_int_equal(key.port[0] | key.port[1], 0);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(conntrack_state_name(PROTO_SCTP, 2), "COOKIE_WAIT");
	assert_null(conntrack_state_name(PROTO_TCP, 10));
	assert_null(conntrack_state_name(PROTO_UDP, 1));
	assert_int_equal(conntrack_tcp_state(TCP_CONNTRACK_TIME_WAIT), TCP_TIME_WAIT);
	assert_int_equal(conntrack_tcp_state(200), TCP_STATE_NONE);
	assert_string_equal(conntrack_status_name(2), "assured");
	assert_null(conntrack_status_name(CONNTRACK_STATUS_BITS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(cut_at_every_length),
		cmocka_unit_test(shortened_attributes),
		cmocka_unit_test(a_short_number_is_absent),
		cmocka_unit_test(translation),
		cmocka_unit_test(keys),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
