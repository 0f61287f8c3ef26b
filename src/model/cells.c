#include "model/cells.h"

#include "base/prefetch.h"

void cells_fetch(const struct row *r)
{
	const struct flow *f = r->flow;

	if (!f)
		return;
	prefetch_lines(f, sizeof(*f));
	if (!f->tcp)
		return;
	prefetch_lines(
		&f->tcp->turns, sizeof(*f->tcp) - offsetof(struct tcp_measure, turns));
	for (unsigned half = 0; half < 2; half++)
		spread_fetch(&f->tcp->result[half].rtt.spread);
}
