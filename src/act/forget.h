/*
 * forget — connection tracking's entry is deleted. That ends no connection: its next
 * packet makes a new entry (unless rules refuse what does not begin with a SYN).
 */
#ifndef KONN_ACT_FORGET_H
#define KONN_ACT_FORGET_H

#include "act/result.h"
#include "source/conntrack_socket.h"

/*
 * Deletes the entry by tuple, zone and id, then asks for it once more. No dump may be
 * under way on the socket. Needs CAP_NET_ADMIN. The result's local side is the
 * originator.
 */
void forget_entry(struct conntrack_socket *socket, const struct conntrack *ct,
	const struct conntrack_fact *fact, struct act_result *out);

#endif
