/*
 * expert — the counters that Wireshark's TCP analysis has, with its meaning (User's
 * Guide, "TCP Analysis"), in constant space.
 */
#ifndef KONN_MEASURE_EXPERT_H
#define KONN_MEASURE_EXPERT_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_measure;
struct segment;

enum expert_flag { /* numbers of counters; segment.expert has bit 1 << number */
#define EXPERT(name_, field_, help_) EXPERT_##name_,
#include "measure/expert.def"
#undef EXPERT
	EXPERT_COUNT,
};

#define EXPERT_BIT(name_) (1u << EXPERT_##name_)

struct expert_state { /* of one sender; zeroed at the start */
	uint32_t placeholder;
};

struct expert_counts {
	uint32_t count[EXPERT_COUNT]; /* stop at their highest value */
};

/* Sets s->expert and s->dup_ack, counts for the sender. */
void expert_segment(struct tcp_measure *m, struct segment *s);

/* The connection follows another one on the same ports: Wireshark's "reused ports". */
void expert_reused(struct tcp_measure *m, unsigned dir);

#endif
