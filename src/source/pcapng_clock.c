#include "source/pcapng_clock.h"

#define NS_PER_S      UINT64_C(1000000000)
#define BINARY_DIGITS 34 /* (2^34 - 1) * 10^9 still fits in 64 bits */

static uint64_t power_of_ten(unsigned n)
{
	uint64_t value = 1;

	while (n--)
		value *= 10;
	return value;
}

bool pcapng_clock_set(struct pcapng_clock *clock, uint8_t resolution)
{
	unsigned n = resolution & 0x7f;
	bool binary = resolution & 0x80;

	if (n > (binary ? 63 : 19))
		return false;
	clock->multiply = !binary && n <= 9 ? power_of_ten(9 - n) : 0;
	clock->divide = !binary && n > 9 ? power_of_ten(n - 9) : 0;
	clock->shift = (uint8_t)n;
	return true;
}

static uint64_t binary_ns(unsigned shift, uint64_t units)
{
	uint64_t seconds = units >> shift;
	uint64_t fraction = units & ((UINT64_C(1) << shift) - 1);
	uint64_t ns;

	if (shift > BINARY_DIGITS) {
		fraction >>= shift - BINARY_DIGITS;
		shift = BINARY_DIGITS;
	}
	fraction = fraction * NS_PER_S >> shift;
	if (__builtin_mul_overflow(seconds, NS_PER_S, &ns) ||
		__builtin_add_overflow(ns, fraction, &ns))
		return UINT64_MAX;
	return ns;
}

uint64_t pcapng_clock_slow(const struct pcapng_clock *clock, uint64_t units)
{
	int64_t offset_ns;
	uint64_t ns;

	if (clock->divide)
		ns = units / clock->divide;
	else if (!clock->multiply)
		ns = binary_ns(clock->shift, units);
	else if (__builtin_mul_overflow(units, clock->multiply, &ns))
		ns = UINT64_MAX;
	if (__builtin_mul_overflow(clock->offset_s, (int64_t)NS_PER_S, &offset_ns) ||
		__builtin_add_overflow(ns, offset_ns, &ns))
		return clock->offset_s < 0 ? 0 : UINT64_MAX;
	return ns;
}
