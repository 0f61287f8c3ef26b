/*
 * talk — what is measured of conversations without sequence numbers: QUIC's handshake
 * and spin bit, ICMP echo, DNS (over TCP too). One record of POOL_TALK, taken when
 * there is something to keep.
 */
#ifndef KONN_MEASURE_TALK_H
#define KONN_MEASURE_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/spread.h"

struct measure;
struct packet;
struct sample;

#define TALK_BLOCK 192 /* bytes of a record of POOL_RING8 */

enum talk_kind {
	TALK_NONE,
	TALK_QUIC,
	TALK_ICMP,
	TALK_DNS,
};

enum talk_spin {           /* what QUIC's spin bit is worth */
	TALK_SPIN_UNKNOWN, /* too few packets to tell */
	TALK_SPIN_ON,
	TALK_SPIN_OFF, /* it stands still, or is random (RFC 9000 §17.4) */
};

/*
 * Of ICMP and DNS the half to the side that answers is filled, its time to answer
 * included; of QUIC rtt[0] with whole round trips, once the spin bit was found to spin.
 */
struct talk_rtt { /* microseconds */
	uint32_t samples, ambiguous, smooth_us;
	struct spread spread;
	uint64_t least_ns; /* of the valid ones; valid when samples > 0 */
};

struct talk {                     /* zeroed at the start */
	uint8_t kind;             /* enum talk_kind */
	uint8_t spin;             /* enum talk_spin */
	uint8_t waiting;          /* echo.c's: requests in the block */
	uint8_t dns_rcode;        /* of the last answer; valid when has_rcode */
	bool has_dns, has_rcode;  /* dns_us, dns_rcode are valid */
	bool has_handshake[2];    /* handshake_us is valid */
	bool whole;               /* rtt[0] is the whole path's: spin bit */
	struct talk_rtt rtt[2];   /* by half; a whole round trip (spin) is in rtt[0] */
	uint32_t handshake_us[2]; /* QUIC */
	uint32_t dns_us; /* of the first query that was answered, the user's wait */
	uint32_t asked, answered; /* DNS queries, ICMP echo requests, each once */
	uint32_t dns_retries;     /* queries that were sent again */
	uint32_t block;           /* POOL_RING8: what each kind remembers; 0: none */
};
_Static_assert(sizeof(struct talk) <= 256, "a record of POOL_TALK");

/*
 * A UDP or ICMP packet of a full flow, copies excluded; `orig` is the side that asked.
 * `t` NULL (there was no room): DNS is still told and learnt from.
 */
void talk_packet(
	struct measure *g, struct talk *t, const struct packet *p, unsigned orig);

/* Of ICMP and DNS, where that half was measured; else NULL. */
const struct talk_rtt *talk_half(const struct talk *t, unsigned half);

/* Of the whole path (spin bit); NULL: not known. */
const struct talk_rtt *talk_whole(const struct talk *t);

/* Counts a sample in the talk's statistics, completes it (min_ns) and tells it. */
void talk_sample(struct measure *g, struct talk *t, struct sample *s);

/* What the kind remembers, zeroed when it is new; NULL: no room. */
void *talk_block(struct measure *g, struct talk *t);

void talk_done(struct measure *g, struct talk *t);

/* `out` becomes a copy of the results that holds nothing of the pools. */
void talk_seal(struct talk *out, const struct talk *t);

/* Nanoseconds as they are kept, up to 71 minutes. */
static inline uint32_t talk_us(uint64_t ns)
{
	return ns / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 1000);
}

#endif
