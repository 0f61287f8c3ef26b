/* talk — the script of one made-up TCP connection, told packet by packet. */
#ifndef KONN_BENCH_TALK_H
#define KONN_BENCH_TALK_H
#include "wire.h"

enum { TALK_MIN_PACKETS = 12 }; /* handshake, one request and response, close */

struct talk_side {
	struct endpoint end;
	uint32_t next;  /* sequence number of the next new byte */
	uint32_t acked; /* what this side has told the other that it has */
	uint32_t tsval; /* newest it sent */
	uint32_t clock; /* its timestamps are microseconds / 1000 + clock */
};

/* Data that is sent out of turn: a retransmission, or a segment that was overtaken. */
struct talk_odd {
	uint32_t seq, len_bytes;
	uint8_t side;
	bool waiting;
};

struct dialogue {
	struct talk_side side[2]; /* 0 opened the connection */
	struct talk_odd odd;
	uint64_t rng;
	uint32_t sent, total; /* packets */
	uint32_t burst;       /* segments the talking side still has */
	uint32_t odd_permille;
	uint8_t talker, unacked;
	bool v6, bulk;
};

/* xorshift64*: the same file on every machine. */
uint32_t talk_random(uint64_t *state);

/* Connection number n of a capture: who and where follow from n, the rest from the
 * seed. total is at least TALK_MIN_PACKETS. */
void talk_init(struct dialogue *t, uint32_t n, uint32_t total, uint64_t seed);

/* Writes the connection's next packet; *over says that it was the last. */
int talk_step(struct dialogue *t, struct wire *w, uint64_t now_us, bool *over);
#endif
