/* cause — what made a sender send a segment again, as far as one can see from outside.
 */
#ifndef KONN_MEASURE_CAUSE_H
#define KONN_MEASURE_CAUSE_H

#include <stdint.h>

struct tcp_measure;
struct segment;

/* Smoothed round trip of the whole path (0: not known), its timeout (RFC 6298 §2), ns.
 */
void cause_round_trip(const struct tcp_measure *m, uint64_t *smooth, uint64_t *timeout);

/*
 * Sets s->fast, rto or tlp and counts them; `n` segments. A fast retransmission follows
 * an acknowledgement at once; a timeout or a tail probe (RFC 8985 §7) ends a silence.
 */
void cause_note(struct tcp_measure *m, struct segment *s, uint32_t n);

#endif
