/* traffic — how much of everything there is, in and out of home, and how fast. */
#ifndef KONN_MODEL_TRAFFIC_H
#define KONN_MODEL_TRAFFIC_H

#include "core/packet.h"
#include "flow/rate.h"
#include "model/home.h"
#include "model/snapshot.h"

struct traffic { /* wire bits of everything, and in and out of home */
	uint64_t all_bytes, in_bytes, out_bytes, packets;
	struct rate all, in, out;
	uint64_t second_ns; /* start of the second in which the last packet came */
	uint32_t second;
	bool has_direction; /* some of it is in or out */
};

/* Copies do not count. `home` may be NULL. */
void traffic_count(struct traffic *t, const struct home *home,
	const struct packet *packets, unsigned count);

/* Rates of the last second into the totals. */
void traffic_rates(const struct traffic *t, uint64_t now_ns, struct totals *out);

#endif
