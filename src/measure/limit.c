#include "measure/tcp_measure.h"

static const char *const names[LIMIT_COUNT] = {
#define LIMIT(name_, help_) [LIMIT_##name_] = #name_,
#include "measure/limit.def"
#undef LIMIT
};

const char *limit_name(enum limit limit)
{
	return names[limit];
}

void limit_segment(struct tcp_measure *m, struct segment *s)
{
	(void)m;
	(void)s;
}
