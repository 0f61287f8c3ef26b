/* Streams of ctnetlink messages: dumps, events, what overtakes what, what was lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include "conntrack_make.h"
#include "source/conntrack.h"

#define NETNS 4026531840u

struct seen {
	unsigned facts, listed;
	uint32_t listed_generation;
	struct conntrack_fact last;
};

struct rig {
	struct conntrack ct;
	struct seen seen;
	struct made made;
};

static void on_fact(void *ctx, const struct conntrack_fact *f)
{
	struct seen *seen = ctx;

	seen->facts++;
	seen->last = *f;
}

static void on_listed(void *ctx, uint32_t generation)
{
	struct seen *seen = ctx;

	seen->listed++;
	seen->listed_generation = generation;
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct conntrack_sink sink = {.fact = on_fact, .listed = on_listed};

	if (!rig)
		return -1;
	sink.ctx = &rig->seen;
	conntrack_init(&rig->ct, NETNS, &sink);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* ---- datagrams into the reader, from memory that ends where they do ---- */

static void *exactly(struct rig *rig)
{
	void *copy = malloc(rig->made.len ? rig->made.len : 1);

	assert_non_null(copy);
	memcpy(copy, rig->made.bytes, rig->made.len);
	return copy;
}

static int dump(struct rig *rig, bool cut)
{
	void *bytes = exactly(rig);
	int r = conntrack_read_dump(&rig->ct, bytes, rig->made.len, cut);

	free(bytes);
	memset(&rig->made, 0, sizeof(rig->made));
	return r;
}

static void events(struct rig *rig, bool cut)
{
	void *bytes = exactly(rig);

	conntrack_read_events(&rig->ct, bytes, rig->made.len, cut);
	free(bytes);
	memset(&rig->made, 0, sizeof(rig->made));
}

static void add(struct rig *rig, uint32_t id, uint16_t type, uint16_t flags)
{
	const struct made_entry e = {.id = id,
		.port = (uint16_t)(1000 + id),
		.state = TCP_CONNTRACK_ESTABLISHED,
		.type = type,
		.flags = flags,
		.serial = flags & NLM_F_MULTI ? rig->ct.status.generation : 0};

	made_add(&rig->made, &e);
}

static void event(struct rig *rig, uint32_t id, uint16_t type, uint16_t flags)
{
	add(rig, id, type, flags);
	events(rig, false);
}

static int dump_entry(struct rig *rig, uint32_t id)
{
	add(rig, id, IPCTNL_MSG_CT_NEW, NLM_F_MULTI);
	return dump(rig, false);
}

static int dump_end(struct rig *rig)
{
	made_end(&rig->made, NLMSG_DONE, rig->ct.status.generation, 0);
	return dump(rig, false);
}

/* ---- dumps ---- */

static void a_dump_in_pieces(void **state)
{
	struct rig *rig = *state;

	assert_true(rig->ct.status.stale);
	conntrack_dump_begin(&rig->ct);
	add(rig, 1, IPCTNL_MSG_CT_NEW, NLM_F_MULTI);
	add(rig, 2, IPCTNL_MSG_CT_NEW, NLM_F_MULTI);
	assert_int_equal(dump(rig, false), 1);
	assert_int_equal(dump_entry(rig, 3), 1);
	assert_int_equal(rig->seen.facts, 3);
	assert_int_equal(rig->seen.last.kind, CONNTRACK_LISTED);
	assert_int_equal(rig->seen.last.generation, 1);
	assert_int_equal(rig->seen.last.netns, NETNS);
	assert_int_equal(rig->seen.listed, 0);
	assert_int_equal(dump_end(rig), 0);
	assert_int_equal(rig->seen.listed, 1);
	assert_int_equal(rig->seen.listed_generation, 1);
	assert_false(rig->ct.status.stale);
	assert_false(rig->ct.status.dumping);
	assert_int_equal(rig->ct.status.entries, 3);
}

static void foreign_serials_are_nothing(void **state)
{
	struct rig *rig = *state;
	struct made_entry old = {
		.id = 1, .type = IPCTNL_MSG_CT_NEW, .flags = NLM_F_MULTI, .serial = 77};

	conntrack_dump_begin(&rig->ct);
	made_add(&rig->made, &old);
	made_end(&rig->made, NLMSG_DONE, 77, 0);
	assert_int_equal(dump(rig, false), 1);
	assert_int_equal(rig->seen.facts, 0);
	assert_true(rig->ct.status.dumping);
}

