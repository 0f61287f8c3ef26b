#include "flow/copies.h"

#include <errno.h>

static uint32_t most(uint64_t bytes, size_t record_bytes)
{
	uint64_t n = bytes / record_bytes;

	return n > INT32_MAX ? INT32_MAX : (uint32_t)n;
}

int copies_init(struct copies *c, uint64_t memory_bytes)
{
	uint64_t share = memory_bytes / 16;

	*c = (struct copies){0};
	if (slab_init(&c->flows, sizeof(struct flow),
		    most(7 * share, sizeof(struct flow))) == 0 &&
		slab_init(&c->tcp, sizeof(struct tcp_measure),
			most(8 * share, sizeof(struct tcp_measure))) == 0 &&
		slab_init(&c->talk, sizeof(struct talk),
			most(share, sizeof(struct talk))) == 0)
		return 0;
	copies_done(c, NULL);
	return -ENOMEM;
}

void copies_done(struct copies *c, struct measure *g)
{
	for (uint32_t n = 1; n <= c->flows.used; n++)
		names_done(g, &((struct flow *)slab_at(&c->flows, n))->names);
	slab_done(&c->flows);
	slab_done(&c->tcp);
	slab_done(&c->talk);
}

bool copies_add(struct copies *c, const struct flow *f)
{
	uint32_t number = slab_alloc(&c->flows), tcp = 0, talk = 0;
	struct flow *out;

	if (!number)
		return false;
	out = slab_at(&c->flows, number);
	*out = *f;
	out->tcp = NULL;
	out->talk = NULL;
	names_copy(&out->names, &f->names);
	if (f->tcp)
		tcp = slab_alloc(&c->tcp);
	if (f->talk)
		talk = slab_alloc(&c->talk);
	if (tcp) {
		out->tcp = slab_at(&c->tcp, tcp);
		tcp_measure_seal(out->tcp, f->tcp);
	}
	if (talk) {
		out->talk = slab_at(&c->talk, talk);
		talk_seal(out->talk, f->talk);
	}
	return true;
}
