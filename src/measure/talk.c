#include "measure/talk.h"

#include "core/packet.h"
#include "measure/measure.h"

void talk_packet(
	struct measure *g, struct talk *t, const struct packet *p, unsigned orig)
{
	(void)g;
	(void)t;
	(void)p;
	(void)orig;
}

void talk_done(struct measure *g, struct talk *t)
{
	for (unsigned d = 0; d < 2; d++)
		spread_done(&t->rtt[d].spread, &g->pools);
}

void talk_seal(struct talk *out, const struct talk *t)
{
	*out = *t;
	for (unsigned d = 0; d < 2; d++)
		spread_seal(&out->rtt[d].spread, &t->rtt[d].spread);
}
