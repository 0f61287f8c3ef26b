/* Round trips by numbers: which pairs of packets are told, and which are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rtt_world.h"

static void handshake_halves(void **state)
{
	struct world *w = *state;
	uint32_t us;

	handshake(w, 100);
	assert_int_equal(w->count, 2);
	assert_int_equal(w->m.result[SERVER].rtt.handshake_us, 20000);
	assert_int_equal(w->m.result[CLIENT].rtt.handshake_us, 3000);
	assert_int_equal(w->m.result[SERVER].rtt.samples, 0);
	assert_true(rtt_least_us(&w->m.side[SERVER].rtt, &us));
	assert_int_equal(us, 20000);
	assert_false(rtt_queue_us(&w->m.result[SERVER].rtt, &us));
}

static void a_repeated_syn(void **state)
{
	struct world *w = *state;
	struct packet syn = {.tcp_flags = TCP_SYN, .seq = 99};
	struct packet synack = {
		.dir = SERVER, .tcp_flags = TCP_SYN | TCP_ACK, .ack = 100};

	feed(w, syn);
	wait_ms(w, 1000);
	feed_as(w, syn, SEGMENT_AGAIN);
	wait_ms(w, 20);
	feed(w, synack);
	assert_int_equal(last(w)->reason, REASON_retransmitted);
	wait_ms(w, 3);
	feed(w, ack(CLIENT, 1));
	is_valid(w, SAMPLE_handshake, CLIENT, 3);
	assert_false(w->m.result[SERVER].rtt.has_handshake);
	assert_int_equal(w->m.result[SERVER].rtt.ambiguous, 1);
}

static void a_repeated_synack(void **state)
{
	struct world *w = *state;
	struct packet syn = {.tcp_flags = TCP_SYN, .seq = 99};
	struct packet synack = {
		.dir = SERVER, .tcp_flags = TCP_SYN | TCP_ACK, .ack = 100};

	feed(w, syn);
	wait_ms(w, 20);
	feed(w, synack);
	is_valid(w, SAMPLE_handshake, SERVER, 20);
	wait_ms(w, 1000);
	feed_as(w, synack, SEGMENT_AGAIN);
	wait_ms(w, 3);
	feed(w, ack(CLIENT, 1));
	assert_int_equal(last(w)->reason, REASON_retransmitted);
	assert_int_equal(w->count, 2);
	assert_false(w->m.result[CLIENT].rtt.has_handshake);
}

static void a_refused_syn(void **state)
{
	struct world *w = *state;
	struct packet syn = {.tcp_flags = TCP_SYN, .seq = 99};
	struct packet rst = {.dir = SERVER, .tcp_flags = TCP_RST | TCP_ACK, .ack = 100};

	feed(w, syn);
	wait_ms(w, 20);
	feed(w, rst);
	is_valid(w, SAMPLE_handshake, SERVER, 20);
}

static void a_reset_of_data_says_nothing(void **state)
{
	struct world *w = *state;
	struct packet rst = {.dir = SERVER, .tcp_flags = TCP_RST | TCP_ACK, .ack = 200};

	meet(w, 100);
	feed(w, data(CLIENT, 100, 100));
	wait_ms(w, 20);
	feed(w, rst);
	assert_int_equal(w->count, 0);
}

/* Each end of a segment that is acknowledged is one, wherever the numbers begin. */
static void bulk_from(struct world *w, uint32_t from)
{
	for (unsigned i = 0; i < 50; i++) {
		feed(w, data(CLIENT, from + i * 100, 100));
		wait_ms(w, 7);
		feed(w, ack(SERVER, from + i * 100 + 100));
		is_valid(w, SAMPLE_seq, SERVER, 7);
		assert_int_equal(last(w)->seq, from + i * 100 + 100);
		assert_int_equal(last(w)->bytes, 100);
		assert_true(w->s.new_ack);
	}
	assert_int_equal(w->count, 50);
	assert_int_equal(w->m.result[SERVER].rtt.samples, 50);
	assert_int_equal(w->m.smooth_us[SERVER], 7000);
	assert_int_equal(w->m.result[SERVER].rtt.spread.least, 7000);
}

