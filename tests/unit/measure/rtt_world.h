/* rtt_world — one connection, segment by segment, and the samples that were told. */
#ifndef KONN_TEST_RTT_WORLD_H
#define KONN_TEST_RTT_WORLD_H

#include "measure/tcp_measure.h"

#define MS     1000000ull
#define TOLD   4096
#define CLIENT 0
#define SERVER 1

struct world {
	struct measure g;
	struct tcp_measure m;
	uint64_t now_ns;
	struct sample told[TOLD]; /* the first of all */
	unsigned count;
	unsigned by_reason[REASON_COUNT], valid[SAMPLE_COUNT];
	struct segment s; /* of the last packet */
};

/* Of a cmocka test; at the end nothing may be left in the pools. */
int world_setup(void **state);
int world_teardown(void **state);

/* The segment now, as loss_segment would have it. */
void feed_as(struct world *w, struct packet p, unsigned class);
void feed(struct world *w, struct packet p);
void wait_ms(struct world *w, unsigned ms);

struct packet data(unsigned dir, uint32_t seq, uint32_t len);
struct packet ack(unsigned dir, uint32_t number);
struct packet stamped(struct packet p, uint32_t tsval, uint32_t tsecr);

/* The newest sample; there must be one. */
const struct sample *last(const struct world *w);
void is_valid(const struct world *w, unsigned kind, unsigned half, unsigned ms);

/* Both sides have acknowledged something: neither is unseen. */
void meet(struct world *w, uint32_t from);

/* 20 ms to the server, 3 ms to the client. */
void handshake(struct world *w, uint32_t isn);

#endif
