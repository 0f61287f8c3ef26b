/*
 * rtt_format — round trips as the lines that `connmon -m` and `pping -m` print
 * (pollere's passive monitors of TCP).
 *
 *   connmon: time  timestamp-rtt  seq-rtt  hole  dup-ack  payload  bytes  flow
 *   pping:   time  rtt  min  fBytes  dBytes  pBytes  flow
 *
 * Times are seconds, the flow is the way of the answering packet: src:port+dst:port.
 * What is not known is a star. Bytes are of frames without what stands behind the
 * packet.
 */
#ifndef KONN_APP_RTT_FORMAT_H
#define KONN_APP_RTT_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/flow.h"

enum rtt_format_kind {
	RTT_FORMAT_CONNMON,
	RTT_FORMAT_PPING,
};

struct rtt_format;

/* NULL: no memory. It takes at most `memory_bytes`. */
struct rtt_format *rtt_format_new(enum rtt_format_kind kind, uint64_t memory_bytes);
void rtt_format_free(struct rtt_format *f);

/* A sample of the segment that comes next. */
void rtt_format_sample(struct rtt_format *f, const struct sample *s);

/*
 * A segment: replaces `out` by its line, without newline. False: it has none. `uid`
 * names the connection.
 */
bool rtt_format_segment(struct rtt_format *f, const struct flow *flow, uint64_t uid,
	const struct segment *s, struct buf *out);

/* Forgets the connection. */
void rtt_format_ended(struct rtt_format *f, uint64_t uid);

#endif