static void numbers_wrap(void **state)
{
	struct world *w = *state;

	meet(w, UINT32_MAX - 2450);
	bulk_from(w, UINT32_MAX - 2450);
	assert_int_equal(w->m.result[SERVER].rtt.ambiguous, 0);
}

static void a_stretch_ack_equals_the_last(void **state)
{
	struct world *w = *state;

	meet(w, 100);
	for (unsigned i = 0; i < 4; i++) {
		feed(w, data(CLIENT, 100 + i * 100, 100));
		wait_ms(w, 1);
	}
	wait_ms(w, 9);
	feed(w, ack(SERVER, 500));
	is_valid(w, SAMPLE_seq, SERVER, 10);
	assert_int_equal(w->count, 1);
}

static void an_ack_beyond_the_end_is_covered(void **state)
{
	struct world *w = *state;

	meet(w, 100);
	feed(w, data(CLIENT, 100, 100));
	wait_ms(w, 10);
	feed(w, ack(SERVER, 250)); /* of something that was not captured */
	assert_int_equal(last(w)->reason, REASON_covered);
	assert_int_equal(w->m.result[SERVER].rtt.ambiguous, 1);
	assert_int_equal(w->m.result[SERVER].rtt.samples, 0);
}

static void half_of_a_segment_is_none(void **state)
{
	struct world *w = *state;

	meet(w, 100);
	feed(w, data(CLIENT, 100, 1000));
	wait_ms(w, 10);
	feed(w, ack(SERVER, 600));
	assert_int_equal(w->count, 0);
	wait_ms(w, 2);
	feed(w, ack(SERVER, 1100));
	is_valid(w, SAMPLE_seq, SERVER, 12);
}

/* Karn: which copy was answered is unknown, of those above it only what came later. */
static void sent_again(void **state)
{
	struct world *w = *state;

	meet(w, 100);
	feed(w, data(CLIENT, 100, 100));
	feed(w, data(CLIENT, 200, 100));
	wait_ms(w, 300);
	feed_as(w, data(CLIENT, 100, 100), SEGMENT_AGAIN);
	wait_ms(w, 1);
	feed(w, data(CLIENT, 300, 100));
	wait_ms(w, 10);
	feed(w, ack(SERVER, 200));
	assert_int_equal(last(w)->reason, REASON_retransmitted);
	feed(w, ack(SERVER, 300));
	assert_int_equal(last(w)->reason, SAMPLE_VALID);
	feed(w, ack(SERVER, 400));
	is_valid(w, SAMPLE_seq, SERVER, 10);
}

static void waited_for_one_sent_later(void **state)
{
	struct world *w = *state;

	meet(w, 100);
	feed(w, data(CLIENT, 100, 100));
	feed(w, data(CLIENT, 200, 100));
	wait_ms(w, 300);
	feed_as(w, data(CLIENT, 100, 100), SEGMENT_AGAIN);
	wait_ms(w, 10);
	feed(w, ack(SERVER, 300));
	assert_int_equal(last(w)->reason, REASON_reordered);
	assert_int_equal(w->valid[SAMPLE_seq], 0);
}

/* An overlapping copy of another size. */
static void sent_again_in_other_pieces(void **state)
{
	struct world *w = *state;

	meet(w, 100);
	feed(w, data(CLIENT, 100, 100));
	feed(w, data(CLIENT, 200, 100));
	wait_ms(w, 300);
	feed_as(w, data(CLIENT, 150, 200), SEGMENT_AGAIN);
	wait_ms(w, 10);
	feed(w, ack(SERVER, 350));
	assert_int_equal(last(w)->reason, REASON_retransmitted);
	assert_int_equal(w->valid[SAMPLE_seq], 0);
}

