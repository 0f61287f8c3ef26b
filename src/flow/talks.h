/* talks — gives DNS, QUIC and ICMP echo their measure (measure/talk.h). */
#ifndef KONN_FLOW_TALKS_H
#define KONN_FLOW_TALKS_H

#include "flow/pool.h"

/* A datagram of a full flow with FLOW_TALKS. */
void talks_packet(struct flow_table *t, struct flow *f, const struct packet *p);

/* A TCP segment with payload seen for the first time, of a flow with FLOW_TALKS. */
void talks_segment(
	struct flow_table *t, struct flow *f, const struct packet *p, bool in_order);

/* The first packet of a one-way record: queries are noted, to know their answers. */
void talks_first(struct flow_table *t, const struct small *s, const struct packet *p);

/* What the record still knows, for the flow that it became. */
void talks_replay(struct flow_table *t, struct flow *f, const struct small *s);

#endif
