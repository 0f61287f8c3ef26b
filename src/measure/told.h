/*
 * told — acknowledgements on their way to the sender of the data: what it knows when it
 * sends, and how long they and what they set free took (the sender's side).
 */
#ifndef KONN_MEASURE_TOLD_H
#define KONN_MEASURE_TOLD_H

#include <stdbool.h>

struct measure;
struct tcp_measure;
struct segment;

/* What the sender of this segment knew of the other side, which has told something. */
void told_heard(struct measure *g, struct tcp_measure *m, const struct segment *s);

#endif