static void a_hole_is_filled(void **state)
{
	struct world *w = *state;

	meet(w, 100);
	feed_as(w, data(CLIENT, 200, 100), SEGMENT_AHEAD);
	wait_ms(w, 1);
	feed_as(w, data(CLIENT, 100, 100), SEGMENT_REORDERED);
	wait_ms(w, 10);
	feed(w, ack(SERVER, 200));
	is_valid(w, SAMPLE_seq, SERVER, 10);
	feed_as(w, data(CLIENT, 400, 100), SEGMENT_AHEAD);
	wait_ms(w, 1);
	feed_as(w, data(CLIENT, 300, 100), SEGMENT_REORDERED);
	wait_ms(w, 10);
	feed(w, ack(SERVER, 500));
	assert_int_equal(last(w)->reason, REASON_reordered);
	feed_as(w, data(CLIENT, 600, 100), SEGMENT_AHEAD);
	feed_as(w, data(CLIENT, 500, 100), SEGMENT_REPAIR);
	wait_ms(w, 10);
	feed(w, ack(SERVER, 600));
	assert_int_equal(last(w)->reason, REASON_retransmitted);
}

static void sacked_before(void **state)
{
	struct world *w = *state;
	struct packet sack = ack(SERVER, 100);

	meet(w, 100);
	for (unsigned i = 0; i < 4; i++)
		feed(w, data(CLIENT, 100 + i * 100, 100));
	wait_ms(w, 10);
	sack.sacks = 1;
	sack.sack[0].from = 200;
	sack.sack[0].to = 400;
	feed(w, sack);
	wait_ms(w, 200);
	feed(w, ack(SERVER, 400));
	assert_int_equal(last(w)->reason, REASON_sacked);
	feed(w, ack(SERVER, 500));
	is_valid(w, SAMPLE_seq, SERVER, 210);
}

static void probes(void **state)
{
	struct world *w = *state;

	meet(w, 100);
	feed(w, data(CLIENT, 100, 100));
	wait_ms(w, 5);
	feed(w, ack(SERVER, 200));
	assert_int_equal(w->count, 1);
	feed_as(w, data(CLIENT, 199, 1), SEGMENT_PROBE);
	wait_ms(w, 5);
	feed(w, ack(SERVER, 200));
	assert_int_equal(w->count, 1);
	feed_as(w, data(CLIENT, 200, 1), SEGMENT_PROBE);
	wait_ms(w, 5);
	feed(w, ack(SERVER, 201));
	assert_int_equal(last(w)->reason, REASON_probe);
}

static void fins_are_apart(void **state)
{
	struct world *w = *state;
	struct packet fin = data(CLIENT, 100, 0);

	meet(w, 100);
	fin.tcp_flags |= TCP_FIN;
	feed(w, fin);
	wait_ms(w, 4);
	feed(w, ack(SERVER, 101));
	is_valid(w, SAMPLE_fin, SERVER, 4);
	assert_int_equal(w->m.result[SERVER].rtt.samples, 0);
}

/* The median of what was sent, less the least of the last 10 to 20 s. */
static void a_queue(void **state)
{
	struct world *w = *state;
	uint32_t us;

	meet(w, 100);
	for (unsigned i = 0; i < 400; i++) {
		feed(w, data(CLIENT, 100 + i * 100, 100));
		wait_ms(w, i % 4 ? 80 : 20);
		feed(w, ack(SERVER, 200 + i * 100));
	}
	assert_true(rtt_queue_us(&w->m.result[SERVER].rtt, &us));
	assert_in_range(us, 57000, 63000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			handshake_halves, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			a_repeated_syn, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			a_repeated_synack, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			a_refused_syn, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			a_reset_of_data_says_nothing, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			numbers_wrap, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			a_stretch_ack_equals_the_last, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			an_ack_beyond_the_end_is_covered, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			half_of_a_segment_is_none, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			sent_again, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			waited_for_one_sent_later, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			sent_again_in_other_pieces, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			a_hole_is_filled, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			sacked_before, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(probes, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			fins_are_apart, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_queue, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
