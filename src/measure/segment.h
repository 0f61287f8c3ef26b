/*
 * segment — one TCP segment on its way through the analyzers, each of which adds what
 * it found: expert, loss, rtt, limit, turns, in this order.
 */
#ifndef KONN_MEASURE_SEGMENT_H
#define KONN_MEASURE_SEGMENT_H

#include "core/packet.h"

enum segment_class {       /* of the bytes it carries; by loss_segment */
	SEGMENT_EMPTY,     /* takes no sequence numbers, and is no probe */
	SEGMENT_NEW,       /* in order */
	SEGMENT_AHEAD,     /* new, behind a hole that it opened or widened */
	SEGMENT_REORDERED, /* fills a hole: overtaken on the way */
	SEGMENT_REPAIR, /* fills a hole: sent again, the first copy was lost before here
			 */
	SEGMENT_AGAIN,  /* seen before: sent again, lost after here or spurious */
	SEGMENT_PROBE,  /* keep-alive or zero-window probe */
};

struct segment {
	const struct packet *p; /* borrowed */
	uint8_t dir;            /* who sent it: side[dir] */
	uint8_t class;          /* enum segment_class */
	bool untimed; /* its stamp is not known: no sample begins or ends with it */
	bool back;    /* its stamp is older than one before: the clock ran back */
	bool acked_before;   /* AGAIN: all of it was acknowledged here already */
	bool rto, fast, tlp; /* AGAIN, REPAIR: what made the sender send it again */
	bool new_ack;        /* it acknowledges more than any before of its side */
	bool dup_ack;        /* expert's duplicate acknowledgement */
	bool has_known;      /* the fields below are valid; by rtt_segment */
	uint32_t expert;     /* bits of enum expert */
	uint32_t span, end;  /* payload, SYN and FIN in sequence numbers; seq + span */
	/*
	 * The newest acknowledgement of the other side that its sender had certainly
	 * got when it sent this: the echoed one (RFC 7323); without timestamps the
	 * newest that passed here longer ago than the least round trip of that half.
	 */
	uint32_t known_ack,
		known_edge; /* edge: first sequence number beyond the window */
	uint64_t known_ns;  /* when it passed here */
};

/* Sequence numbers wrap (RFC 9293 §3.4). */
static inline bool segment_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

#endif
