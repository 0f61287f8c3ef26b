/* What the table tells of segments and handshakes, in small records and full ones. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "flow/pool.h"

#define MOST 64

struct told {
	unsigned segments, samples;
	struct segment segment[MOST];
	uint32_t seq[MOST];
	struct sample sample[MOST];
	uint64_t counted; /* packets of the flow when it was last told */
};

static void on_segment(void *ctx, const struct flow *f, const struct segment *s)
{
	struct told *t = ctx;

	assert_true(t->segments < MOST);
	assert_true(tuple_equal(&f->key, &s->p->key));
	t->counted = f->side[0].packets + f->side[1].packets;
	t->seq[t->segments] = s->p->seq;
	t->segment[t->segments++] = *s;
}

static void on_sample(void *ctx, const struct flow *f, const struct sample *s)
{
	struct told *t = ctx;

	assert_true(f->facts & FLOW_SMALL);
	assert_true(t->samples < MOST);
	t->sample[t->samples++] = *s;
}

/* Of full flows the analyzers tell; that is another test's. */
static void tell_small(void *ctx, const void *subject, const struct sample *s)
{
	const struct flow *f = subject;

	if (f->facts & FLOW_SMALL)
		on_sample(ctx, f, s);
}

static void on_ended(void *ctx, const struct flow *f, uint64_t now_ns)
{
	(void)ctx;
	(void)f;
	(void)now_ns;
}

static void hear(const char *script, struct told *told)
{
	struct rig *r = rig_new(NULL);
	struct flow_sink *sink = &r->table->setup.sink;

	*told = (struct told){0};
	sink->ctx = told;
	sink->event = NULL;
	sink->ended = on_ended;
	sink->segment = on_segment;
	sink->sample = on_sample;
	r->table->measure.sink.sample = tell_small;
	r->table->measure.sink.ctx = told;
	rig_play(r, script);
	rig_feed_waiting(r);
	assert_int_equal(told->counted, told->segments);
	rig_free(r);
}

static void every_segment_is_told_once(void **state)
{
	struct told t;

	(void)state;
	hear(">S <SA >A >PA100 <A >FA <FA >A", &t);
	assert_int_equal(t.segments, 8);
	assert_int_equal(t.segment[0].dir, 0);
	assert_int_equal(t.segment[0].span, 1);
	assert_int_equal(t.segment[1].dir, 1);
	assert_int_equal(t.segment[3].span, 100);
	assert_int_equal(t.segment[3].end, RIG_ISN0 + 101);
	hear(">A >PA10 >PA10 <A", &t); /* of one side at first: small */
	assert_int_equal(t.segments, 4);
	assert_int_equal(t.segment[1].end, t.seq[2]);
	hear(">S t1000 >S@-1 t2000 >S@-1", &t);
	assert_int_equal(t.segments, 3);
	hear("<SA <SA@-1 >A", &t);
	assert_int_equal(t.segments, 3);
}

static void the_handshake_is_told_when_it_is_answered(void **state)
{
	struct told t;

	(void)state;
	hear(">S t29 <SA", &t);
	assert_int_equal(t.samples, 1);
	assert_int_equal(t.sample[0].kind, SAMPLE_handshake);
	assert_int_equal(t.sample[0].half, 1);
	assert_int_equal(t.sample[0].reason, SAMPLE_VALID);
	assert_int_equal(t.sample[0].rtt_ns, 30 * RIG_MS);
	assert_int_equal(t.sample[0].min_ns, 30 * RIG_MS);
	hear(">S t29 <SA t1000 <SA@-1", &t);
	assert_int_equal(t.samples, 1);
	hear("<SA", &t);
	assert_int_equal(t.samples, 0);
}

static void a_handshake_that_says_nothing(void **state)
{
	struct told t;

	(void)state;
	hear(">S t1000 >S@-1 t29 <SA", &t);
	assert_int_equal(t.samples, 1);
	assert_int_equal(t.sample[0].reason, REASON_retransmitted);
	assert_true(t.sample[0].min_ns == UINT64_MAX);
	hear(">S t1000 >S@-1 t-500 <SA", &t);
	assert_int_equal(t.samples, 1);
	assert_int_equal(t.sample[0].reason, REASON_clock);
	assert_int_equal(t.sample[0].rtt_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_segment_is_told_once),
		cmocka_unit_test(the_handshake_is_told_when_it_is_answered),
		cmocka_unit_test(a_handshake_that_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
