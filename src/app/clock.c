#include "app/clock.h"

#include <time.h>

#define STEP_NS 5000000

static int64_t read_ns(clockid_t id)
{
	struct timespec t = {0};

	(void)clock_gettime(id, &t); /* cannot fail with these two clocks */
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Read between two readings of the other clock, so that a pause in between cancels out.
 */
static int64_t read_offset_ns(void)
{
	int64_t before = read_ns(CLOCK_MONOTONIC);
	int64_t real = read_ns(CLOCK_REALTIME);
	int64_t after = read_ns(CLOCK_MONOTONIC);

	return real - (before + (after - before) / 2);
}

void clock_init(struct clock *c)
{
	c->start_offset_ns = c->offset_ns = read_offset_ns();
}

uint64_t clock_now(const struct clock *c)
{
	return (uint64_t)(read_ns(CLOCK_MONOTONIC) + c->start_offset_ns);
}

uint64_t clock_real(void)
{
	return (uint64_t)read_ns(CLOCK_REALTIME);
}

int64_t clock_check(struct clock *c)
{
	int64_t now = read_offset_ns(), step = now - c->offset_ns;

	if (step > -STEP_NS && step < STEP_NS)
		return 0;
	c->offset_ns = now;
	return step;
}
