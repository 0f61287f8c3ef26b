#include "measure/tcp_measure.h"

void expert_segment(struct tcp_measure *m, struct segment *s)
{
	(void)m;
	(void)s;
}

void expert_reused(struct tcp_measure *m, unsigned dir)
{
	m->result[dir].expert.count[EXPERT_REUSED_PORTS]++;
}
