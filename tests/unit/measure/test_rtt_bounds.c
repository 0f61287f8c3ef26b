/* Round trips of long flights, in little memory, of one side, and across steps of the
 * clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rtt_world.h"

/* The capture has one side only: no sample, and no memory but for the first few. */
static void one_way(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 2000; i++) {
		feed(w, stamped(data(CLIENT, 100 + i * 100, 100), i, 7));
		wait_ms(w, 1);
	}
	assert_int_equal(w->count, 0);
	assert_int_equal(w->g.pools.slab[POOL_RING64].used, 0);
	assert_int_equal(w->g.lost, 0);
}

static void one_way_of_acks(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 2000; i++) {
		feed(w, ack(SERVER, 100 + i * 100));
		wait_ms(w, 1);
	}
	assert_int_equal(w->count, 0);
	assert_int_equal(w->g.pools.slab[POOL_RING8].used, 0);
}

static void the_clock_runs_back(void **state)
{
	struct world *w = *state;

	meet(w, 100);
	feed(w, data(CLIENT, 100, 100));
	w->now_ns -= 3600000 * MS;
	feed(w, ack(SERVER, 200));
	assert_int_equal(last(w)->reason, REASON_clock);
	assert_int_equal(last(w)->rtt_ns, 0);
	/* A small step that would pass for a shorter round trip. */
	feed(w, data(CLIENT, 200, 100));
	wait_ms(w, 10);
	feed(w, data(CLIENT, 300, 100));
	w->now_ns -= 5 * MS;
	feed(w, data(CLIENT, 400, 100));
	wait_ms(w, 20);
	feed(w, ack(SERVER, 300));
	assert_int_equal(last(w)->reason, REASON_clock);
	feed(w, ack(SERVER, 500));
	is_valid(w, SAMPLE_seq, SERVER, 20);
	assert_int_equal(w->m.result[SERVER].rtt.samples, 1);
}

static void untimed_ones_say_nothing(void **state)
{
	struct world *w = *state;

	meet(w, 100);
	w->g.untimed = true;
	feed(w, stamped(data(CLIENT, 100, 100), 5, 1));
	w->g.untimed = false;
	wait_ms(w, 10);
	feed(w, stamped(ack(SERVER, 200), 50, 5));
	assert_int_equal(w->count, 0);
	feed(w, stamped(data(CLIENT, 200, 100), 6, 1));
	wait_ms(w, 10);
	w->g.untimed = true;
	feed(w, stamped(ack(SERVER, 300), 60, 6));
	w->g.untimed = false;
	assert_int_equal(w->count, 0);
}

static void muted_ones_count(void **state)
{
	struct world *w = *state;

	w->g.muted = true;
	feed(w, (struct packet){.tcp_flags = TCP_SYN, .seq = 99});
	wait_ms(w, 20);
	feed(w, (struct packet){
			.dir = SERVER, .tcp_flags = TCP_SYN | TCP_ACK, .ack = 100});
	w->g.muted = false;
	assert_int_equal(w->count, 0);
	assert_int_equal(w->m.result[SERVER].rtt.handshake_us, 20000);
	wait_ms(w, 2);
	feed(w, ack(CLIENT, 1));
	is_valid(w, SAMPLE_handshake, CLIENT, 2);
}

/* With so many segments on their way each one still gives its sample. */
static void window(struct world *w, unsigned flight, unsigned total)
{
	meet(w, 100);
	for (unsigned i = 0; i < total + flight; i++) {
		if (i < total)
			feed(w, data(CLIENT, 100 + i * 100, 100));
		w->now_ns += 1000;
		if (i >= flight)
			feed(w, ack(SERVER, 200 + (i - flight) * 100));
	}
}

static void two_hundred_on_their_way(void **state)
{
	struct world *w = *state;

	window(w, 200, 20000);
	assert_int_equal(w->valid[SAMPLE_seq], 20000);
	assert_int_equal(w->count, 20000);
	assert_int_equal(w->g.lost, 0);
}

/* 512 are kept; of longer flights an even share, and what went is counted. */
static void two_thousand_on_their_way(void **state)
{
	struct world *w = *state;

	window(w, 2000, 40000);
	assert_true(w->valid[SAMPLE_seq] > 40000 / 16);
	assert_true(w->valid[SAMPLE_seq] < 40000);
	assert_int_equal(w->valid[SAMPLE_seq] + w->g.lost, 40000);
	assert_int_equal(w->count, w->valid[SAMPLE_seq]);
	assert_int_equal(w->told[1000].rtt_ns, 2001 * 1000);
}

static void without_big_blocks(void **state)
{
	struct world *w = *state;
	uint32_t taken[2] = {0}, n;

	while ((n = pools_alloc(&w->g.pools, POOL_RING64)))
		taken[0] = n;
	while ((n = pools_alloc(&w->g.pools, POOL_RING8)))
		taken[1] = n;
	for (n = taken[1]; n > taken[1] - 4; n--)
		pools_free(&w->g.pools, POOL_RING8, n);
	window(w, 64, 6400);
	assert_true(w->valid[SAMPLE_seq] > 6400 / 32);
	assert_int_equal(w->valid[SAMPLE_seq] + w->g.lost, 6400);
	rtt_done(&w->g, &w->m);
	for (n = taken[1] - 4; n; n--)
		pools_free(&w->g.pools, POOL_RING8, n);
	for (n = taken[0]; n; n--)
		pools_free(&w->g.pools, POOL_RING64, n);
}

static void without_any_block(void **state)
{
	struct world *w = *state;
	uint32_t n, most = 0;

	while ((n = pools_alloc(&w->g.pools, POOL_RING8)))
		most = n;
	window(w, 10, 100);
	assert_int_equal(w->valid[SAMPLE_seq], 10); /* the one in the ring itself */
	assert_int_equal(w->g.lost, 90);
	rtt_done(&w->g, &w->m);
	for (; most; most--)
		pools_free(&w->g.pools, POOL_RING8, most);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_way, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			one_way_of_acks, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			the_clock_runs_back, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			untimed_ones_say_nothing, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			muted_ones_count, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			two_hundred_on_their_way, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			two_thousand_on_their_way, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			without_big_blocks, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			without_any_block, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
