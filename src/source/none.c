#include "source/none.h"

static enum source_status none_next(void *self, uint64_t now_ns, struct frame *frames,
	unsigned *out_count, struct err *err)
{
	(void)self;
	(void)now_ns;
	(void)frames;
	(void)err;
	*out_count = 0;
	return SOURCE_END;
}

static unsigned none_interfaces(void *self, const struct source_interface **out)
{
	(void)self;
	*out = NULL;
	return 0;
}

static void none_counters(void *self, struct source_counters *out)
{
	(void)self;
	*out = (struct source_counters){0};
}

static unsigned none_fds(void *self, int *out, unsigned most)
{
	(void)self;
	(void)out;
	(void)most;
	return 0;
}

static uint64_t none_due(void *self)
{
	(void)self;
	return UINT64_MAX;
}

static void none_close(void *self)
{
	(void)self;
}

void none_source_open(struct source *out)
{
	static const struct source_ops ops = {
		.next = none_next,
		.interfaces = none_interfaces,
		.counters = none_counters,
		.fds = none_fds,
		.due_ns = none_due,
		.close = none_close,
	};

	*out = (struct source){.ops = &ops};
}
