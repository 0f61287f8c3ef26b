/* A full table: who has to go, who may stay, and that every row is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "rig.h"
#include "table_check.h"

static void with(struct rig *r, struct dialogue *t, const char *script)
{
	struct dialogue before = r->talk;

	r->talk = *t;
	rig_play(r, script);
	*t = r->talk;
	r->talk = before;
}

static struct dialogue start(
	struct rig *r, uint8_t proto, unsigned n, const char *script)
{
	struct dialogue t = rig_talk(proto, n, n % 3 == 0);

	with(r, &t, script);
	return t;
}

static struct rig *bounded(uint32_t max_flows)
{
	struct flow_setup setup = {.max_flows = max_flows, .memory_bytes = 8u << 20};

	return rig_new(&setup);
}

static const char *gone(const struct rig *r, unsigned row)
{
	const char *name = evict_name((enum evict_class)r->row[row].evicted);

	assert_true(row < r->rows);
	return name ? name : "";
}

/* The order of spec and counters.h; a closed row is complete, so it is not marked. */
static void by_class(void **state)
{
	struct rig *r = bounded(6);

	(void)state;
	start(r, PROTO_TCP, 10, ">S <SA >A"); /* will be idle */
	start(r, PROTO_UDP, 11, ">.10 <.10"); /* idle for less long */
	r->now_ns += 100 * RIG_SECOND;
	start(r, PROTO_UDP, 12, ">.10");
	start(r, PROTO_TCP, 13, ">S <SA >A");
	start(r, PROTO_TCP, 14, ">S");
	start(r, PROTO_TCP, 15, ">S <SA >A <R");
	assert_int_equal(r->rows, 0);
	for (unsigned n = 20; n < 26; n++)
		start(r, PROTO_TCP, n, ">S <SA >A");
	assert_int_equal(r->rows, 6);
	assert_string_equal(gone(r, 0), evict_name(EVICT_NONE));
	assert_int_equal(r->row[0].facts & FLOW_CLOSED, FLOW_CLOSED);
	assert_int_equal(r->counters.evicted[EVICT_CLOSED], 1);
	assert_string_equal(gone(r, 1), evict_name(EVICT_HALF_OPEN));
	assert_string_equal(gone(r, 2), evict_name(EVICT_ONE_WAY));
	assert_string_equal(gone(r, 3), evict_name(EVICT_IDLE));
	assert_int_equal(r->row[3].key.proto, PROTO_TCP);
	assert_string_equal(gone(r, 4), evict_name(EVICT_IDLE));
	assert_string_equal(gone(r, 5), evict_name(EVICT_ACTIVE));
	rig_end(r);
	rig_free(r);
}

/* However many were active just now, the silent ones go first. */
static void idle_before_active(void **state)
{
	struct rig *r = bounded(100);
	struct dialogue t[100];

	(void)state;
	for (unsigned n = 0; n < 100; n++)
		t[n] = start(r, n % 2 ? PROTO_TCP : PROTO_UDP, n,
			n % 2 ? ">S <SA >A" : ">.10 <.10");
	for (unsigned turn = 0; turn < 5; turn++) {
		r->now_ns += 30 * RIG_SECOND;
		for (unsigned n = 0; n < 90; n++)
			with(r, &t[n], n % 2 ? ">A10" : ">.10");
	}
	for (unsigned n = 200; n < 210; n++)
		start(r, PROTO_UDP, n, ">.10 <.10");
	assert_int_equal(r->counters.evicted[EVICT_IDLE], 10);
	assert_int_equal(r->rows, 10);
	for (unsigned n = 0; n < 90; n++)
		assert_non_null(rig_now(r, &t[n]));
	rig_end(r);
	rig_free(r);
}

static void what_is_over_is_not_evicted(void **state)
{
	struct rig *r = bounded(2);

	(void)state;
	r->batch = 64;
	start(r, PROTO_TCP, 1, ">S");
	start(r, PROTO_UDP, 2, ">.10");
	r->now_ns = RIG_EPOCH + 60 * RIG_SECOND;
	start(r, PROTO_TCP, 4, ">S");
	rig_feed_waiting(r);
	assert_int_equal(r->rows, 1);
	assert_string_equal(gone(r, 0), evict_name(EVICT_NONE));
	assert_int_equal(rig_count(r, FLOW_EVENT_TIMEOUT), 1);
	rig_end(r);
	rig_free(r);
}

enum flood {
	FLOOD_SYN,
	FLOOD_SYNACK, /* answered */
	FLOOD_ACK,
	FLOOD_UDP,
	FLOOD_WRONG_ACK, /* a handshake whose end acknowledges nothing */
	FLOOD_REFUSED,
	FLOOD_COUNT,
};

static void flood_one(struct rig *r, enum flood kind, unsigned n)
{
	static const char *const scripts[FLOOD_COUNT] = {
		">S", ">S <SA", ">A", ">.50", ">S <SA >A#900000000", ">S <RA"};

	start(r, kind == FLOOD_UDP ? PROTO_UDP : PROTO_TCP, n, scripts[kind]);
	r->now_ns -= RIG_MS; /* several a millisecond */
}

