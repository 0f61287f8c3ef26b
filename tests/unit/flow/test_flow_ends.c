/* Who opened it, what ICMP says of it, and its name: orientation, errors, uid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "flow/orient.h"
#include "rig.h"

static const char services_text[] = "http 80/tcp\nxmpp 5222/tcp\nmdns 5353/udp\n"
				    "radius 1812/udp\n";

struct end {
	uint8_t proto;
	uint16_t flags, from, to; /* flags: of TCP, or the ICMP type */
	int sender;               /* 1: opened it; 0: the other one did */
	bool certain;
};

static const struct end ends[] = {
	{PROTO_TCP, TCP_SYN, 80, 50000, 1, true},
	{PROTO_TCP, TCP_SYN | TCP_ACK, 50000, 80, 0, true},
	{PROTO_TCP, TCP_ACK, 50000, 443, 1, false},
	{PROTO_TCP, TCP_ACK, 443, 50000, 0, false},
	{PROTO_TCP, TCP_ACK, 5222, 50000, 0, false}, /* has a name */
	{PROTO_TCP, TCP_ACK, 5353, 50000, 1, false}, /* has one for UDP only */
	{PROTO_TCP, TCP_ACK, 22, 80, 1, false},
	{PROTO_TCP, TCP_ACK, 60000, 50000, 1, false},
	{PROTO_TCP, 0, 443, 50000, 0, false},
	{PROTO_UDP, 0, 53, 50000, 0, false},
	{PROTO_UDP, 0, 50000, 53, 1, false},
	{PROTO_UDP, 0, 1812, 50000, 0, false},
	{PROTO_UDP, 0, 5353, 5353, 1, false},
	{PROTO_UDP, 0, 123, 123, 1, false},
	{PROTO_UDP, 0, 67, 68, 1, false},
	{PROTO_ICMP, 8, 1, 1, 1, true},
	{PROTO_ICMP, 0, 1, 1, 0, true},
	{PROTO_ICMP, 13, 1, 1, 1, true},
	{PROTO_ICMP, 18, 1, 1, 0, true},
	{PROTO_ICMP, 9, 0, 0, 1, false},
	{PROTO_ICMPV6, 128, 1, 1, 1, true},
	{PROTO_ICMPV6, 129, 1, 1, 0, true},
	{PROTO_ICMPV6, 8, 1, 1, 1, false},
	{PROTO_ICMPV6, 135, 0, 0, 1, false},
	{PROTO_ESP, 0, 0, 0, 1, false},
};

/* From the lower address when `dir` is 0. */
static struct packet first_packet(const struct end *e, unsigned dir)
{
	struct dialogue t = rig_talk(e->proto, 1, e->proto == PROTO_ICMPV6);
	struct packet p = t.proto;

	p.dir = dir & 1;
	if (p.kind != PACKET_ICMP && e->proto != PROTO_TCP && e->proto != PROTO_UDP)
		p.kind = PACKET_OTHER_IP;
	p.tcp_flags = p.kind == PACKET_TCP ? e->flags : 0;
	p.icmp_type = (uint8_t)e->flags;
	p.key.port[dir] = e->from;
	p.key.port[!dir] = e->to;
	p.ip_bytes = p.wire_bytes = 60;
	p.ts_ns = RIG_EPOCH;
	return p;
}

static void who_opened_it(void **state)
{
	struct services *s = services_new(services_text, sizeof(services_text) - 1);

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]) * 2; i++) {
		const struct end *e = &ends[i / 2];
		unsigned dir = i % 2;
		struct packet p = first_packet(e, dir);
		bool certain;

		if (orient(&p, s, &certain) != (e->sender ? dir : !dir) ||
			certain != e->certain)
			fail_msg("proto %u, flags %u, %u to %u", e->proto, e->flags,
				e->from, e->to);
	}
	services_free(s);
}

