/*
 * expert — the counters that Wireshark's TCP analysis has, with its meaning (User's
 * Guide, "TCP Analysis"), in constant space.
 *
 * As there, a retransmission that is fast or spurious counts as a retransmission too.
 */
#ifndef KONN_MEASURE_EXPERT_H
#define KONN_MEASURE_EXPERT_H

#include <stdbool.h>
#include <stdint.h>

struct packet;
struct segment;
struct tcp_measure;

enum expert_flag { /* numbers of counters; segment.expert has bit 1 << number */
#define EXPERT(name_, field_, help_) EXPERT_##name_,
#include "measure/expert.def"
#undef EXPERT
	EXPERT_COUNT,
};

#define EXPERT_BIT(name_) (1u << EXPERT_##name_)

struct expert_state {     /* of one sender; zeroed at the start. 0: no number yet */
	uint64_t next_ns; /* when `next` was last moved */
	uint64_t ack_ns;  /* of its last segment with an acknowledgement */
	uint32_t next;    /* highest sequence number sent + 1 */
	uint32_t whole;   /* up to here everything was seen, or acknowledged */
	uint32_t ack;     /* last acknowledgement sent */
	uint32_t first;   /* initial sequence number, or the guess; see has_first */
	uint16_t window;  /* last one offered, as in the header */
	uint8_t dup_acks; /* in a row; stops at its highest value */
	uint8_t scale;    /* expert.c's enum scale */
	uint8_t was;      /* its last segment: expert.c's enum was */
	bool seen : 1, has_first : 1, has_rtt : 1;
	bool settled : 1; /* seen, and the handshake has no more to tell */
};

_Static_assert(sizeof(struct expert_state) <= 40, "each segment touches two");

struct expert_counts {
	uint32_t count[EXPERT_COUNT]; /* stop at their highest value */
};

/* Sets s->expert and s->dup_ack, counts for the sender. */
void expert_segment(struct tcp_measure *m, struct segment *s);

/* A later fragment of the segment that came last. */
void expert_fragment(struct tcp_measure *m, const struct packet *p);

/* The connection follows another one on the same ports: Wireshark's "reused ports". */
void expert_reused(struct tcp_measure *m, unsigned dir);

#endif