static void refused(void **state)
{
	struct rig *rig = *state;

	conntrack_dump_begin(&rig->ct);
	made_end(&rig->made, NLMSG_ERROR, 1, -EPERM);
	assert_int_equal(dump(rig, false), -EPERM);
	assert_int_equal(rig->seen.listed, 0);
	assert_false(rig->ct.status.dumping);
	assert_true(rig->ct.status.stale);
}

static void a_damaged_dump_is_not_told(void **state)
{
	struct rig *rig = *state;

	conntrack_dump_begin(&rig->ct);
	add(rig, 1, IPCTNL_MSG_CT_NEW, NLM_F_MULTI);
	assert_int_equal(dump(rig, true), 1);
	assert_int_equal(dump_end(rig), 0);
	assert_int_equal(rig->ct.status.cut, 1);

	conntrack_dump_begin(&rig->ct);
	add(rig, 1, IPCTNL_MSG_CT_NEW, NLM_F_MULTI | NLM_F_DUMP_INTR);
	assert_int_equal(dump(rig, false), 1);
	assert_int_equal(dump_end(rig), 0);
	assert_int_equal(rig->ct.status.interrupted, 1);

	conntrack_dump_begin(&rig->ct);
	add(rig, 1, IPCTNL_MSG_CT_NEW, NLM_F_MULTI);
	rig->made.len -= 4; /* the message says more than there is */
	assert_int_equal(dump(rig, false), 1);
	assert_int_equal(dump_end(rig), 0);
	assert_int_equal(rig->ct.status.cut, 2);

	assert_int_equal(rig->seen.listed, 0);
	assert_true(rig->ct.status.stale);
	conntrack_dump_begin(&rig->ct);
	assert_int_equal(dump_end(rig), 0);
	assert_int_equal(rig->seen.listed, 1);
	assert_false(rig->ct.status.stale);
}

/* ---- events ---- */

static void kinds(void **state)
{
	struct rig *rig = *state;

	event(rig, 1, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL);
	assert_int_equal(rig->seen.last.kind, CONNTRACK_NEW);
	assert_int_equal(rig->seen.last.generation, 0);
	event(rig, 1, IPCTNL_MSG_CT_NEW, 0);
	assert_int_equal(rig->seen.last.kind, CONNTRACK_UPDATE);
	event(rig, 1, IPCTNL_MSG_CT_DELETE, 0);
	assert_int_equal(rig->seen.last.kind, CONNTRACK_DESTROY);
	event(rig, 1, IPCTNL_MSG_CT_GET_STATS, 0);
	assert_int_equal(rig->seen.facts, 3);
	assert_int_equal(rig->ct.status.made, 1);
	assert_int_equal(rig->ct.status.updated, 1);
	assert_int_equal(rig->ct.status.ended, 1);
}

static void an_end_overtakes_the_dump(void **state)
{
	struct rig *rig = *state;

	conntrack_dump_begin(&rig->ct);
	event(rig, 1, IPCTNL_MSG_CT_DELETE, 0);
	assert_int_equal(dump_entry(rig, 1), 1);
	assert_int_equal(rig->seen.last.kind, CONNTRACK_DESTROY);
	assert_int_equal(rig->ct.status.overtaken, 1);
	/* The next piece was made later: the same id in it is alive. */
	assert_int_equal(dump_entry(rig, 1), 1);
	assert_int_equal(rig->seen.last.kind, CONNTRACK_LISTED);
	/* Destroyed and made again. */
	event(rig, 1, IPCTNL_MSG_CT_DELETE, 0);
	event(rig, 1, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL);
	assert_int_equal(dump_entry(rig, 1), 1);
	assert_int_equal(rig->seen.last.kind, CONNTRACK_LISTED);
	/* Another entry in the same slot is none of it. */
	event(rig, 1, IPCTNL_MSG_CT_DELETE, 0);
	assert_int_equal(dump_entry(rig, 1 + CONNTRACK_RECENT), 1);
	assert_int_equal(rig->seen.last.kind, CONNTRACK_LISTED);
	assert_int_equal(rig->ct.status.overtaken, 1);
}

