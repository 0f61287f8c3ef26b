/* pcapng_clock — from an interface's time units to nanoseconds. */
#ifndef KONN_SOURCE_PCAPNG_CLOCK_H
#define KONN_SOURCE_PCAPNG_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct pcapng_clock {
	uint64_t multiply; /* ns of a unit; 0: units are shorter than 1 ns, or binary */
	uint64_t divide;   /* units of a ns; 0: binary */
	int64_t offset_s;  /* added to every time */
	uint8_t shift;     /* binary: units are 2^-shift s */
};

/* Microseconds, the default. */
static inline struct pcapng_clock pcapng_clock_default(void)
{
	return (struct pcapng_clock){.multiply = 1000};
}

/* if_tsresol: a power of ten, or with the upper bit of two; false beyond 64 bits. */
bool pcapng_clock_set(struct pcapng_clock *clock, uint8_t resolution);

/* What pcapng_clock_ns does for rare clocks. */
uint64_t pcapng_clock_slow(const struct pcapng_clock *clock, uint64_t units);

/* Times before 1970 become 0, those past 2554 UINT64_MAX. */
static inline uint64_t pcapng_clock_ns(const struct pcapng_clock *clock, uint64_t units)
{
	uint64_t ns;

	if (__builtin_expect(!clock->multiply || clock->offset_s, 0) ||
		__builtin_mul_overflow(units, clock->multiply, &ns))
		return pcapng_clock_slow(clock, units);
	return ns;
}

#endif
