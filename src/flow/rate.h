/*
 * rate — units a second over the last 1, 10 and 60 seconds.
 *
 * Whole seconds and tens of seconds are kept as floats: seven digits at any magnitude,
 * in 4 bytes.
 */
#ifndef KONN_FLOW_RATE_H
#define KONN_FLOW_RATE_H

#include <stdint.h>

#define RATE_SECONDS 10
#define RATE_TENS    6

enum rate_window {
	RATE_1S = 1,
	RATE_10S = 10,
	RATE_60S = 60,
};

struct rate {
	uint64_t before; /* the counter when `second` began */
	uint32_t second; /* the current one, since the epoch; 0: nothing was counted yet
			  */
	uint32_t first_second;       /* the one in which counting began */
	float seconds[RATE_SECONDS]; /* of second-1 … second-10, by number %
					RATE_SECONDS */
	float tens[RATE_TENS];       /* of the tens before the current one, by number %
					RATE_TENS */
	float this_ten;              /* whole seconds of the current ten so far */
};

/*
 * Begins a new second; `total` is the counter before what comes now. Call when a packet
 * falls into another second than r->second; one that is older is ignored.
 */
void rate_roll(struct rate *r, uint32_t second, uint64_t total);

/*
 * Units a second in the window that ends at now_ns (for a younger counter: since it
 * began, at least one second); the oldest bucket is weighed by its part inside. `total`
 * is the counter now.
 */
uint64_t rate_per_second(
	const struct rate *r, uint64_t total, uint64_t now_ns, enum rate_window window);

#endif
