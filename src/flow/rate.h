/* rate — bytes a second over the last 1, 10 and 60 seconds, in 96 bytes. */
#ifndef KONN_FLOW_RATE_H
#define KONN_FLOW_RATE_H

#include <stdint.h>

#define RATE_SECONDS 11 /* ten whole ones and the current one */
#define RATE_TENS    7	/* six whole ones and the current one */

enum rate_window {
	RATE_1S = 1,
	RATE_10S = 10,
	RATE_60S = 60,
};

struct rate {
	uint64_t total_at_second; /* total when the current second began */
	uint32_t second;	  /* current one, since the epoch; 0: nothing was added yet */
	uint32_t first_second;
	uint32_t kilo[RATE_SECONDS + RATE_TENS]; /* see rate.c */
	uint64_t reserved;
};

/*
 * `total` is the counter before this packet; call when a packet falls into a new second.
 * Time that runs back is ignored.
 */
void rate_roll(struct rate *r, uint32_t second, uint64_t total);

/*
 * Units a second in the window that ends at now_ns; the first and last bucket are weighed by
 * the part of them inside the window. `total` is the counter now.
 */
uint64_t rate_per_second(
	const struct rate *r, uint64_t total, uint64_t now_ns, enum rate_window window);

#endif
