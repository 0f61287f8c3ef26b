/* loss_world — one measured connection for tests: side 0 sends data, side 1 answers. */
#ifndef KONN_TEST_LOSS_WORLD_H
#define KONN_TEST_LOSS_WORLD_H

#include "measure/tcp_measure.h"

#define MS   1000000ull
#define SIZE 1000u

struct world {
	struct measure g;
	struct tcp_measure m;
	uint64_t now_ns;
	uint32_t isn;
	bool stamps; /* the segments have timestamps, of the time now unless given */
	struct segment last;
};

struct world *world_new(uint32_t isn, bool stamps);

/* Everything it took must have been given back. */
void world_free(struct world *w);

void give(struct world *w, struct packet *p);

/* SYN, its answer after 20 ms, the rest of the handshake after 10 more. */
void opened(struct world *w);

/* Of side 0: `len` bytes at `at`, counted from the SYN's number. */
enum segment_class sent(struct world *w, uint32_t at, uint32_t len);

struct packet answer(const struct world *w, uint32_t at);

/* Side 1 acknowledges up to `at`; with one or two SACK blocks (the second: or none). */
void acked(struct world *w, uint32_t at);
void sacked(struct world *w, uint32_t at, const uint32_t block[static 4]);

void wait_ms(struct world *w, uint64_t ms);

const struct loss_counts *counts(const struct world *w);
void assert_counts(const struct world *w, uint32_t before, uint32_t after,
	uint32_t reordered, uint32_t spurious);

/* Sequence numbers that wrap at every place of the scripts, with and without stamps. */
void each(void (*script)(struct world *w));

#endif