/* Who sends to a group asks it; an answer comes from one address. */
static void groups_do_not_open(void **state)
{
	static const struct end answer = {PROTO_UDP, 0, 53, 50000, 1, false};
	struct packet p = first_packet(&answer, 0);
	bool certain;

	(void)state;
	assert_int_equal(orient(&p, NULL, &certain), 1);
	p.key.addr[1] = addr_v4((const uint8_t[]){224, 0, 0, 251});
	assert_int_equal(orient(&p, NULL, &certain), 0);
	p.key.addr[1] = addr_v4((const uint8_t[]){255, 255, 255, 255});
	assert_int_equal(orient(&p, NULL, &certain), 0);
}

/* Rows are the same whichever record they began as, for both families and ends. */
static void rows_know_it_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]) * 4; i++) {
		const struct end *e = &ends[i / 4];
		struct rig *r = rig_new(NULL);
		struct packet p = first_packet(e, i & 1);
		bool certain;

		if (i & 2)
			rig_only_full(r);
		p.hash = (uint32_t)tuple_hash(&r->setup.key, &p.key);
		rig_feed(r, &p);
		rig_end(r);
		assert_int_equal(r->row[0].orig, orient(&p, NULL, &certain));
		assert_int_equal(!!(r->row[0].facts & FLOW_ORIENTED), certain);
		assert_int_equal(r->row[0].side[i & 1].packets, 1);
		rig_free(r);
	}
}

static void feed_error(struct rig *r, unsigned dir, unsigned type, unsigned code)
{
	struct packet p = rig_packet(r, &r->talk, dir);

	p.kind = PACKET_ICMP_ERROR;
	p.icmp_type = (uint8_t)type;
	p.icmp_code = (uint8_t)code;
	rig_feed(r, &p);
	r->now_ns += RIG_MS;
}

struct report {
	const char *before;
	unsigned dir, type, code; /* dir: who sent what is quoted */
	const char *after, *conn_state;
	bool refused;
};

static const struct report reports[] = {
	{">S", 0, 3, 3, "", "S0", true},
	{">S", 0, 3, 13, "", "S0", true},
	{">S", 0, 3, 4, "", "S0", false},           /* too big: sent again, smaller */
	{">S", 0, 11, 0, "", "S0", false},          /* time exceeded */
	{">S", 0, 3, 1, "t10 <SA >A", "S1", false}, /* another way was found */
	{">S", 0, 3, 1, "t1000 >S@-1", "S0", true},
	{">S <SA", 1, 3, 1, "", "S1", false}, /* the answer went nowhere: spoofed */
	{">S <SA", 0, 3, 1, "", "S1", false},
	{">S <SA >A", 0, 3, 3, "<A100", "S1", false},
	{"<SA", 1, 3, 3, "", "OTH", false},
	{">A", 0, 3, 3, "", "OTH", false},
	{">S <SA >A <R", 0, 3, 3, "", "RSTR", false},
};

static void icmp_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]) * 2; i++) {
		const struct report *e = &reports[i / 2];
		struct rig *r = rig_new(NULL);

		if (i % 2)
			rig_only_full(r);
		rig_play(r, e->before);
		feed_error(r, e->dir, e->type, e->code);
		rig_play(r, e->after);
		rig_end(r);
		if (r->rows != 1 ||
			strcmp(flow_conn_state(&r->row[0]), e->conn_state) != 0 ||
			!!(r->row[0].facts & FLOW_REFUSED) != e->refused)
			fail_msg("\"%s\" %u/%u \"%s\": %u rows, %s, facts %x",
				e->before, e->type, e->code, e->after, r->rows,
				flow_conn_state(&r->row[0]), r->row[0].facts);
		assert_int_equal(r->row[0].icmp_error_type, e->type);
		assert_int_equal(r->row[0].icmp_error_code, e->code);
		assert_true(r->row[0].facts & FLOW_ICMP_ERROR);
		assert_int_equal(rig_count(r, FLOW_EVENT_REFUSE),
			e->refused || strncmp(e->after, "t10 ", 4) == 0);
		rig_free(r);
	}
}

