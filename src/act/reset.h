/*
 * reset — ends a connection that only passes here: each end gets a reset in its peer's
 * name, until it proves that it no longer knows the connection. Pure: packets seen and
 * the time go in, segments to be sent come out.
 *
 * An end takes a reset only with exactly the next sequence number that it expects (RFC
 * 5961 §3.2). That number is what it acknowledges in each segment it sends; an idle end
 * tells it when it is probed: it answers a SYN with an acknowledgement, whatever the
 * SYN's number (§4.2, "challenge ACK"). An end without the connection answers the same
 * SYN with a reset that acknowledges just that SYN: this is the proof.
 *
 *            SYN ──► answer?
 *   PROBING ─┬─ acknowledgement or data: ──► RST, then SYN at once ──► PROBING
 *            ├─ RST of our SYN ───────────────────────────────► GONE (reset)
 *            ├─ SYN-ACK of our SYN ──► RST, SYN; a second one ► GONE (listener)
 *            └─ none, 600 ms later: SYN again; after RESET_PROBES ► GIVEN UP
 *
 * 600 ms, because Linux gives one challenge ACK in 500 ms and socket
 * (net.ipv4.tcp_invalid_ratelimit). In a fast transfer the number is old when the reset
 * arrives: block the connection first (act/block.h), then it stands still.
 */
#ifndef KONN_ACT_RESET_H
#define KONN_ACT_RESET_H

#include <stdbool.h>
#include <stdint.h>

#include "act/result.h"
#include "act/segment.h"
#include "core/packet.h"

#define RESET_PROBES      10  /* without a proof, at each end */
#define RESET_SENDS       256 /* resets to each end */
#define RESET_INTERVAL_NS 600000000ull
#define RESET_HURRY_NS    2000000ull /* from one probe to the next at least */

/*
 * One end and the connection as this end sees it. Without NAT the second end is the
 * first one turned round; with NAT `peer` is the translated address that this end
 * talks to (conntrack's orig.src, orig.dst; reply.src, reply.dst).
 */
struct reset_end {
	struct addr own, peer;
	uint16_t own_port, peer_port; /* host order */
	/* private */
	uint64_t begun_ns, sent_ns, counted_ns; /* now; last probe; last that counted */
	uint32_t probe_seq;  /* the same in all probes, so that late answers fit */
	uint32_t answer_seq; /* of a SYN-ACK to a probe, if `answered` */
	uint32_t next;       /* what the end expects */
	uint16_t probes, resets;
	bool owed;       /* a reset with `next` is to be sent */
	bool connecting; /* it is in SYN-SENT: only a reset with an ACK counts */
	bool hurry;      /* probe again soon */
	bool answered;
	uint8_t outcome; /* enum act_outcome; …_NONE: not decided */
	uint8_t proof;   /* enum act_proof */
};

struct reset {
	struct reset_end end[2];
	uint8_t family;
	uint16_t token; /* window of our own segments: tells them from the ends' */
};

/*
 * Fill in family, and own, peer and ports of both ends; then this. `random` should not
 * be guessable: a stranger could else answer for an end.
 */
void reset_begin(struct reset *reset, uint64_t random, uint64_t now_ns);

/* A packet that came by, of any connection, in any direction. */
void reset_seen(struct reset *reset, const struct packet *packet);

/*
 * The next segment to be sent now; false: none, wait for packets or reset_wake_ns().
 * `end_index` says which end it is for.
 */
bool reset_next(struct reset *reset, uint64_t now_ns, struct segment_make *out,
	unsigned *end_index);

/* When reset_next() has something to say without a packet; UINT64_MAX: it is over. */
uint64_t reset_wake_ns(const struct reset *reset);

bool reset_over(const struct reset *reset);

/* What came of one end; before the end of it all, what is known so far. */
void reset_result(
	const struct reset *reset, unsigned end_index, struct act_result *out);

#endif
