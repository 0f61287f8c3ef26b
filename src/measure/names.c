#include "measure/names.h"

#include "core/packet.h"
#include "measure/measure.h"

void names_packet(
	struct measure *g, struct names *n, const struct packet *p, bool from_orig)
{
	(void)g;
	(void)p;
	(void)from_orig;
	n->done = 1;
}

void names_copy(struct names *out, const struct names *n)
{
	*out = *n;
	(void)strings_keep(out->server_name);
	(void)strings_keep(out->alpn);
	(void)strings_keep(out->software);
	out->hello = 0;
}

void names_done(struct measure *g, struct names *n)
{
	strings_drop(&g->strings, n->server_name);
	strings_drop(&g->strings, n->alpn);
	strings_drop(&g->strings, n->software);
	pools_free(&g->pools, POOL_HELLO, n->hello);
	*n = (struct names){0};
}
