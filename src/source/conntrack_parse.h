/* conntrack_parse — one ctnetlink message's attributes into a fact. Pure. */
#ifndef KONN_SOURCE_CONNTRACK_PARSE_H
#define KONN_SOURCE_CONNTRACK_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cur.h"
#include "core/conntrack_fact.h"

/* A netlink attribute; flags of the type are cut off. */
struct netlink_attr {
	uint16_t type;
	struct cur body;
};

/*
 * Takes the next attribute; false at the end or at one whose length is impossible (then
 * nothing behind it can be trusted).
 */
static inline bool netlink_attr_next(struct cur *c, struct netlink_attr *out)
{
	uint16_t
		head[2]; /* length with these four bytes, type; the host's byte order */
	size_t len;

	if (cur_left(c) < sizeof(head))
		return false;
	cur_copy(c, head, sizeof(head));
	if (head[0] < sizeof(head) || head[0] - sizeof(head) > cur_left(c))
		return false;
	len = head[0] - sizeof(head);
	out->type = head[1] & 0x3fff; /* NLA_TYPE_MASK */
	out->body = cur_of(c->at, len);
	/* the last attribute's padding may be missing */
	cur_skip(c, len + (-len & 3) < cur_left(c) ? len + (-len & 3) : cur_left(c));
	return true;
}

/*
 * Reads the attributes behind struct nfgenmsg. Sets tuples, has and what has says; the
 * rest of *out is 0. False when the tuples are not whole: *out is then not to be used.
 * An attribute that is too short counts as missing.
 */
bool conntrack_parse(const void *attributes, size_t len, struct conntrack_fact *out);

/* Counters of one CPU, for this namespace; 32 bits each, and they wrap. */
struct conntrack_cpu {
	uint32_t cpu;
	uint32_t has; /* bit 1 << CTA_STATS_*; what a kernel no longer counts is missing
		       */
	uint32_t found, invalid, insert, insert_failed, drop, early_drop, error;
	uint32_t search_restart, clash_resolve, chain_too_long;
};

/* Reads the attributes of an IPCTNL_MSG_CT_GET_STATS_CPU answer. */
void conntrack_parse_cpu(const void *attributes, size_t len, struct conntrack_cpu *out);

#endif
