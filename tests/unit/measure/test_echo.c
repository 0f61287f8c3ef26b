/* Echo requests on their way: bounds, clocks, and what becomes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "talk_rig.h"

static void ping(
	struct talk_rig *r, uint64_t at_ns, unsigned dir, uint8_t type, uint16_t seq)
{
	r->packet.icmp_type = type;
	r->packet.icmp_seq = seq;
	r->packet.has_icmp_id = true;
	talk_rig_send(r, at_ns, dir, NULL, 0);
}

/* However many are on their way, the newest of them are known, the others counted. */
static void bounded(void **state)
{
	struct talk_rig r;

	(void)state;
	talk_rig_init(&r, 1 << 20, TALK_ICMP);
	for (unsigned n = 0; n < 100; n++)
		ping(&r, n * TALK_MS, 0, 8, (uint16_t)n);
	for (unsigned n = 0; n < 100; n++)
		ping(&r, (200 + n) * TALK_MS, 1, 0, (uint16_t)n);
	assert_int_equal(r.talk.asked, 100);
	assert_int_equal(r.samples, r.talk.answered);
	assert_int_equal(r.talk.answered, TALK_BLOCK / 16);
	assert_int_equal(r.measure.lost, 100 - r.talk.answered);
	for (unsigned i = 0; i < r.samples; i++) {
		assert_int_equal(r.sample[i].rtt_ns, 200 * TALK_MS);
		assert_int_equal(r.sample[i].half, 1);
		assert_int_equal(r.sample[i].reason, SAMPLE_VALID);
	}
	talk_rig_done(&r);
}

static void clock_back(void **state)
{
	struct talk_rig r;

	(void)state;
	talk_rig_init(&r, 1 << 20, TALK_ICMP);
	ping(&r, 100 * TALK_MS, 0, 8, 1);
	ping(&r, 90 * TALK_MS, 1, 0, 1);
	assert_int_equal(r.samples, 1);
	assert_int_equal(r.sample[0].reason, REASON_clock);
	assert_int_equal(r.sample[0].rtt_ns, 0);
	assert_true(r.sample[0].min_ns == UINT64_MAX);
	assert_int_equal(r.talk.rtt[1].samples, 0);
	assert_int_equal(r.talk.rtt[1].ambiguous, 1);
	talk_rig_done(&r);
}

/* Both ask with the same identifier and number: each is answered by the other. */
static void both_ask(void **state)
{
	struct talk_rig r;

	(void)state;
	talk_rig_init(&r, 1 << 20, TALK_ICMP);
	ping(&r, 0, 0, 8, 1);
	ping(&r, 1 * TALK_MS, 1, 8, 1);
	ping(&r, 5 * TALK_MS, 1, 0, 1);
	ping(&r, 9 * TALK_MS, 0, 0, 1);
	assert_int_equal(r.samples, 2);
	assert_int_equal(r.sample[0].rtt_ns, 5 * TALK_MS);
	assert_int_equal(r.sample[0].half, 1);
	assert_int_equal(r.sample[1].rtt_ns, 8 * TALK_MS);
	assert_int_equal(r.sample[1].half, 0);
	talk_rig_done(&r);
}

static void without_memory(void **state)
{
	struct talk_rig r;

	(void)state;
	talk_rig_init(&r, 0, TALK_ICMP);
	ping(&r, 0, 0, 8, 1);
	ping(&r, TALK_MS, 1, 0, 1);
	assert_int_equal(r.samples, 0);
	assert_int_equal(r.measure.lost, 1);
	assert_int_equal(r.talk.asked, 1);
	talk_rig_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounded),
		cmocka_unit_test(clock_back),
		cmocka_unit_test(both_ask),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
