/* counters — what was read, and every way in which something was not. */
#ifndef KONN_CORE_COUNTERS_H
#define KONN_CORE_COUNTERS_H

#include <stdint.h>

#include "core/packet.h"

#define COUNTERS_LINKTYPES 16 /* unknown types named; the rest under 65535 */

enum evict_class { /* in the order in which they go (spec: memory) */
	EVICT_NONE,
	EVICT_CLOSED,
	EVICT_EXPIRED,
	EVICT_HALF_OPEN,
	EVICT_ONE_WAY,
	EVICT_IDLE,
	EVICT_ACTIVE, /* established, recent traffic: when nothing else is left */
	EVICT_COUNT,
};

const char *evict_name(enum evict_class class);

struct counters {
	uint64_t packets, bytes; /* all that was read; bytes on the wire */
	uint64_t parsed;
	uint64_t malformed[MALFORMED_COUNT];
	struct {
		uint16_t linktype;
		uint64_t packets;
	} unsupported[COUNTERS_LINKTYPES];
	unsigned unsupported_types;
	uint64_t filtered;
	uint64_t copies;    /* parsed, but another interface's or a mirror's copy */
	uint64_t truncated; /* caplen < len, whatever became of them */
	uint64_t fragments_unmatched;
	uint64_t ring_drops, interface_drops;
	uint64_t evicted[EVICT_COUNT];
	uint64_t overruns;
	uint64_t gaps, clock_steps; /* time that stopped, or ran back */
	uint64_t conns;
	uint64_t rtt_samples;       /* valid ones */
	uint64_t rtt_lost;          /* not measured: no room to remember the question */
	uint64_t first_ns, last_ns; /* lowest and highest stamp; 0: no packet */
};

/* Adds decoded packets to their buckets (packets, bytes, parsed…, truncated, times). */
void counters_batch(struct counters *c, const struct packet *packets, unsigned count);

#endif
