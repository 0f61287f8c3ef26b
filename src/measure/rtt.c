#include "measure/tcp_measure.h"

void rtt_segment(struct measure *g, struct tcp_measure *m, struct segment *s)
{
	(void)g;
	(void)m;
	(void)s;
}

bool rtt_queue_us(const struct rtt *r, uint32_t *out)
{
	(void)r;
	(void)out;
	return false;
}

bool rtt_least_us(const struct rtt *r, uint32_t *out)
{
	(void)r;
	(void)out;
	return false;
}

void rtt_done(struct measure *g, struct tcp_measure *m)
{
	(void)g;
	(void)m;
}
