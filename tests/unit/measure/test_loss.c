/* Loss by place: what one side's segments say, and what the answers say of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "loss_world.h"

static void in_order(struct world *w)
{
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(sent(w, 1 + i * SIZE, SIZE), SEGMENT_NEW);
		wait_ms(w, 1);
		acked(w, 1 + (i + 1) * SIZE);
		assert_int_equal(w->last.class, SEGMENT_EMPTY);
	}
	assert_counts(w, 0, 0, 0, 0);
	assert_int_equal(counts(w)->missed_bytes, 0);
	assert_int_equal(w->g.pools.slab[POOL_HOLES].used, 0);
}

static void order_is_kept(void **state)
{
	(void)state;
	each(in_order);
}

/* Three are lost before here, the next two come, and after a round trip the three. */
static void three_lost_before(struct world *w)
{
	sent(w, 1, SIZE);
	assert_int_equal(sent(w, 1 + 4 * SIZE, SIZE), SEGMENT_AHEAD);
	assert_int_equal(sent(w, 1 + 5 * SIZE, SIZE), SEGMENT_NEW);
	assert_int_equal(counts(w)->missed_bytes, 3 * SIZE);
	wait_ms(w, 40);
	for (uint32_t i = 3; i >= 1; i--)
		assert_int_equal(sent(w, 1 + i * SIZE, SIZE), SEGMENT_REPAIR);
	assert_counts(w, 3, 0, 0, 0);
	assert_int_equal(counts(w)->missed_bytes, 0);
	assert_int_equal(w->m.holes[0].gaps, 0);
}

static void overtaken(struct world *w)
{
	uint32_t old = (uint32_t)(w->now_ns / MS);
	struct packet late = {
		.seq = w->isn + 1 + SIZE, .payload_len = SIZE, .ack = 5001};

	late.tsval = old;
	sent(w, 1, SIZE);
	wait_ms(w, 2);
	sent(w, 1 + 2 * SIZE, SIZE);
	/* with stamps it may take as long as it likes */
	w->now_ns += w->stamps ? 500 * MS : MS / 10;
	give(w, &late);
	assert_int_equal(w->last.class, SEGMENT_REORDERED);
	assert_counts(w, 0, 0, 1, 0);
}

/* Sent again within the same tick of its clock: the time decides. */
static void same_stamp(struct world *w)
{
	struct packet late = {
		.seq = w->isn + 1 + SIZE, .payload_len = SIZE, .ack = 5001};

	sent(w, 1, SIZE);
	sent(w, 1 + 2 * SIZE, SIZE);
	late.tsval = (uint32_t)(w->now_ns / MS);
	w->now_ns += MS;
	give(w, &late);
	assert_int_equal(w->last.class, SEGMENT_REORDERED);
	sent(w, 1 + 4 * SIZE, SIZE);
	late = (struct packet){
		.seq = w->isn + 1 + 3 * SIZE, .payload_len = SIZE, .ack = 5001};
	late.tsval = (uint32_t)(w->now_ns / MS);
	wait_ms(w, 35);
	give(w, &late);
	assert_int_equal(w->last.class, SEGMENT_REPAIR);
	assert_counts(w, 1, 0, 1, 0);
}

/* The repair came first, then the segment itself. */
static void late_original(struct world *w)
{
	struct packet late = {
		.seq = w->isn + 1 + SIZE, .payload_len = SIZE, .ack = 5001};

	late.tsval = (uint32_t)(w->now_ns / MS);
	if (!w->stamps)
		return;
	sent(w, 1, SIZE);
	sent(w, 1 + 2 * SIZE, SIZE);
	wait_ms(w, 60);
	assert_int_equal(sent(w, 1 + SIZE, SIZE), SEGMENT_REPAIR);
	assert_counts(w, 1, 0, 0, 0);
	wait_ms(w, 5);
	give(w, &late);
	assert_counts(w, 0, 0, 0, 1);
}

static void holes_are_filled(void **state)
{
	(void)state;
	each(three_lost_before);
	each(overtaken);
	each(same_stamp);
	each(late_original);
}

