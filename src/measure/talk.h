/*
 * talk — what is measured of conversations without sequence numbers: QUIC's handshake
 * and spin bit, ICMP echo, DNS. One record of POOL_TALK, taken when there is something
 * to keep.
 */
#ifndef KONN_MEASURE_TALK_H
#define KONN_MEASURE_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/spread.h"

struct measure;
struct packet;

enum talk_kind {
	TALK_NONE,
	TALK_QUIC,
	TALK_ICMP,
	TALK_DNS,
};

struct talk_rtt { /* microseconds */
	uint32_t samples, ambiguous, smooth_us;
	struct spread spread;
};

struct talk {                     /* zeroed at the start */
	uint8_t kind;             /* enum talk_kind */
	struct talk_rtt rtt[2];   /* by half; a whole round trip (spin) is in rtt[0] */
	uint32_t handshake_us[2]; /* QUIC: valid when has_handshake */
	bool has_handshake[2];
	bool whole;      /* rtt[0] is the whole path's: spin bit */
	bool spin_off;   /* QUIC: the spin bit is off or greased */
	uint32_t dns_us; /* first query to its answer; valid when has_dns */
	uint32_t dns_retries, dns_timeouts;
	bool has_dns, has_rcode;
	uint8_t dns_rcode; /* of the last answer */
};

/*
 * A UDP or ICMP packet of a full flow, copies excluded; `orig` is the side that asked.
 * `service` is enum service_kind as recognised so far (flow/service.h is above: a
 * number).
 */
void talk_packet(
	struct measure *g, struct talk *t, const struct packet *p, unsigned orig);

void talk_done(struct measure *g, struct talk *t);

/* `out` becomes a copy of the results that holds nothing of the pools. */
void talk_seal(struct talk *out, const struct talk *t);

#endif