static void errors_about_nothing(void **state)
{
	struct rig *r = rig_new(NULL);

	(void)state;
	feed_error(r, 0, 3, 3);
	rig_end(r);
	assert_int_equal(r->rows, 0);
	rig_free(r);
}

static void errors_about_datagrams(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct rig *r = rig_new(NULL);

		r->talk = rig_talk(PROTO_UDP, 1, v6);
		rig_play(r, ">.10");
		feed_error(r, 0, v6 ? 1 : 3, v6 ? 4 : 3);
		rig_play(r, ">.10");
		rig_end(r);
		assert_int_equal(r->rows, 1);
		assert_int_equal(r->row[0].side[r->talk.proto.dir].packets, 2);
		assert_true(r->row[0].facts & FLOW_ICMP_ERROR);
		assert_false(r->row[0].facts & (FLOW_CLOSED | FLOW_REFUSED));
		rig_free(r);
	}
}

struct name_list {
	uint64_t uid[8];
	unsigned count;
};

static void add_name(void *ctx, const struct flow *f, uint32_t handle)
{
	static const struct hash_key key = {1, 2};
	struct name_list *n = ctx;

	(void)handle;
	n->uid[n->count++] = flow_uid(f, &key);
}

/* One name from the first packet to the row, however it grows. */
static void names_stay(void **state)
{
	static const char *const steps[] = {
		">S", "<SA", ">A", ">A100 t1000", "t-5 <A70000", ">FA", "<FA >A"};
	const struct hash_key key = {1, 2};
	struct rig *r = rig_new(NULL);
	struct name_list n = {.count = 0};
	uint64_t uid = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		rig_play(r, steps[i]);
		n.count = 0;
		flow_table_each(r->table, &n, add_name);
		assert_int_equal(n.count, 1);
		if (i > 0)
			assert_true(n.uid[0] == uid);
		uid = n.uid[0];
	}
	rig_play(r, ">S@5000");
	rig_end(r);
	assert_int_equal(r->rows, 2);
	assert_true(
		flow_uid(&r->row[0], &key) == uid || flow_uid(&r->row[1], &key) == uid);
	assert_true(flow_uid(&r->row[0], &key) != flow_uid(&r->row[1], &key));
	rig_free(r);
}

/* Both families, namespaces, protocols: never the same connection. */
static void keys_are_whole(void **state)
{
	struct rig *r = rig_new(NULL);
	unsigned made = 0;

	(void)state;
	for (unsigned i = 0; i < 32; i++) {
		struct dialogue t = rig_talk(i & 1 ? PROTO_TCP : PROTO_UDP, 0, i & 2);
		struct packet p;

		t.proto.key.scope = i & 4 ? 7 : 0;
		t.proto.key.port[0] = (uint16_t)(t.proto.key.port[0] + (i & 8));
		t.proto.key.addr[1].b[15] ^= i & 16;
		for (unsigned dir = 0; dir < 2; dir++) {
			p = rig_packet(r, &t, dir);
			p.tcp_flags = i & 1 ? TCP_ACK : 0;
			rig_feed(r, &p);
		}
		made++;
		assert_int_equal(flow_table_count(r->table), made);
	}
	rig_end(r);
	for (unsigned i = 0; i < r->rows; i++)
		assert_int_equal(r->row[i].side[0].packets, r->row[i].side[1].packets);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_opened_it),
		cmocka_unit_test(groups_do_not_open),
		cmocka_unit_test(rows_know_it_too),
		cmocka_unit_test(icmp_errors),
		cmocka_unit_test(errors_about_nothing),
		cmocka_unit_test(errors_about_datagrams),
		cmocka_unit_test(names_stay),
		cmocka_unit_test(keys_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