static void lost_after(struct world *w)
{
	sent(w, 1, 3 * SIZE);
	wait_ms(w, 50);
	assert_int_equal(sent(w, 1 + SIZE, SIZE), SEGMENT_AGAIN);
	assert_false(w->last.acked_before);
	assert_counts(w, 0, 1, 0, 0);
	wait_ms(w, 50);
	acked(w, 1 + 3 * SIZE);
	assert_counts(w, 0, 1, 0, 0);
	/* what was acknowledged is sent again for nothing */
	wait_ms(w, 50);
	assert_int_equal(sent(w, 1 + SIZE, SIZE), SEGMENT_AGAIN);
	assert_true(w->last.acked_before);
	assert_counts(w, 0, 1, 0, 1);
	/* and that it came twice is no news */
	sacked(w, 1 + 3 * SIZE, (uint32_t[4]){1 + SIZE, 1 + 2 * SIZE});
	assert_counts(w, 0, 1, 0, 1);
}

/* Below the acknowledgement, and inside of the second block (RFC 2883 section 4). */
static void told_twice(struct world *w)
{
	sent(w, 1, 6 * SIZE);
	wait_ms(w, 50);
	sent(w, 1, SIZE);
	sent(w, 1 + 2 * SIZE, SIZE);
	assert_counts(w, 0, 2, 0, 0);
	wait_ms(w, 50);
	sacked(w, 1 + SIZE, (uint32_t[4]){1, 1 + SIZE});
	assert_counts(w, 0, 1, 0, 1);
	sacked(w, 1 + SIZE,
		(uint32_t[4]){1 + 2 * SIZE, 1 + 3 * SIZE, 1 + 2 * SIZE, 1 + 6 * SIZE});
	assert_counts(w, 0, 0, 0, 2);
	/* a plain block reports no copy */
	sent(w, 1 + SIZE, SIZE);
	sacked(w, 1 + SIZE, (uint32_t[4]){1 + 2 * SIZE, 1 + 6 * SIZE});
	assert_counts(w, 0, 1, 0, 2);
}

/* The answer echoes the first copy (RFC 3522). */
static void echo_of_the_first(struct world *w)
{
	struct packet ack = answer(w, 1 + SIZE);

	if (!w->stamps)
		return;
	ack.tsecr = (uint32_t)(w->now_ns / MS);
	sent(w, 1, SIZE);
	wait_ms(w, 300);
	sent(w, 1, SIZE);
	assert_counts(w, 0, 1, 0, 0);
	wait_ms(w, 100);
	give(w, &ack);
	assert_counts(w, 0, 0, 0, 1);
}

static void seen_before(void **state)
{
	(void)state;
	each(lost_after);
	each(told_twice);
	each(echo_of_the_first);
}

static void never_seen(struct world *w)
{
	sent(w, 1, SIZE);
	sent(w, 1 + 2 * SIZE, SIZE);
	wait_ms(w, 5);
	acked(w, 1 + 3 * SIZE);
	assert_int_equal(counts(w)->missed_bytes, SIZE);
	acked(w, 1 + 5 * SIZE); /* and beyond what was seen */
	assert_int_equal(counts(w)->missed_bytes, 3 * SIZE);
	assert_int_equal(sent(w, 1 + 5 * SIZE, SIZE), SEGMENT_NEW);
	assert_counts(w, 0, 0, 0, 0);
}

/* The acknowledgement passed here before the data that it is for. */
static void captured_late(struct world *w)
{
	acked(w, 1 + SIZE);
	assert_int_equal(counts(w)->missed_bytes, SIZE);
	w->now_ns += MS / 100;
	sent(w, 1, SIZE);
	assert_int_equal(counts(w)->missed_bytes, 0);
	assert_counts(w, 0, 0, 0, 0);
}

/* Bytes that nobody can have sent. */
static void nonsense(struct world *w)
{
	sent(w, 1, SIZE);
	acked(w, 2000000000);
	assert_int_equal(counts(w)->missed_bytes, 0);
	assert_int_equal(sent(w, 1 + SIZE, SIZE), SEGMENT_NEW);
}

static void bytes_missed(void **state)
{
	(void)state;
	each(never_seen);
	each(captured_late);
	each(nonsense);
}

