/* sent — segments that wait for their acknowledgement: the receiver's side. */
#ifndef KONN_MEASURE_SENT_H
#define KONN_MEASURE_SENT_H

#include <stdbool.h>

struct measure;
struct tcp_measure;
struct segment;

/* The segment acknowledges what the other side sent, and that is something: samples of
 * seq, timestamp, handshake, fin. */
void sent_acked(struct measure *g, struct tcp_measure *m, const struct segment *s);

/* It takes sequence numbers. `newer`: its TSval is newer than any before of its side.
 */
void sent_add(
	struct measure *g, struct tcp_measure *m, const struct segment *s, bool newer);

#endif
