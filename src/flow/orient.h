/* orient — who opened a connection whose first packets were not seen, or carry no SYN.
 */
#ifndef KONN_FLOW_ORIENT_H
#define KONN_FLOW_ORIENT_H

#include "core/services.h"
#include "flow/flow.h"

/*
 * Direction of the originator, told by the first packet seen. *out_certain is set when
 * the packet itself says it (SYN, SYN-ACK, ICMP request or reply), else it is a rule:
 * the side whose port is no service when the other's is; else the sender. `services`
 * may be NULL.
 */
unsigned orient(
	const struct packet *p, const struct services *services, bool *out_certain);

/* True for a request or a reply: the message itself tells who began. */
bool orient_icmp_certain(uint8_t proto, uint8_t type);

#endif
