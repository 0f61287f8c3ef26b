/* update — one packet into its (full) flow. */
#ifndef KONN_FLOW_UPDATE_H
#define KONN_FLOW_UPDATE_H

#include "flow/pool.h"

#define TAKEOVER_NS 1000000000ull /* another interface counts after such a silence */
#define MIRROR_NS   1000000u      /* a mirror's copy comes within */

/* A full flow's first packet: key, orientation, path. The packet itself is not counted
 * yet. */
void update_begin(struct flow_table *t, struct flow *f, const struct packet *p);

/*
 * True for a packet that was counted already: another interface carried it first, or a
 * mirror shows it twice. It is noted and must change nothing else.
 */
bool update_is_copy(struct flow_table *t, uint32_t ref, const struct packet *p);

/*
 * True for nearly all that are no copies: one interface, and another IP id than that
 * side's last packet or, without ids, no data or the next data in order.
 */
static inline bool update_is_new(
	const struct flow_table *t, uint32_t ref, const struct packet *p)
{
	if (t->merge_interfaces)
		return false;
	if (p->ip_id)
		return p->ip_id != pool_full(t, ref)->side[p->dir].last_ip_id;
	return p->kind != PACKET_TCP || !p->payload_len ||
	       p->seq == pool_tcp(t, ref)->side[p->dir].loss.next;
}

/* Counters, rates, details, states; gives the events. */
void update_flow(struct flow_table *t, uint32_t ref, const struct packet *p);

/* An ICMP error that quotes the flow. */
void update_icmp_error(struct flow_table *t, uint32_t ref, const struct packet *p);

#endif
