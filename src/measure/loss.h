/*
 * loss — where segments were lost, and which came in another order: konn's own classes,
 * by direction of the data.
 *
 *      sender ----- before ----- capture point ----- after ----- receiver
 *
 * What never came here was lost before it: a gap, which a segment sent later fills.
 * What came here and is sent again was lost behind it, unless it turns out that it had
 * arrived: acknowledged here before, or sooner than a round trip after it was sent
 * again, or an answer to an earlier copy (RFC 3522), or reported as received twice
 * (RFC 2883). Then it is spurious.
 *
 * A SYN that comes again counts as lost after: the SYN was lost there, or its answer
 * before it came here, which is the same part of the path.
 */
#ifndef KONN_MEASURE_LOSS_H
#define KONN_MEASURE_LOSS_H

#include <stdbool.h>
#include <stdint.h>

struct measure;
struct packet;
struct tcp_measure;
struct segment;

#define LOSS_AT_SHIFT 10

struct loss_state {       /* of the data of one side; zeroed at the start */
	uint64_t last_ns; /* its last data */
	uint32_t next;    /* highest sequence number seen + 1; valid when has_next */
	uint32_t acked;   /* highest acknowledgement by the other side; valid when
			     has_acked */
	uint32_t mark;    /* of its last segment with data and without IP id */
	uint32_t told_at; /* last acknowledgement by the other side that said something;
			     loss_at */
	uint32_t new_at;  /* its last new data, loss_at */
	uint8_t dup_acks; /* by the other side since it last acknowledged more */
	bool has_next : 1, has_acked : 1;
	bool closed : 1; /* the other side's window is 0 */
	bool probed : 1; /* the tail was sent again since it last acknowledged more */
	bool open : 1;   /* there is something in loss_holes */
};
_Static_assert(sizeof(struct loss_state) <= 32, "each segment touches both");

struct loss_holes { /* of the data of one side, when not all of it came in order */
	uint32_t gaps, resent; /* POOL_HOLES, gaps.c's and resent.c's; 0: none */
	uint32_t blind;        /* which bytes below were seen is not known; valid when
				  has_blind */
	uint32_t sacked; /* end of the highest SACK block; valid when has_sacked */
	uint8_t gaps_used, resent_used;
	bool has_blind, has_sacked;
};

/* A time in units of 1.024 us that wraps after 73 minutes. */
static inline uint32_t loss_at(uint64_t ns)
{
	return (uint32_t)(ns >> LOSS_AT_SHIFT);
}

struct loss_counts {            /* segments, but for rto and tlp: events */
	uint32_t before, after; /* lost before, after the capture point */
	uint32_t reordered;
	uint32_t spurious;       /* sent again for nothing: not in `after` */
	uint32_t fast, rto, tlp; /* what made the sender send again */
	uint32_t keep_alives;
	uint32_t duplicates;   /* came twice, by a fault of the network or a mirror */
	uint32_t unplaced;     /* sent again or late: there was no room to tell which */
	uint64_t missed_bytes; /* acknowledged, or jumped over, and never seen */
};

/* Sets s->class, s->rto, fast, tlp, acked_before; counts for the sender of the data. */
void loss_segment(struct measure *g, struct tcp_measure *m, struct segment *s);

/*
 * Whether the packet is the last data of its side once more, where no IP id tells: all
 * that a sender would change is equal, and no answer can have come in between.
 */
bool loss_is_copy(const struct tcp_measure *m, const struct packet *p);

/* A later fragment of the last segment: its bytes follow. */
void loss_fragment(struct tcp_measure *m, const struct packet *p);

void loss_done(struct measure *g, struct tcp_measure *m);

#endif
