#include "source/live.h"

#include <stdlib.h>

#include "source/live_ports.h"

#define TEND_EVERY    64 /* batches, when there is never a pause */
#define CLOCK_STEP_NS 1000000000ull

_Static_assert(LIVE_LAG_MS * 1000000ull == RING_HELD_NS, "it is what callers count on");

struct head {
	struct ring *ring; /* borrowed from the ports, for one call of next */
	uint64_t ts_ns;    /* of its next frame; quiet: of none that may still come */
	uint64_t wait_ns;  /* quiet: so long after a frame's stamp ts_ns reaches it */
};

struct live {
	struct live_ports ports;
	struct head *heads; /* owned; two for each port: the ready ones, the quiet */
	unsigned ready, heads_count, heads_cap;
	uint64_t now_ns; /* of this call of next */
	uint64_t due_ns; /* UINT64_MAX: no frame waits for its turn */
	unsigned turns;
};

/* True: the ring has a frame that can be read. */
static bool look(const struct live *live, struct head *head)
{
	bool filling;

	if (ring_peek(head->ring, &head->ts_ns))
		return true;
	filling = ring_bound(head->ring, live->now_ns, &head->ts_ns);
	head->wait_ns = filling ? RING_HELD_NS : RING_UNSEEN_NS;
	return false;
}

/* Gives read blocks back, and notes which rings have something. */
static void gather(struct live *live)
{
	struct head *end = live->heads;

	live->ready = 0;
	for (unsigned i = 0; i < 2 * live->ports.count; i++) {
		struct ring *ring = &live->ports.ports[i / 2].ring[i % 2];

		if (ring->fd < 0)
			continue;
		ring_release(ring);
		end->ring = ring;
		if (look(live, end)) {
			struct head quiet = live->heads[live->ready];

			live->heads[live->ready++] = *end;
			if (end != &live->heads[live->ready - 1])
				*end = quiet;
		}
		end++;
	}
	live->heads_count = (unsigned)(end - live->heads);
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

/* Up to when no quiet ring can still hold a frame. */
static uint64_t settled_ns(const struct live *live)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = live->ready; i < live->heads_count; i++)
		if (live->heads[i].ts_ns < least)
			least = live->heads[i].ts_ns;
	return least;
}

/* When the quiet rings will let a frame of that time go, if nothing comes from them. */
static uint64_t due_ns_of(const struct live *live, uint64_t ts_ns)
{
	uint64_t wait_ns = 0;

	for (unsigned i = live->ready; i < live->heads_count; i++)
		if (live->heads[i].ts_ns < ts_ns && live->heads[i].wait_ns > wait_ns)
			wait_ns = live->heads[i].wait_ns;
	return ts_ns + wait_ns;
}

/* Disorder is better than loss: a ring that fills up waits for no other. */
static bool cramped(struct live *live)
{
	bool any = false;

	for (unsigned i = 0; i < live->ready; i++)
		if (ring_crowded(live->heads[i].ring))
			any = live->heads[i].ring->cramped = true;
	return any;
}

/* May the frame go out, though a quiet ring may hold an older one? */
static bool must_go(struct live *live, uint64_t ts_ns)
{
	/* Its time is far ahead: somebody set the clock back. */
	if (ts_ns > live->now_ns + CLOCK_STEP_NS)
		return true;
	return cramped(live);
}

/*
 * Merges the rings by time. A frame waits while another ring may hold an older one: in
 * the block being filled, which cannot be read before the kernel hands it over.
 */
static unsigned merge(struct live *live, struct frame *frames)
{
	struct head *heads = live->heads, gone;
	uint64_t settled = settled_ns(live), until_ns;
	unsigned total = 0, best;

	while (live->ready && total < FRAME_BATCH) {
		best = oldest(heads, live->ready, &until_ns);
		if (heads[best].ts_ns <= settled) {
			until_ns = until_ns < settled ? until_ns : settled;
		} else if (!must_go(live, heads[best].ts_ns)) {
			live->due_ns = due_ns_of(live, heads[best].ts_ns);
			break;
		}
		total += ring_take(heads[best].ring, until_ns, frames + total,
			FRAME_BATCH - total);
		if (look(live, &heads[best]))
			continue;
		gone = heads[best];
		heads[best] = heads[--live->ready];
		heads[live->ready] = gone;
		if (gone.ts_ns < settled)
			settled = gone.ts_ns;
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

static unsigned read_rings(struct live *live, struct frame *frames)
{
	live->due_ns = UINT64_MAX;
	if (!room_for_heads(live))
		return 0; /* tried again: the next call may find memory */
	gather(live);
	return merge(live, frames);
}

static enum source_status next(void *self, uint64_t now_ns, struct frame *frames,
	unsigned *out_count, struct err *err)
{
	struct live *live = self;

	(void)err; /* interfaces come and go: nothing here is an error */
	live->now_ns = now_ns;
	if (live->turns++ % TEND_EVERY == 0)
		live_ports_tend(&live->ports);
	*out_count = read_rings(live, frames);
	if (*out_count)
		return SOURCE_FRAMES;
	live_ports_tend(&live->ports);
	/* Again: what came since would wake nobody, tending took its edge. */
	*out_count = read_rings(live, frames);
	if (*out_count)
		return SOURCE_FRAMES;
	return live_ports_finished(&live->ports) ? SOURCE_END : SOURCE_IDLE;
}

static uint64_t due_ns(void *self)
{
	const struct live *live = self;

	return live->due_ns;
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
	.due_ns = due_ns,
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
