/* Round trips by timestamps, what a sender knew, and how windows are scaled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rtt_world.h"

static unsigned echoes(const struct world *w)
{
	return w->valid[SAMPLE_timestamp];
}

/* Only a newer TSval starts one, the first echo ends it; the numbers wrap. */
static void first_echo_wins(void **state)
{
	struct world *w = *state;
	uint32_t t = UINT32_MAX;

	meet(w, 100);
	feed(w, stamped(data(CLIENT, 100, 100), t, 9));
	wait_ms(w, 1);
	feed(w, stamped(data(CLIENT, 200, 100), t, 9)); /* the same TSval */
	wait_ms(w, 1);
	feed(w, stamped(data(CLIENT, 300, 100), t + 1, 9));
	wait_ms(w, 5);
	feed(w, stamped(ack(SERVER, 300), 10, t));
	assert_int_equal(echoes(w), 1);
	assert_int_equal(last(w)->rtt_ns, 7 * MS);
	wait_ms(w, 1);
	feed(w, stamped(ack(SERVER, 400), 10, t + 1));
	assert_int_equal(echoes(w), 2);
	assert_int_equal(last(w)->rtt_ns, 6 * MS);
	feed(w, stamped(ack(SERVER, 400), 11, t + 1));
	assert_int_equal(echoes(w), 2);
}

/* A new copy has its own TSval: what Karn leaves out is known then. */
static void an_echo_tells_the_copy(void **state)
{
	struct world *w = *state;

	meet(w, 100);
	feed(w, stamped(data(CLIENT, 100, 100), 1000, 9));
	wait_ms(w, 300);
	feed_as(w, stamped(data(CLIENT, 100, 100), 1300, 9), SEGMENT_AGAIN);
	wait_ms(w, 20);
	feed(w, stamped(ack(SERVER, 200), 10, 1300));
	assert_int_equal(w->by_reason[REASON_retransmitted], 1);
	is_valid(w, SAMPLE_timestamp, SERVER, 20);
}

static void an_echo_without_ack_is_none(void **state)
{
	struct world *w = *state;
	struct packet p = stamped(data(SERVER, 1, 10), 10, 1000);

	meet(w, 100);
	feed(w, stamped(data(CLIENT, 100, 100), 1000, 9));
	wait_ms(w, 20);
	p.tcp_flags = 0;
	p.ack = 0;
	feed(w, p);
	assert_int_equal(w->count, 0);
}

/*
 * Bulk from the client, seen at the server: data is acknowledged at once, and what the
 * acknowledgement sets free is here 30 ms later.
 */
static void the_senders_side(void **state)
{
	struct world *w = *state;
	uint32_t seq = 100;

	meet(w, 100);
	feed(w, stamped(data(CLIENT, 100, 100), 1, 1));
	for (unsigned i = 0; i < 20; i++) {
		seq += 100;
		feed(w, stamped(ack(SERVER, seq), 1000 + i, 1 + i));
		wait_ms(w, 10);
		feed(w, stamped(data(CLIENT, seq, 100), 1 + i, 999 + i));
		seq += 100;
		wait_ms(w, 20);
		feed(w, stamped(data(CLIENT, seq, 100), 2 + i, 1000 + i));
		assert_true(w->s.has_known);
		assert_int_equal(w->s.known_ack, seq - 100);
		assert_int_equal(w->s.known_ns, w->now_ns - 30 * MS);
	}
	assert_int_equal(w->valid[SAMPLE_ack], 20);
	assert_int_equal(w->m.result[CLIENT].rtt.samples, 20);
	assert_int_equal(w->m.result[CLIENT].rtt.spread.least, 30000);
	assert_int_equal(w->m.result[CLIENT].rtt.family, RTT_ACK);
}

static void a_pause_of_the_sender_is_idle(void **state)
{
	struct world *w = *state;

	meet(w, 100);
	feed(w, stamped(data(CLIENT, 100, 100), 1, 1));
	wait_ms(w, 10);
	feed(w, stamped(ack(SERVER, 200), 1000, 1));
	wait_ms(w, 5000);
	feed(w, stamped(data(CLIENT, 200, 100), 5000, 1000));
	assert_int_equal(last(w)->kind, SAMPLE_ack);
	assert_int_equal(last(w)->reason, REASON_idle);
	assert_int_equal(w->m.result[CLIENT].rtt.ambiguous, 0);
	assert_int_equal(w->m.result[CLIENT].rtt.samples, 0);
}

/* Without timestamps: what passed longer ago than the least round trip of that half. */
static void known_by_time(void **state)
{
	struct world *w = *state;

	handshake(w, 100); /* the client's half: 3 ms */
	feed(w, data(CLIENT, 100, 100));
	assert_true(!w->s.has_known || w->s.known_ack == 100);
	wait_ms(w, 20);
	feed(w, ack(SERVER, 200));
	wait_ms(w, 2);
	feed(w, data(CLIENT, 200, 100));
	assert_true(!w->s.has_known || w->s.known_ack == 100);
	wait_ms(w, 2);
	feed(w, data(CLIENT, 300, 100));
	assert_true(w->s.has_known);
	assert_int_equal(w->s.known_ack, 200);
	assert_int_equal(w->s.known_edge, 1200);
	assert_int_equal(w->s.known_ns, w->now_ns - 4 * MS);
}

static void scale(struct world *w, int client, int server)
{
	struct packet syn = {.tcp_flags = TCP_SYN, .seq = 99, .window = 500};
	struct packet synack = {.dir = SERVER,
		.tcp_flags = TCP_SYN | TCP_ACK,
		.ack = 100,
		.window = 700};

	syn.has_wscale = client >= 0;
	syn.wscale = (uint8_t)client;
	synack.has_wscale = server >= 0;
	synack.wscale = (uint8_t)server;
	feed(w, syn);
	feed(w, synack);
	feed(w, ack(CLIENT, 1));
	feed(w, ack(SERVER, 100));
}

static void windows_are_scaled(void **state)
{
	struct world *w = *state;

	scale(w, 3, 7);
	assert_int_equal(w->m.side[CLIENT].rtt.edge, 1 + (1000 << 3));
	assert_int_equal(w->m.side[SERVER].rtt.edge, 100 + (1000 << 7));
	assert_int_equal(w->m.side[SERVER].rtt.wscale, 7);
}

static void scaling_takes_two(void **state)
{
	struct world *w = *state;

	scale(w, 3, -1);
	assert_int_equal(w->m.side[CLIENT].rtt.edge, 1001);
	assert_int_equal(w->m.side[CLIENT].rtt.wscale, 0);
	assert_int_equal(w->m.side[SERVER].rtt.wscale, 0);
}

static void scales_of_mid_stream_are_unknown(void **state)
{
	struct world *w = *state;

	meet(w, 100);
	assert_int_equal(w->m.side[CLIENT].rtt.wscale, UINT8_MAX);
	assert_int_equal(w->m.side[SERVER].rtt.wscale, UINT8_MAX);
	assert_false(w->m.side[SERVER].rtt.has_edge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			first_echo_wins, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			an_echo_tells_the_copy, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			an_echo_without_ack_is_none, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			the_senders_side, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			a_pause_of_the_sender_is_idle, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			known_by_time, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			windows_are_scaled, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			scaling_takes_two, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			scales_of_mid_stream_are_unknown, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
