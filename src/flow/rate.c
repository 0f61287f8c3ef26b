#include "flow/rate.h"

#include <string.h>

#define SECOND_NS 1000000000ull

static void roll_tens(struct rate *r, uint32_t from, uint32_t to)
{
	if (from == to)
		return;
	r->tens[from % RATE_TENS] = r->this_ten;
	r->this_ten = 0;
	for (uint32_t ten = from + 1; ten < to && ten - from <= RATE_TENS; ten++)
		r->tens[ten % RATE_TENS] = 0;
	if (to - from > RATE_TENS)
		r->tens[from % RATE_TENS] = 0;
}

void rate_roll(struct rate *r, uint32_t second, uint64_t bytes, uint64_t packets)
{
	uint64_t count = bytes - r->before;

	if (!r->started) {
		r->second = second;
		r->started = second + 1;
		r->before = bytes;
		r->packets_before = packets;
		return;
	}
	if (second <= r->second)
		return;
	r->packets_last = second == r->second + 1 ? (float)(packets - r->packets_before)
						  : 0;
	r->packets_before = packets;
	r->before = bytes;
	r->this_ten += (float)count;
	r->seconds[r->second % RATE_SECONDS] = (float)count;
	if (second - r->second > RATE_SECONDS)
		memset(r->seconds, 0, sizeof(r->seconds));
	else
		for (uint32_t s = r->second + 1; s < second; s++)
			r->seconds[s % RATE_SECONDS] = 0;
	roll_tens(r, r->second / 10, second / 10);
	r->second = second;
}

uint64_t rate_packets_per_second(
	const struct rate *r, uint64_t packets, uint64_t now_ns)
{
	uint64_t second = now_ns / SECOND_NS;
	double inside = 1 - (double)(now_ns % SECOND_NS) / (double)SECOND_NS;
	double current = (double)(packets - r->packets_before);

	if (!r->started || second < r->second || second > (uint64_t)r->second + 1)
		return 0;
	if (second == (uint64_t)r->second + 1)
		return (uint64_t)(current * inside + 0.5);
	return (uint64_t)(current + (double)r->packets_last * inside + 0.5);
}

static double second_count(const struct rate *r, uint64_t current, uint32_t second)
{
	if (second == r->second)
		return (double)current;
	if (second > r->second || r->second - second > RATE_SECONDS)
		return 0;
	return (double)r->seconds[second % RATE_SECONDS];
}

static double ten_count(const struct rate *r, uint64_t current, uint32_t ten)
{
	uint32_t newest = r->second / 10;

	if (ten == newest)
		return (double)r->this_ten + (double)current;
	if (ten > newest || newest - ten > RATE_TENS)
		return 0;
	return (double)r->tens[ten % RATE_TENS];
}

static double window_count(const struct rate *r, uint64_t current, uint64_t now_ns,
	enum rate_window window)
{
	uint64_t bucket_ns = window == RATE_60S ? 10 * SECOND_NS : SECOND_NS;
	uint32_t newest = (uint32_t)(now_ns / bucket_ns);
	uint32_t whole = window == RATE_60S ? RATE_TENS : (uint32_t)window;
	double outside = (double)(now_ns % bucket_ns) / (double)bucket_ns;
	double sum = 0;

	for (uint32_t i = 0; i <= whole && i <= newest; i++) {
		double count = window == RATE_60S
				       ? ten_count(r, current, newest - i)
				       : second_count(r, current, newest - i);

		sum += i == whole ? count * (1 - outside) : count;
	}
	return sum;
}

uint64_t rate_per_second(
	const struct rate *r, uint64_t bytes, uint64_t now_ns, enum rate_window window)
{
	double age = (double)now_ns / (double)SECOND_NS + 1 - (double)r->started;
	double length = window;

	if (!r->started || now_ns < (uint64_t)r->second * SECOND_NS)
		return 0;
	if (age < length)
		length = age < 1 ? 1 : age;
	return (uint64_t)(window_count(r, bytes - r->before, now_ns, window) / length +
			  0.5);
}
