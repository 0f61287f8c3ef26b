#include "model/cells.h"

#define LINE 64 /* bytes of the cache */

static void fetch(const void *from, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += LINE)
		__builtin_prefetch((const char *)from + at);
}

void cells_fetch(const struct row *r)
{
	const struct flow *f = r->flow;

	if (!f)
		return;
	fetch(f, sizeof(*f));
	if (!f->tcp)
		return;
	fetch(&f->tcp->turns, sizeof(*f->tcp) - offsetof(struct tcp_measure, turns));
	for (unsigned half = 0; half < 2; half++)
		spread_fetch(&f->tcp->result[half].rtt.spread);
}
