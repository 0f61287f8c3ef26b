/*
 * link — one half of the path in one direction: loss, a queue with its rate, delay,
 * another order, copies. What happens to a packet depends on the seed and on its number
 * alone.
 */
#ifndef PATH_LINK_H
#define PATH_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

#define LINK_LIST  64
#define LINK_FLOWS 1024

struct link_options { /* 0: not so */
	double delay_us;
	double jitter_us;  /* uniform, on top of the delay; the order is kept */
	double unordered;  /* 1: jitter may change the order */
	double loss;       /* probability, of segments with payload */
	double acks;       /* 1: segments without payload may be lost as well */
	double burst;      /* probability that a burst of losses begins */
	double burst_len;  /* segments */
	double period;     /* every nth segment with payload is lost */
	double reorder;    /* probability */
	double reorder_us; /* how long such a segment waits longer */
	double duplicate;  /* probability */
	double rate_bps;
	double queue_bytes; /* tail drop beyond; 0 with a rate: no bound */
	/* Segments with payload, counted from 1, that are lost; ends with 0. */
	uint32_t drop[LINK_LIST];
	/* From, how long (ms from the first packet): nothing gets through. */
	uint32_t blackout_ms[LINK_LIST];
};

struct link_flow {
	uint32_t ports, serial;
};

struct link {
	struct link_options options;
	uint64_t seed;
	uint64_t first_ns, free_ns, last_ns; /* free: the wire; last: newest release */
	uint32_t packets, payloads, burst_left;
	struct link_flow out[LINK_FLOWS]; /* newest segment with payload that left */
};

enum link_fate {
	LINK_PASSES,
	LINK_LOSS,
	LINK_QUEUE,
};

struct link_verdict {
	uint8_t fate; /* enum link_fate */
	bool held;    /* for another order */
	bool twice;
	uint64_t out_ns; /* when it leaves; of both copies */
};

/* Sets an option from "name=value"; false: no such thing. */
bool link_option(struct link_options *o, const char *text);

/* Decides about a packet that enters at now_ns; calls come in the order of time. */
struct link_verdict link_enter(
	struct link *l, const struct wire *w, uint64_t now_ns, uint32_t size);

/* A packet leaves: whether a later one of its flow (by serial) left before it. */
bool link_leave(struct link *l, const struct wire *w, uint32_t serial);

#endif
