/*
 * conntrack_pace — how often a table is dumped: what a dump costs is measured, and the
 * pause behind it grows with the cost. Pure; times are the caller's monotonic ns.
 */
#ifndef KONN_SOURCE_CONNTRACK_PACE_H
#define KONN_SOURCE_CONNTRACK_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* A zeroed struct knows nothing yet and takes a cautious guess. */
struct conntrack_pace {
	uint64_t spent_ns; /* by the dump under way, so far */
	uint64_t cost_ns;  /* of the last whole dump; 0: none yet */
	uint64_t entry_ns; /* the same for each of its entries, at least 1000 of them */
	uint64_t ended_ns; /* when it ended */
};

/* Time that one conntrack_socket_dump or _receive took (the kernel dumps inside recv).
 */
void conntrack_pace_spent(struct conntrack_pace *p, uint64_t spent_ns);

/* The dump has ended, whole or not: `entries` are those it told. */
void conntrack_pace_ended(struct conntrack_pace *p, uint64_t now_ns, uint32_t entries);

/* What a dump of so many entries would cost now. */
uint64_t conntrack_pace_cost_ns(const struct conntrack_pace *p, uint32_t entries);

/*
 * When the next dump should begin. `entries` is nf_conntrack_count if it is known, else
 * the last dump's; `interval_ns` what the user wants at the soonest. Dumps take at most
 * 5 % of the time. A stale table (status.stale) is dumped sooner: at once, if none was
 * dumped for a while, else after a pause as long as the dump (up to 200,000 entries,
 * which are then right again within 2 s even if the loss came while a dump had just
 * begun) or three times as long.
 */
uint64_t conntrack_pace_due_ns(const struct conntrack_pace *p, uint32_t entries,
	uint64_t interval_ns, bool stale);

#endif
