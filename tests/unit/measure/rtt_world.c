#include "rtt_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

static const struct hash_key key = {3, 5};

static void take(void *ctx, const void *subject, const struct sample *s)
{
	struct world *w = ctx;

	(void)subject;
	if (w->count < TOLD)
		w->told[w->count] = *s;
	w->count++;
	w->by_reason[s->reason]++;
	w->valid[s->kind] += s->reason == SAMPLE_VALID;
	assert_true(s->rtt_ns < 3600000 * MS);
	assert_true(s->reason || s->min_ns <= s->rtt_ns);
}

int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(measure_init(&w->g, 16u << 20, &key), 0);
	w->g.sink = (struct measure_sink){w, take};
	w->now_ns = 1700000000000 * MS;
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;

	rtt_done(&w->g, &w->m);
	for (unsigned k = 0; k < POOL_COUNT; k++)
		assert_int_equal(w->g.pools.slab[k].used, 0);
	measure_done(&w->g);
	free(w);
	return 0;
}

void feed_as(struct world *w, struct packet p, unsigned class)
{
	unsigned flags = p.tcp_flags;

	p.ts_ns = w->now_ns;
	w->s = (struct segment){.p = &p,
		.dir = p.dir,
		.class = (uint8_t) class,
		.untimed = w->g.untimed};
	w->s.span = p.payload_len + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
	w->s.end = p.seq + w->s.span;
	rtt_segment(&w->g, &w->m, &w->s);
	w->s.p = NULL;
}

void feed(struct world *w, struct packet p)
{
	feed_as(w, p, p.payload_len ? SEGMENT_NEW : SEGMENT_EMPTY);
}

struct packet data(unsigned dir, uint32_t seq, uint32_t len)
{
	return (struct packet){.dir = (uint8_t)dir,
		.tcp_flags = TCP_ACK,
		.seq = seq,
		.ack = 1,
		.payload_len = len,
		.window = 1000};
}

struct packet ack(unsigned dir, uint32_t number)
{
	return (struct packet){.dir = (uint8_t)dir,
		.tcp_flags = TCP_ACK,
		.seq = 1,
		.ack = number,
		.window = 1000};
}

struct packet stamped(struct packet p, uint32_t tsval, uint32_t tsecr)
{
	p.has_timestamps = true;
	p.tsval = tsval;
	p.tsecr = tsecr;
	return p;
}

void wait_ms(struct world *w, unsigned ms)
{
	w->now_ns += ms * MS;
}

const struct sample *last(const struct world *w)
{
	assert_true(w->count > 0 && w->count <= TOLD);
	return &w->told[w->count - 1];
}

void is_valid(const struct world *w, unsigned kind, unsigned half, unsigned ms)
{
	assert_int_equal(last(w)->reason, SAMPLE_VALID);
	assert_int_equal(last(w)->kind, kind);
	assert_int_equal(last(w)->half, half);
	assert_int_equal(last(w)->rtt_ns, ms * MS);
}

void meet(struct world *w, uint32_t from)
{
	feed(w, ack(SERVER, from));
	feed(w, ack(CLIENT, 1));
}

void handshake(struct world *w, uint32_t isn)
{
	struct packet syn = {.tcp_flags = TCP_SYN, .seq = isn - 1};
	struct packet synack = {
		.dir = SERVER, .tcp_flags = TCP_SYN | TCP_ACK, .ack = isn};

	feed(w, syn);
	wait_ms(w, 20);
	feed(w, synack);
	is_valid(w, SAMPLE_handshake, SERVER, 20);
	wait_ms(w, 3);
	feed(w, ack(CLIENT, 1));
	is_valid(w, SAMPLE_handshake, CLIENT, 3);
}
