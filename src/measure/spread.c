#include "measure/spread.h"

void spread_add(struct spread *s, struct pools *pools, uint32_t value)
{
	(void)pools;
	if (s->count == 0 || value < s->least)
		s->least = value;
	if (s->count == 0 || value > s->most)
		s->most = value;
	s->count++;
}

uint32_t spread_percentile(const struct spread *s, unsigned percent)
{
	(void)percent;
	return s->least;
}

void spread_seal(struct spread *out, const struct spread *s)
{
	*out = *s;
}

void spread_done(struct spread *s, struct pools *pools)
{
	(void)s;
	(void)pools;
}
