/*
 * rig — a flow table for tests: packets from short texts, the rows that came out.
 *
 * A script is words, each a packet of one connection (or a pause):
 *   >SA100@-5#7w0   from the client: flags S and A, 100 bytes of payload, sequence
 *                   number 5 less than is due, acknowledging 7 more than is due,
 *                   window 0; `<` from the server; flags: F S R P A U, `.` for none
 *   x<500           500 bytes that the capture missed
 *   t2500           2,500 ms pass (else 1 ms a packet); t-10: time runs back
 *   i3  n7          the next packets come by interface 3; have the IP id 7 (0: none)
 */
#ifndef KONN_TEST_RIG_H
#define KONN_TEST_RIG_H

#include "core/counters.h"
#include "flow/table.h"

#define RIG_ROWS   512
#define RIG_EVENTS 1024
#define RIG_MS     1000000ull
#define RIG_SECOND 1000000000ull
#define RIG_EPOCH  (1700000000ull * RIG_SECOND)
#define RIG_WINDOW 1000u
#define RIG_ISN0   1000u
#define RIG_ISN1   50000u

struct dialogue {            /* one connection, both ends */
	struct packet proto; /* key, kind and lengths of headers; the client sends */
	uint32_t next[2];    /* sequence numbers due: client, server */
};

struct rig_event {
	enum flow_event event;
	uint64_t now_ns;
	struct tuple key;
};

struct rig {
	struct flow_table *table;
	struct flow_setup setup;
	struct counters counters;
	struct flow row[RIG_ROWS];    /* in the order in which they ended */
	uint64_t missed[RIG_ROWS][2]; /* bytes of each side that never came */
	unsigned rows, events;
	struct rig_event event[RIG_EVENTS];
	uint64_t ended_packets, fed; /* sum over all rows; packets that have a flow */
	uint64_t now_ns;
	uint16_t interface, ip_id;
	unsigned batch;            /* packets are fed in such lots */
	struct packet waiting[64]; /* not fed yet */
	unsigned waiters;
	struct dialogue talk; /* the connection that rig_play plays */
};

/* Without a setup: 1 MiB, no bound of flows. rig_free takes it. */
struct rig *rig_new(const struct flow_setup *setup);
void rig_free(struct rig *r);

/* No small records from now on: every path is one too many. */
void rig_only_full(struct rig *r);

/* Number `n` of endless connections; v6 by the last argument. */
struct dialogue rig_talk(uint8_t proto, unsigned n, bool v6);

/* A packet of the talk as it would come now; the client's when dir is 0. */
struct packet rig_packet(const struct rig *r, const struct dialogue *t, unsigned dir);

void rig_feed(struct rig *r, const struct packet *p);
void rig_feed_waiting(struct rig *r);
void rig_play(struct rig *r, const char *script);

/* Feeds the rest and ends all; every invariant and sum is checked. */
void rig_end(struct rig *r);

/* What is in the table of the talk, without ending it; NULL: nothing. */
const struct flow *rig_now(struct rig *r, const struct dialogue *t);

unsigned rig_count(const struct rig *r, enum flow_event e);

/* Plays a script in a fresh rig and gives its rows; the caller frees the rig. */
struct rig *rig_of(const char *script);

#endif