static void an_update_is_newer_than_the_dump(void **state)
{
	const uint32_t newer = CONNTRACK_HAS_STATE | CONNTRACK_HAS_STATUS |
			       CONNTRACK_HAS_TIMEOUT;
	struct rig *rig = *state;

	conntrack_dump_begin(&rig->ct);
	event(rig, 1, IPCTNL_MSG_CT_NEW, 0);
	assert_int_equal(rig->seen.last.has & newer, newer);
	assert_int_equal(dump_entry(rig, 1), 1);
	assert_int_equal(rig->seen.last.kind, CONNTRACK_LISTED);
	assert_int_equal(rig->seen.last.has & newer, 0);
	assert_true(rig->seen.last.has & CONNTRACK_HAS_ORIG_COUNTERS);
	assert_int_equal(dump_entry(rig, 1), 1);
	assert_int_equal(rig->seen.last.has & newer, newer);
}

/* ---- losses ---- */

static void whole_dump(struct rig *rig)
{
	conntrack_dump_begin(&rig->ct);
	assert_int_equal(dump_end(rig), 0);
}

static void a_loss_is_healed_by_a_later_dump(void **state)
{
	struct rig *rig = *state;

	whole_dump(rig);
	assert_false(rig->ct.status.stale);
	conntrack_lost(&rig->ct);
	assert_true(rig->ct.status.stale);
	/* Begun while the kernel still threw events away. */
	whole_dump(rig);
	assert_true(rig->ct.status.stale);
	assert_int_equal(rig->seen.listed, 2); /* who is gone is true all the same */
	conntrack_drained(&rig->ct);
	assert_true(rig->ct.status.stale);
	whole_dump(rig);
	assert_false(rig->ct.status.stale);
	assert_int_equal(rig->ct.status.overruns, 1);
}

static void a_loss_within_the_dump(void **state)
{
	struct rig *rig = *state;

	conntrack_dump_begin(&rig->ct);
	conntrack_lost(&rig->ct);
	conntrack_drained(&rig->ct);
	assert_int_equal(dump_end(rig), 0);
	assert_true(rig->ct.status.stale);
	whole_dump(rig);
	assert_false(rig->ct.status.stale);
}

static void a_cut_event_is_a_loss(void **state)
{
	struct rig *rig = *state;

	whole_dump(rig);
	add(rig, 1, IPCTNL_MSG_CT_NEW, 0);
	events(rig, true);
	assert_true(rig->ct.status.stale);
	whole_dump(rig);
	assert_false(rig->ct.status.stale);
}

/* ---- other answers ---- */

static void on_cpu(void *ctx, const struct conntrack_cpu *cpu)
{
	*(struct conntrack_cpu *)ctx = *cpu;
}

static void cpus(void **state)
{
	struct rig *rig = *state;
	struct conntrack_cpu cpu = {0};

	made_cpu(&rig->made, 5, 3);
	assert_int_equal(
		conntrack_read_cpu(rig->made.bytes, rig->made.len, 5, on_cpu, &cpu), 1);
	assert_int_equal(cpu.cpu, 3);
	assert_int_equal(cpu.insert_failed, 1000 + CTA_STATS_INSERT_FAILED);
	assert_int_equal(cpu.early_drop, 1000 + CTA_STATS_EARLY_DROP);
	assert_int_equal(cpu.chain_too_long, 1000 + CTA_STATS_CHAIN_TOOLONG);
	made_end(&rig->made, NLMSG_DONE, 5, 0);
	assert_int_equal(
		conntrack_read_cpu(rig->made.bytes, rig->made.len, 5, on_cpu, &cpu), 0);
}

static void acknowledgements(void **state)
{
	struct rig *rig = *state;

	made_end(&rig->made, NLMSG_ERROR, 4, 0);
	assert_int_equal(conntrack_read_ack(rig->made.bytes, rig->made.len, 5), 1);
	made_end(&rig->made, NLMSG_ERROR, 5, -ENOENT);
	assert_int_equal(
		conntrack_read_ack(rig->made.bytes, rig->made.len, 5), -ENOENT);
	assert_int_equal(
		conntrack_read_ack(rig->made.bytes, rig->made.len - 4, 5), -EPROTO);
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_dump_in_pieces),
		RIG_TEST(foreign_serials_are_nothing),
		RIG_TEST(refused),
		RIG_TEST(a_damaged_dump_is_not_told),
		RIG_TEST(kinds),
		RIG_TEST(an_end_overtakes_the_dump),
		RIG_TEST(an_update_is_newer_than_the_dump),
		RIG_TEST(a_loss_is_healed_by_a_later_dump),
		RIG_TEST(a_loss_within_the_dump),
		RIG_TEST(a_cut_event_is_a_loss),
		RIG_TEST(cpus),
		RIG_TEST(acknowledgements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
