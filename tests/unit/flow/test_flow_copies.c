/* Packets that are seen more than once: by interfaces, by mirrors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "rig.h"

#define OPEN ">S <SA >A "

struct scene {
	const char *script;
	unsigned client, server; /* packets in rows */
	unsigned copies;
};

/* Interfaces are known (`i` in the scripts is the carrier too). */
static const struct scene interfaces[] = {
	{"i0 >S i1 >S@-1", 1, 0, 1},
	{"i0 >S i1 >S@-1 i2 >S@-1", 1, 0, 2},
	{"i0 >S i1 >S@-1 <SA i0 <SA@-1 >A i1 >A", 2, 1, 3},
	{"i0 >S i1 >S@-1 <SA i0 <SA@-1 >A i1 >A <A100 i0 <A100@-100", 2, 2, 4},
	/* sent again: once by each interface */
	{"i0 >S i1 >S@-1 t1000 i0 >S@-1 i1 >S@-1", 2, 0, 2},
	{"i0 >S i1 >S@-1 <SA i0 <SA@-1 t1000 i1 <SA@-1 i0 <SA@-1", 1, 2, 3},
	/* asymmetric: each direction by another one */
	{"i0 >S i1 <SA i0 >A i1 <A100 i0 >A i1 <A100", 3, 3, 0},
	/* silence, then the other carries on; the first one is the copy then */
	{"i0 >A100 t1001 i1 >A100 i0 >A100@-100", 2, 0, 1},
	{"i0 >A100 t900 i1 >A100", 1, 0, 1},
	{"i0 >A100 t1001 i1 >A100 >A100", 3, 0, 0},
	{OPEN "i0 >A100 t1001 i1 >A100 >A100", 5, 1, 0},
	{OPEN "i0 >A100 t900 i1 >A100 >A100 t100 >A100", 4, 1, 2},
	{"i0 >S t1001 i1 >S@-1 i0 >S@-1", 2, 0, 1},
	{OPEN "i0 >A100 t1001 i1 >A100 i0 >A100@-100 t1001 i0 >A100", 5, 1, 1},
	/* the clock was put back, and the interface that counted is gone */
	{OPEN "i0 >A100 t-3600000 i1 >A100 >A100", 5, 1, 0},
	/* within some ms the order of two interfaces means nothing */
	{OPEN "i0 >A100 t-2 i1 >A100@-100", 3, 1, 1},
};

/* One interface; packets of a mirror come within 1 ms (`t-1`: at the same time). */
static const struct scene mirrors[] = {
	{"n7 >S t-1 >S@-1", 1, 0, 1},
	{"n7 >S n8 t-1 >S@-1", 2, 0, 0}, /* really sent twice */
	{"n7 >S t1 >S@-1", 2, 0, 0},     /* too late for a mirror */
	{"n7 >S t-1 >S@-1 n8 <SA t-1 <SA@-1 n9 >A t-1 >A", 2, 1, 3},
	{"n7 >A100 t-1 >A100@-100", 1, 0, 1},
	{"n7 >A100 n8 t-1 >A100@-100", 2, 0, 0},
	{"n7 >A100 t-1 >A100", 2, 0, 0}, /* a sender with one id for all */
	{"n7 >A t-1 >A#1", 2, 0, 0},
	/* no id: data is a copy when all else is equal, too soon for an answer */
	{"n0 >A100 t-1 >A100@-100", 1, 0, 1},
	{"n0 >A100 >A100@-100", 2, 0, 0},
	{"n0 >A100 t-1 >A100@-100#1", 2, 0, 0},
	{"n0 >A100 t-1 >AP100@-100", 2, 0, 0},
	{OPEN "n0 >A t-1 >A", 4, 1, 0},
	{OPEN "n7 >A100 t-1 >A100@-100 <A t-1 <A", 3, 2, 2},
	{OPEN "n7 >A100 n8 t-1 >A100@-100", 4, 1, 0},
	{OPEN "n7 >A100 t-1 >A100", 4, 1, 0},
	{OPEN "n7 <A t-1 <A#1", 2, 3, 0},
	{OPEN "n7 >A100 t1 >A100@-100", 4, 1, 0},
};

