/* Loss by place: unusual starts and segments, no room, any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loss_world.h"

static void syns(void **state)
{
	struct world *w = world_new(7, true);
	struct packet syn = {.seq = 7, .tcp_flags = TCP_SYN, .window = 1000};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		give(w, &syn);
		wait_ms(w, 1000 << i);
	}
	assert_counts(w, 0, 2, 0, 0);
	assert_int_equal(counts(w)->rto, 2);
	world_free(w);
}

/* Where the start was not seen, what is below it may have been seen by nobody. */
static void midstream(void **state)
{
	struct world *w = world_new(UINT32_MAX - 5 * SIZE, true);

	(void)state;
	assert_int_equal(sent(w, 10 * SIZE, SIZE), SEGMENT_NEW);
	wait_ms(w, 50);
	assert_int_equal(sent(w, 9 * SIZE, SIZE), SEGMENT_AGAIN);
	assert_int_equal(counts(w)->unplaced, 1);
	assert_int_equal(counts(w)->after + counts(w)->before, 0);
	acked(w, 11 * SIZE);
	sent(w, 11 * SIZE, SIZE);
	wait_ms(w, 50);
	sent(w, 11 * SIZE, SIZE);
	assert_int_equal(counts(w)->after, 1);
	world_free(w);
}

/* A super-packet counts as what it stands for. */
static void super_packets(struct world *w)
{
	struct packet p = {.seq = w->isn + 1, .payload_len = 8 * SIZE, .ack = 5001};

	p.segments = 8;
	give(w, &p);
	wait_ms(w, 50);
	p = (struct packet){.seq = w->isn + 1 + 4 * SIZE, .payload_len = 4 * SIZE};
	p.ack = 5001;
	p.segments = 4;
	give(w, &p);
	assert_counts(w, 0, 4, 0, 0);
	/* two of four that fill a hole, two that were seen */
	sent(w, 1 + 10 * SIZE, SIZE);
	wait_ms(w, 50);
	p = (struct packet){.seq = w->isn + 1 + 6 * SIZE, .payload_len = 4 * SIZE};
	p.ack = 5001;
	p.segments = 4;
	give(w, &p);
	assert_int_equal(w->last.class, SEGMENT_REPAIR);
	assert_int_equal(counts(w)->before, 2);
	assert_int_equal(counts(w)->missed_bytes, 0);
	/* mostly new */
	assert_int_equal(sent(w, 1 + 10 * SIZE, 3 * SIZE), SEGMENT_NEW);
	assert_int_equal(sent(w, 1 + 13 * SIZE, SIZE), SEGMENT_NEW);
	/* three that were seen, and a new one behind them */
	p = (struct packet){.seq = w->isn + 1 + 11 * SIZE, .payload_len = 4 * SIZE};
	p.ack = 5001;
	p.segments = 4;
	give(w, &p);
	assert_int_equal(w->last.class, SEGMENT_AGAIN);
	assert_int_equal(counts(w)->after, 4 + 3);
	assert_int_equal(sent(w, 1 + 15 * SIZE, SIZE), SEGMENT_NEW);
}

static void resets(struct world *w)
{
	struct packet p = {.seq = w->isn + 90000, .tcp_flags = TCP_RST | TCP_ACK};

	p.ack = 90000;
	sent(w, 1, SIZE);
	give(w, &p);
	assert_int_equal(w->last.class, SEGMENT_EMPTY);
	assert_int_equal(counts(w)->missed_bytes, 0);
	assert_int_equal(w->m.result[1].loss.missed_bytes, 0);
}

static void odd_segments(void **state)
{
	(void)state;
	each(super_packets);
	each(resets);
}

/* No room: what cannot be told is counted apart, and bytes are still missed. */
static void no_room(void **state)
{
	struct world *w = world_new(1000, true);

	(void)state;
	while (pools_alloc(&w->g.pools, POOL_HOLES))
		;
	opened(w);
	sent(w, 1, SIZE);
	assert_int_equal(sent(w, 1 + 2 * SIZE, SIZE), SEGMENT_AHEAD);
	wait_ms(w, 50);
	assert_int_equal(sent(w, 1 + SIZE, SIZE), SEGMENT_AGAIN);
	assert_int_equal(counts(w)->before + counts(w)->after, 0);
	assert_int_equal(counts(w)->unplaced, 1);
	tcp_measure_done(&w->g, &w->m);
	measure_done(&w->g);
	free(w);
}

#define SPACE 6000u

/* Random segments and acknowledgements, against a map of the bytes that came. */
static void against_a_map(struct world *w, unsigned *seed, unsigned longest)
{
	static uint8_t came[2 * SPACE];
	uint32_t next = 1, missing = 0;

	memset(came, 0, sizeof(came));
	while (next < SPACE - longest) {
		uint32_t len = 1 + (uint32_t)rand_r(seed) % longest;
		uint32_t at = next + (uint32_t)rand_r(seed) % longest;
		bool old = rand_r(seed) % 2 && next > 2 * longest;

		if (old)
			at = next - (uint32_t)rand_r(seed) % (2 * longest);
		sent(w, at, len);
		if (w->last.class == SEGMENT_PROBE)
			continue;
		memset(came + at, 1, len);
		if (at + len > next)
			next = at + len;
		w->now_ns += MS / 8;
		missing = 0;
		for (uint32_t i = 1; i < next; i++)
			missing += !came[i];
		assert_int_equal(counts(w)->missed_bytes, missing);
	}
}

static void any_order(void **state)
{
	unsigned seed = (unsigned)time(NULL);

	(void)state;
	print_message("# seed %u\n", seed);
	for (unsigned i = 0; i < 60; i++) {
		struct world *w = world_new((uint32_t)rand_r(&seed) * 2, i & 1);

		opened(w);
		against_a_map(w, &seed, 200 + i * 20);
		world_free(w);
	}
}

/* More holes than there is room for: together they are still right. */
static void many_holes(struct world *w)
{
	for (uint32_t i = 0; i < 300; i++)
		sent(w, 1 + 2 * i * SIZE, SIZE);
	wait_ms(w, 50);
	assert_int_equal(counts(w)->missed_bytes, 299 * SIZE);
	for (uint32_t i = 0; i < 299; i++)
		assert_int_equal(sent(w, 1 + (2 * i + 1) * SIZE, SIZE), SEGMENT_REPAIR);
	assert_counts(w, 299, 0, 0, 0);
	assert_int_equal(counts(w)->missed_bytes, 0);
}

static void crowds(void **state)
{
	(void)state;
	each(many_holes);
}

static void copies(void **state)
{
	struct world *w = world_new(1000, true);
	struct packet p = {
		.seq = 1001, .payload_len = SIZE, .ack = 5001, .segments = 1};

	(void)state;
	opened(w);
	give(w, &p);
	p.ts_ns += MS / 5;
	assert_true(loss_is_copy(&w->m, &p));
	p.ack++;
	assert_false(loss_is_copy(&w->m, &p));
	p.ack--;
	p.tsval++;
	assert_false(loss_is_copy(&w->m, &p));
	p.tsval--;
	p.ts_ns += MS;
	assert_false(loss_is_copy(&w->m, &p));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syns),
		cmocka_unit_test(midstream),
		cmocka_unit_test(odd_segments),
		cmocka_unit_test(no_room),
		cmocka_unit_test(any_order),
		cmocka_unit_test(crowds),
		cmocka_unit_test(copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
