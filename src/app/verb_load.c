#include <inttypes.h>
#include <stdlib.h>

#include "app/record.h"
#include "app/session.h"

#define SECOND_NS 1000000000ull

struct load {
	uint64_t second; /* the one that is being counted; 0: none yet */
	uint64_t bytes, packets;
	bool titled;
};

/* K = 1024, one decimal, as the per-second sniffer printed it. */
static void write_second(struct session *s)
{
	struct load *l = s->state;
	struct buf text = {0};
	const struct record_field fields[] = {
		record_number("ts", TYPE_TIME, l->second * SECOND_NS),
		record_number("bytes", TYPE_BYTES, l->bytes),
		record_number("packets", TYPE_COUNT, l->packets),
	};
	struct record r = {.kind = "load", .fields = fields, .count = 3};
	uint64_t tenths = (l->bytes * 10 + 512) / 1024;

	buf_fmt(&text,
		"ts = %" PRIu64 ", load = %" PRIu64 ".%" PRIu64 " KB/s (%" PRIu64 ")",
		l->second, tenths / 10, tenths % 10, l->packets);
	r.text = buf_cstr(&text);
	s->view->record(&s->out.buf, &r, &s->style, !l->titled);
	buf_done(&text);
	l->titled = true;
	l->bytes = l->packets = 0;
}

static void move_to(struct session *s, uint64_t second)
{
	struct load *l = s->state;

	if (l->second == 0)
		l->second = second;
	while (l->second < second) {
		write_second(s);
		l->second = s->n_files ? second : l->second + 1;
	}
}

static void load_packets(struct session *s)
{
	struct load *l = s->state;

	for (unsigned i = 0; i < s->pipe.count; i++) {
		const struct packet *p = &s->pipe.packets[i];

		if (p->copy || p->outcome == OUTCOME_FILTERED)
			continue;
		move_to(s, p->ts_ns / SECOND_NS);
		l->bytes += p->wire_bytes;
		l->packets += p->outcome == OUTCOME_PARSED ? p->segments : 1;
	}
}

static void load_tick(struct session *s, uint64_t now_ns)
{
	/* The ring may still hold packets of the second that just went by. */
	if (s->n_files == 0)
		move_to(s, (now_ns - SECOND_NS / 4) / SECOND_NS);
}

static int load_open(struct session *s, struct engine_setup *setup, struct err *err)
{
	(void)setup;
	if (s->filter)
		return err_set(err, EXIT_USAGE,
			"load counts packets, not connections: use -f BPF instead of a "
			"filter");
	s->state = calloc(1, sizeof(struct load));
	return s->state ? 0 : err_errno(err, "start");
}

static void load_finish(struct session *s)
{
	struct load *l = s->state;

	if (l->packets || (s->n_files == 0 && l->second))
		write_second(s);
}

static void load_close(struct session *s)
{
	free(s->state);
}

const struct verb_ops verb_load = {
	.open = load_open,
	.packets = load_packets,
	.tick = load_tick,
	.finish = load_finish,
	.close = load_close,
	.endless = true,
};
