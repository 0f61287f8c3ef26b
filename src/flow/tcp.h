/* tcp — what one segment changes in its flow (RFC 9293 §3.3.2, §3.10; as seen from
 * outside). */
#ifndef KONN_FLOW_TCP_H
#define KONN_FLOW_TCP_H

#include "flow/flow.h"

/* Sequence numbers wrap (RFC 9293 §3.4). */
static inline bool seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* False for a later fragment, or a header cut before its flags: counted, nothing more.
 */
static inline bool tcp_has_sequence(const struct packet *p)
{
	return p->fragment != 2 && p->tcp_flags != 0;
}

enum tcp_change { /* bits: what a segment meant for the connection */
	TCP_CHANGE_OPENED = 1 << 0,
	TCP_CHANGE_CLOSED = 1 << 1,
	TCP_CHANGE_RESET = 1 << 2,
	TCP_CHANGE_REFUSED = 1 << 3,
	TCP_CHANGE_CLASS = 1 << 4, /* no event, but it may belong to another class */
};

/*
 * True when the segment starts a new connection on the same ports: a SYN whose sequence
 * number is not the flow's own; after the close, a SYN-ACK as well.
 */
bool tcp_is_reuse(const struct flow *f, const struct packet *p);

/*
 * Updates states, sequence numbers, window and history; the counters were updated
 * before, and measuring found the segment's class (enum segment_class).
 */
unsigned tcp_update(struct flow *f, const struct packet *p, unsigned class);

/*
 * A later fragment: it continues the segment whose header came in the first one (taken
 * to be the last segment seen).
 */
void tcp_fragment(struct flow *f, const struct packet *p);

/* Bytes that a segment takes in sequence space: payload, SYN and FIN. */
static inline uint32_t tcp_span(const struct packet *p)
{
	return p->payload_len + !!(p->tcp_flags & TCP_SYN) + !!(p->tcp_flags & TCP_FIN);
}

#endif
