/*
 * clock — engine time: CLOCK_MONOTONIC plus the offset to REALTIME taken at the start,
 * so that it never runs back; a changed offset is a clock step.
 */
#ifndef KONN_APP_CLOCK_H
#define KONN_APP_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock {
	int64_t start_offset_ns; /* REALTIME - MONOTONIC when it began */
	int64_t offset_ns;       /* the same now */
};

void clock_init(struct clock *c);

/* Nanoseconds since the epoch, as the clock stood at the start. */
uint64_t clock_now(const struct clock *c);

/* CLOCK_REALTIME in ns: the time of packets' stamps. */
uint64_t clock_real(void);

/*
 * Looks whether somebody set the system's clock (more than 5 ms). Returns how far in
 * ns, 0: not.
 */
int64_t clock_check(struct clock *c);

/* A stamp of CLOCK_REALTIME (packets, conntrack) in engine time. */
static inline uint64_t clock_shift(const struct clock *c, uint64_t real_ns)
{
	return real_ns - (uint64_t)(c->offset_ns - c->start_offset_ns);
}

#endif
