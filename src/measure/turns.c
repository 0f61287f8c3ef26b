#include "measure/tcp_measure.h"

void turns_segment(struct measure *g, struct tcp_measure *m, const struct segment *s,
	unsigned orig)
{
	(void)g;
	(void)m;
	(void)s;
	(void)orig;
}

void turns_done(struct measure *g, struct tcp_measure *m)
{
	spread_done(&m->turns.app, &g->pools);
}
