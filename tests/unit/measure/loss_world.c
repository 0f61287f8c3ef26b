#include "loss_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#define EPOCH (1700000000000ull * MS)

struct world *world_new(uint32_t isn, bool stamps)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(measure_init(&w->g, 1u << 22, &(struct hash_key){1, 2}), 0);
	w->now_ns = EPOCH;
	w->isn = isn;
	w->stamps = stamps;
	return w;
}

void world_free(struct world *w)
{
	tcp_measure_done(&w->g, &w->m);
	assert_int_equal(w->g.pools.slab[POOL_HOLES].used, 0);
	measure_done(&w->g);
	free(w);
}

void give(struct world *w, struct packet *p)
{
	if (w->stamps) {
		p->has_timestamps = true;
		if (p->tsval == 0)
			p->tsval = (uint32_t)(w->now_ns / MS);
	}
	if (p->segments == 0)
		p->segments = 1;
	if (p->tcp_flags == 0)
		p->tcp_flags = TCP_ACK;
	p->ts_ns = w->now_ns;
	p->kind = PACKET_TCP;
	tcp_measure_segment(&w->g, &w->m, p, 0, &w->last);
}

enum segment_class sent(struct world *w, uint32_t at, uint32_t len)
{
	struct packet p = {.seq = w->isn + at, .payload_len = len, .ack = 5001};

	p.window = 1000;
	give(w, &p);
	return w->last.class;
}

struct packet answer(const struct world *w, uint32_t at)
{
	return (struct packet){
		.dir = 1, .seq = 5001, .ack = w->isn + at, .window = 1000};
}

void acked(struct world *w, uint32_t at)
{
	struct packet p = answer(w, at);

	give(w, &p);
}

void sacked(struct world *w, uint32_t at, const uint32_t block[static 4])
{
	struct packet p = answer(w, at);

	p.sacks = block[3] ? 2 : 1;
	for (unsigned i = 0; i < p.sacks; i++) {
		p.sack[i].from = w->isn + block[2 * i];
		p.sack[i].to = w->isn + block[2 * i + 1];
	}
	give(w, &p);
}

void wait_ms(struct world *w, uint64_t ms)
{
	w->now_ns += ms * MS;
}

void opened(struct world *w)
{
	struct packet syn = {.seq = w->isn, .tcp_flags = TCP_SYN, .window = 1000};
	struct packet answer = {.dir = 1,
		.seq = 5000,
		.ack = w->isn + 1,
		.tcp_flags = TCP_SYN | TCP_ACK,
		.window = 1000};

	give(w, &syn);
	wait_ms(w, 20);
	give(w, &answer);
	wait_ms(w, 10);
	assert_int_equal(sent(w, 1, 0), SEGMENT_EMPTY);
}

const struct loss_counts *counts(const struct world *w)
{
	return &w->m.result[0].loss;
}

void assert_counts(const struct world *w, uint32_t before, uint32_t after,
	uint32_t reordered, uint32_t spurious)
{
	const struct loss_counts *c = counts(w);

	assert_int_equal(c->before, before);
	assert_int_equal(c->after, after);
	assert_int_equal(c->reordered, reordered);
	assert_int_equal(c->spurious, spurious);
	assert_int_equal(c->unplaced, 0);
}

void each(void (*script)(struct world *w))
{
	static const uint32_t isns[] = {1000, UINT32_MAX, UINT32_MAX - SIZE,
		UINT32_MAX - 3 * SIZE - 500, INT32_MAX - 2 * SIZE, 0};

	for (size_t i = 0; i < 2 * sizeof(isns) / sizeof(isns[0]); i++) {
		struct world *w = world_new(isns[i / 2], i & 1);

		opened(w);
		script(w);
		world_free(w);
	}
}