static bool plays(const struct scene *s, bool merge, bool full)
{
	struct rig *r = rig_new(NULL);
	bool right;

	if (full)
		rig_only_full(r);
	if (merge)
		flow_table_merge_interfaces(r->table);
	rig_play(r, s->script);
	rig_end(r);
	right = r->rows == 1 && r->row[0].side[0].packets == s->client &&
		r->row[0].side[1].packets == s->server &&
		r->counters.copies == s->copies;
	if (!right)
		print_message("# \"%s\"%s: %u rows, %u %u, copies %u\n", s->script,
			full ? " (full)" : "", r->rows,
			(unsigned)r->row[0].side[0].packets,
			(unsigned)r->row[0].side[1].packets,
			(unsigned)r->counters.copies);
	rig_free(r);
	return right;
}

static void several_interfaces(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(interfaces) / sizeof(interfaces[0]); i++) {
		wrong += !plays(&interfaces[i], true, false);
		wrong += !plays(&interfaces[i], true, true);
	}
	assert_int_equal(wrong, 0);
}

static void one_interface(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(mirrors) / sizeof(mirrors[0]); i++) {
		wrong += !plays(&mirrors[i], false, false);
		wrong += !plays(&mirrors[i], false, true);
	}
	assert_int_equal(wrong, 0);
}

/* Without their numbers, packets of several interfaces are all counted. */
static void interfaces_that_do_not_matter(void **state)
{
	struct rig *r = rig_of("i0 >S i1 >S@-1 <SA i0 >A100 i1 >A100 <A");

	(void)state;
	assert_int_equal(r->row[0].side[0].packets, 4);
	assert_int_equal(r->counters.copies, 0);
	rig_free(r);
}

struct part { /* a datagram, or a fragment of one */
	unsigned dir;
	uint16_t id;
	uint8_t fragment;
	uint32_t len;
	bool copy;
};

static const struct part parts[] = {
	{0, 5, 0, 100, false},
	{0, 5, 0, 100, true},
	{0, 5, 0, 101, false}, /* another length */
	{0, 6, 0, 101, false},
	{0, 0, 0, 101, false},
	{0, 0, 0, 101, false}, /* no id */
	{0, 9, 1, 1480, false},
	{0, 9, 2, 1480, false}, /* one id, but the next part */
	{0, 9, 2, 1480, false},
	{1, 5, 0, 100, false},
	{1, 5, 0, 100, true},
};

static void feed_part(struct rig *r, const struct dialogue *t, const struct part *part)
{
	struct packet p = rig_packet(r, t, part->dir);
	uint64_t copies = r->counters.copies;

	p.ip_id = part->id;
	p.fragment = part->fragment;
	p.payload_len = part->len;
	p.ip_bytes += part->len;
	p.wire_bytes += part->len;
	rig_feed(r, &p);
	assert_int_equal(r->counters.copies - copies, part->copy);
}

/* Not TCP: id and length tell; the parts of a datagram have one id and are no copies.
 */
static void datagrams(void **state)
{
	static const uint8_t protos[] = {PROTO_UDP, PROTO_ICMP, PROTO_ICMPV6};

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct dialogue t = rig_talk(
			protos[i / 2], 9, protos[i / 2] == PROTO_ICMPV6);
		struct rig *r = rig_new(NULL);

		if (i % 2)
			rig_only_full(r);
		for (unsigned n = 0; n < sizeof(parts) / sizeof(parts[0]); n++)
			feed_part(r, &t, &parts[n]);
		rig_end(r);
		assert_int_equal(r->row[0].side[0].packets, 8);
		assert_int_equal(r->row[0].side[1].packets, 1);
		rig_free(r);
	}
}

/* The packet itself says that it was a copy: nobody else may count it. */
static void marked_in_the_packet(void **state)
{
	struct rig *r = rig_new(NULL);
	struct packet two[2];

	(void)state;
	two[0] = rig_packet(r, &r->talk, 0);
	two[0].tcp_flags = TCP_ACK;
	two[0].ip_id = 3;
	two[1] = two[0];
	flow_table_feed(r->table, two, 2);
	r->fed = 2;
	assert_false(two[0].copy);
	assert_true(two[1].copy);
	rig_end(r);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_interfaces),
		cmocka_unit_test(one_interface),
		cmocka_unit_test(interfaces_that_do_not_matter),
		cmocka_unit_test(datagrams),
		cmocka_unit_test(marked_in_the_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