static void keep_alives(struct world *w)
{
	sent(w, 1, SIZE);
	acked(w, 1 + SIZE);
	for (unsigned i = 0; i < 3; i++) {
		wait_ms(w, 1000);
		assert_int_equal(sent(w, SIZE, i & 1), SEGMENT_PROBE);
		acked(w, 1 + SIZE);
	}
	assert_int_equal(counts(w)->keep_alives, 3);
	assert_counts(w, 0, 0, 0, 0);
	assert_int_equal(counts(w)->rto + counts(w)->tlp, 0);
}

static void closed_window(struct world *w)
{
	struct packet full = answer(w, 1 + SIZE);

	full.window = 0;
	sent(w, 1, SIZE);
	give(w, &full);
	for (unsigned i = 0; i < 3; i++) {
		wait_ms(w, 500);
		assert_int_equal(sent(w, 1 + SIZE, 1), SEGMENT_PROBE);
		give(w, &full);
	}
	wait_ms(w, 500);
	assert_int_equal(sent(w, SIZE, 0), SEGMENT_PROBE);
	acked(w, 1 + SIZE);
	assert_int_equal(sent(w, 1 + SIZE, SIZE), SEGMENT_NEW);
	acked(w, 1 + 2 * SIZE);
	assert_counts(w, 0, 0, 0, 0);
	assert_int_equal(counts(w)->keep_alives, 0);
	assert_int_equal(counts(w)->missed_bytes, 0);
}

/* One byte, as of a terminal, that is not acknowledged yet: no keep-alive. */
static void one_byte_again(struct world *w)
{
	sent(w, 1, SIZE);
	acked(w, 1 + SIZE);
	sent(w, 1 + SIZE, 1);
	wait_ms(w, 300);
	assert_int_equal(sent(w, 1 + SIZE, 1), SEGMENT_AGAIN);
	assert_counts(w, 0, 1, 0, 0);
}

static void probes(void **state)
{
	(void)state;
	each(keep_alives);
	each(closed_window);
	each(one_byte_again);
}

static void fast(struct world *w)
{
	sent(w, 1, SIZE);
	acked(w, 1 + SIZE);
	for (uint32_t i = 1; i < 8; i++)
		sent(w, 1 + i * SIZE, SIZE);
	wait_ms(w, 30);
	sacked(w, 1 + SIZE, (uint32_t[4]){1 + 2 * SIZE, 1 + 8 * SIZE});
	wait_ms(w, 10);
	sent(w, 1 + SIZE, SIZE);
	assert_true(w->last.fast && !w->last.rto && !w->last.tlp);
	assert_int_equal(counts(w)->fast, 1);
}

static void timeout(struct world *w)
{
	for (uint32_t i = 0; i < 8; i++)
		sent(w, 1 + i * SIZE, SIZE);
	wait_ms(w, 260);
	sent(w, 1, SIZE);
	assert_true(w->last.rto && !w->last.fast && !w->last.tlp);
	wait_ms(w, 31);
	acked(w, 1 + SIZE);
	sent(w, 1 + SIZE, SIZE); /* that follows, is not another one */
	assert_int_equal(counts(w)->rto, 1);
	wait_ms(w, 520);
	sent(w, 1 + SIZE, SIZE);
	assert_int_equal(counts(w)->rto, 2);
	assert_int_equal(counts(w)->tlp, 0);
}

static void tail_probe(struct world *w)
{
	for (uint32_t i = 0; i < 4; i++)
		sent(w, 1 + i * SIZE, SIZE);
	wait_ms(w, 65); /* two round trips of 30 ms */
	sent(w, 1 + 3 * SIZE, SIZE);
	assert_true(w->last.tlp && !w->last.fast && !w->last.rto);
	assert_int_equal(counts(w)->tlp, 1);
	wait_ms(w, 250);
	sent(w, 1, SIZE);
	assert_true(w->last.rto);
	assert_int_equal(counts(w)->tlp, 1);
}

static void causes(void **state)
{
	(void)state;
	each(fast);
	each(timeout);
	each(tail_probe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_kept),
		cmocka_unit_test(holes_are_filled),
		cmocka_unit_test(seen_before),
		cmocka_unit_test(bytes_missed),
		cmocka_unit_test(probes),
		cmocka_unit_test(causes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
