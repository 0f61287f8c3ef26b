#include "source/live.h"

#include <stdlib.h>

#include "source/live_ports.h"

#define TEND_EVERY 64 /* batches, when there is never a pause */

struct head {
	struct ring *ring; /* borrowed from the ports, for one call of next */
	uint64_t ts_ns;    /* of its next frame */
};

struct live {
	struct live_ports ports;
	struct head *heads; /* owned; two for each port */
	unsigned heads_cap;
	unsigned turns;
};

/* Gives read blocks back, and notes which rings have something. */
static unsigned gather(struct live *live)
{
	unsigned count = 0;

	for (unsigned i = 0; i < live->ports.count; i++)
		for (unsigned slot = 0; slot < 2; slot++) {
			struct head *head = &live->heads[count];

			head->ring = &live->ports.ports[i].ring[slot];
			ring_release(head->ring);
			if (ring_peek(head->ring, &head->ts_ns))
				count++;
		}
	return count;
}

/* The head with the oldest frame, and the time of the second oldest. */
static unsigned oldest(
	const struct head *heads, unsigned count, uint64_t *out_second_ns)
{
	uint64_t second = UINT64_MAX;
	unsigned best = 0;

	for (unsigned i = 1; i < count; i++) {
		uint64_t other = heads[i].ts_ns;

		if (other < heads[best].ts_ns) {
			other = heads[best].ts_ns;
			best = i;
		}
		if (other < second)
			second = other;
	}
	*out_second_ns = second;
	return best;
}

/*
 * Merges the rings by time. A ring whose block is still open (RING_BLOCK_TIMEOUT_MS) is
 * not waited for: the order across interfaces is right within that time.
 */
static unsigned merge(struct head *heads, unsigned count, struct frame *frames)
{
	unsigned total = 0, best;
	uint64_t until_ns;

	while (count && total < FRAME_BATCH) {
		best = oldest(heads, count, &until_ns);
		total += ring_take(heads[best].ring, until_ns, frames + total,
			FRAME_BATCH - total);
		if (!ring_peek(heads[best].ring, &heads[best].ts_ns))
			heads[best] = heads[--count];
	}
	return total;
}

static bool room_for_heads(struct live *live)
{
	unsigned cap = 2 * live->ports.cap;
	struct head *moved;

	if (live->heads_cap >= 2 * live->ports.count)
		return true;
	moved = realloc(live->heads, cap * sizeof(*moved));
	if (!moved)
		return false;
	live->heads = moved;
	live->heads_cap = cap;
	return true;
}

static enum source_status next(
	void *self, struct frame *frames, unsigned *out_count, struct err *err)
{
	struct live *live = self;

	(void)err; /* interfaces come and go: nothing here is an error */
	*out_count = 0;
	if (live->turns++ % TEND_EVERY == 0)
		live_ports_tend(&live->ports);
	if (room_for_heads(live))
		*out_count = merge(live->heads, gather(live), frames);
	if (*out_count)
		return SOURCE_FRAMES;
	live_ports_tend(&live->ports);
	return live_ports_finished(&live->ports) ? SOURCE_END : SOURCE_IDLE;
}

static unsigned interfaces(void *self, const struct source_interface **out)
{
	const struct live *live = self;

	*out = live->ports.interfaces;
	return live->ports.count;
}

static void counters(void *self, struct source_counters *out)
{
	struct live *live = self;

	live_ports_count(&live->ports, out);
}

static unsigned fds(void *self, int *out, unsigned most)
{
	const struct live *live = self;

	if (most == 0)
		return 0;
	out[0] = live->ports.epoll_fd;
	return 1;
}

static void close_live(void *self)
{
	struct live *live = self;

	live_ports_close(&live->ports);
	free(live->heads);
	free(live);
}

static const struct source_ops live_ops = {
	.next = next,
	.interfaces = interfaces,
	.counters = counters,
	.fds = fds,
	.close = close_live,
};

int live_source_open(
	const struct live_setup *setup, struct source *out, struct err *err)
{
	struct live *live = calloc(1, sizeof(*live));
	int r;

	if (!live)
		return err_set(err, EXIT_SOFTWARE, "out of memory");
	r = live_ports_open(&live->ports, setup, err);
	if (r < 0) {
		free(live);
		return r;
	}
	*out = (struct source){&live_ops, live};
	return 0;
}

void live_source_drain(struct source *source)
{
	struct live *live = source->self;

	live_ports_stop(&live->ports);
}