#define VICTIMS 50u
#define BETWEEN 60u /* packets of the flood to one connection of interest */

static void check_victim(struct rig *r, const struct dialogue *t, unsigned packets)
{
	const struct flow *f = rig_now(r, t);

	assert_non_null(f);
	assert_string_equal(flow_conn_state(f), "S1");
	assert_int_equal(f->side[0].packets + f->side[1].packets, packets);
}

static void one_flood(enum flood kind)
{
	struct rig *r = bounded(500);
	struct dialogue old[VICTIMS], young[VICTIMS];

	r->batch = 64;
	for (unsigned n = 0; n < VICTIMS; n++)
		old[n] = start(r, PROTO_TCP, 100000 + n, ">S <SA >A100");
	for (unsigned n = 0; n < VICTIMS * BETWEEN; n++) {
		unsigned y = n / BETWEEN, part = n % BETWEEN;

		if (part == 0)
			young[y] = start(r, PROTO_TCP, 200000 + y, ">S");
		with(r, &young[y],
			part == 30   ? "<SA"
			: part == 59 ? ">A100 <A200"
				     : "");
		flood_one(r, kind, n);
	}
	for (unsigned n = 0; n < VICTIMS; n++) {
		check_victim(r, &young[n], 4);
		check_victim(r, &old[n], 3);
	}
	assert_int_equal(r->counters.evicted[EVICT_ACTIVE], 0);
	rig_end(r);
	rig_free(r);
}

/* What is established, and what starts in the middle of it, comes through whole. */
static void floods(void **state)
{
	(void)state;
	for (enum flood kind = 0; kind < FLOOD_COUNT; kind++)
		one_flood(kind);
}

static uint32_t half_open(const struct rig *r)
{
	return r->table->wheel[CLASS_HALF_OPEN].count +
	       r->table->wheel[CLASS_HALF_OPEN_SMALL].count;
}

/* Random traffic in tables of one to three: the promise of the spec, and all sums. */
static void tiny_tables(void **state)
{
	static const char *const scripts[] = {">S", "<SA", ">A", ">A100", "<A100",
		">FA", "<FA", "<R", ">S@77", "t61000", "t5001"};

	(void)state;
	for (unsigned seed = 1; seed <= 300; seed++) {
		struct rig *r = bounded(1 + seed % 3);
		struct dialogue t[6];

		srand(seed);
		for (unsigned n = 0; n < 6; n++)
			t[n] = rig_talk(PROTO_TCP, n, n % 2);
		for (unsigned n = 0; n < 300; n++) {
			uint64_t active = r->counters.evicted[EVICT_ACTIVE];
			uint32_t before = half_open(r);

			with(r, &t[rand() % 6], scripts[rand() % 11]);
			if (r->counters.evicted[EVICT_ACTIVE] > active)
				assert_int_equal(before, 0);
		}
		assert_int_equal(r->counters.overruns, 0);
		rig_end(r);
		rig_free(r);
	}
}

/* Memory instead of a number: small ones have 3/16, full ones 9/16 with their measure.
 */
static void by_memory(void **state)
{
	struct flow_setup setup = {.memory_bytes = 64 << 10};
	struct rig *r = rig_new(&setup);
	uint32_t fulls = (36 << 10) /
			 (sizeof(struct flow) + sizeof(struct tcp_measure));

	(void)state;
	for (unsigned n = 0; n < 1000; n++)
		start(r, n % 2 ? PROTO_TCP : PROTO_UDP, n, n % 2 ? ">S" : ">.10");
	assert_in_range(flow_table_count(r->table), 150, (12 << 10) / 64);
	for (unsigned n = 1000; n < 1200; n++)
		start(r, PROTO_TCP, n, ">S <SA >A");
	assert_in_range(r->table->slab[REF_FULL].used, fulls - 1, fulls);
	assert_int_equal(r->counters.overruns, 0);
	rig_end(r);
	rig_free(r);
}

/* Not even one full flow: small ones that would become one are written as they are. */
static void hardly_any_memory(void **state)
{
	struct flow_setup setup = {.memory_bytes = 1000};
	struct rig *r = rig_new(&setup);
	uint64_t small;

	(void)state;
	start(r, PROTO_TCP, 1, ">S <SA");
	small = r->fed;
	start(r, PROTO_TCP, 2, ">S <RA");
	start(r, PROTO_UDP, 4, ">.10 <.10");
	rig_end(r);
	assert_int_equal(r->rows, 3);
	assert_int_equal(r->ended_packets, small + 2);
	assert_int_equal(r->counters.overruns, 2);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_class),
		cmocka_unit_test(idle_before_active),
		cmocka_unit_test(what_is_over_is_not_evicted),
		cmocka_unit_test(floods),
		cmocka_unit_test(tiny_tables),
		cmocka_unit_test(by_memory),
		cmocka_unit_test(hardly_any_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
