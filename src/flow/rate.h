/*
 * rate — bytes a second over the last 1, 10 and 60 seconds, and packets over the last
 * one.
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
	uint64_t before;         /* bytes counted when `second` began */
	uint64_t packets_before; /* the same of packets */
	uint32_t second;         /* the current one, since the epoch */
	uint32_t started; /* 1 + the one in which counting began; 0: nothing came yet */
	float packets_last;    /* packets of the second before the current one */
	float this_ten;        /* bytes of whole seconds of the current ten so far */
	float tens[RATE_TENS]; /* bytes of the tens before it, by number % RATE_TENS */
	float seconds[RATE_SECONDS]; /* bytes of second-1 … second-10, by number %
					RATE_SECONDS */
};

/*
 * Begins a new second; the counters are those before what comes now. Call when a packet
 * falls into another second than r->second; one that is older is ignored.
 */
void rate_roll(struct rate *r, uint32_t second, uint64_t bytes, uint64_t packets);

/*
 * Bytes a second in the window that ends at now_ns (for a younger counter: since it
 * began, at least one second); the oldest bucket is weighed by its part inside. `bytes`
 * is the counter now.
 */
uint64_t rate_per_second(
	const struct rate *r, uint64_t bytes, uint64_t now_ns, enum rate_window window);

/* Packets in the last second. */
uint64_t rate_packets_per_second(
	const struct rate *r, uint64_t packets, uint64_t now_ns);

#endif
