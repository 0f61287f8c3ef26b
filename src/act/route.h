/*
 * route — by which interface and to which link address an end is reached, for packets
 * that are sent past netfilter (a packet socket: no rule drops them, no NAT rewrites
 * them).
 */
#ifndef KONN_ACT_ROUTE_H
#define KONN_ACT_ROUTE_H

#include <linux/if_packet.h>
#include <stddef.h>

#include "core/addr.h"

/* A descriptor for route_find, or -errno; owned by the caller. Needs no privilege. */
int route_open(void);

/*
 * Where packets to `to` go from this namespace; for sendto() on a SOCK_DGRAM packet
 * socket. -EAGAIN: the neighbour's link address is not known yet; with CAP_NET_ADMIN
 * the kernel was asked to find it, try again in some milliseconds. -ENETUNREACH and
 * the like: no route. -EOPNOTSUPP: `to` is an address of this machine.
 */
int route_find(
	int fd, const struct addr *to, enum family family, struct sockaddr_ll *out);

/* Sends a whole IP packet there on a packet socket. 0 or -errno. */
int route_send(
	int packet_fd, const struct sockaddr_ll *to, const void *bytes, size_t len);

#endif
