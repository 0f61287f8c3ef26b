#include "app/pipeline.h"

#define LINKTYPE_LINUX_SLL2 276

void pipeline_counters(struct pipeline *p)
{
	struct counters *c = engine_counters(p->engine);
	struct source_counters sc = {0};

	p->source.ops->counters(p->source.self, &sc);
	c->ring_drops = sc.ring_drops;
	c->interface_drops = sc.interface_drops;
	c->gaps = sc.gaps;
}

/* Which interface counts matters as soon as there are two, or packets tell their own.
 */
static void look_at_interfaces(struct pipeline *p)
{
	const struct source_interface *list;
	unsigned n = p->source.ops->interfaces(p->source.self, &list);

	for (; p->interfaces < n; p->interfaces++)
		if (p->interfaces ||
			list[p->interfaces].linktype == LINKTYPE_LINUX_SLL2)
			engine_merge_interfaces(p->engine);
}

enum source_status pipeline_step(struct pipeline *p, struct err *err)
{
	enum source_status status;
	unsigned count = 0;

	p->count = 0;
	if (p->packets_left == 0)
		return SOURCE_END;
	status = p->source.ops->next(
		p->source.self, p->clock ? clock_real() : 0, p->frames, &count, err);
	if (count > p->packets_left)
		count = (unsigned)p->packets_left;
	if (p->packets_left != UINT64_MAX)
		p->packets_left -= count;
	if (count == 0)
		return status;
	if (p->clock)
		for (unsigned i = 0; i < count; i++)
			p->frames[i].ts_ns = clock_shift(p->clock, p->frames[i].ts_ns);
	look_at_interfaces(p);
	decode_batch(p->decoder, p->frames, count, p->packets);
	engine_feed(p->engine, p->packets, count);
	p->count = count;
	return status;
}

void pipeline_close(struct pipeline *p)
{
	if (p->source.ops)
		p->source.ops->close(p->source.self);
	decoder_free(p->decoder);
	*p = (struct pipeline){0};
}
