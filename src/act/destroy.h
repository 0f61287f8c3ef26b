/*
 * destroy — the kernel aborts a socket of this machine (SOCK_DESTROY of sock_diag(7)).
 *
 * Needs CAP_NET_ADMIN over the namespace in which the descriptor was opened. The
 * cookie goes with every request, so that a later socket with the same addresses is
 * never hit. Nothing here waits: the kernel answers while it is asked (7 to 90 us, and
 * 0.3 to 10 ms to look through the table afterwards).
 *
 * What the program and the peer notice: a TCP connection is reset, and its program gets
 * ECONNABORTED behind what it had not read; accept() on a listening socket fails with
 * EINVAL; TIME-WAIT vanishes; a UDP socket gives one error and, if it was bound, stays.
 * The peer of a FIN-WAIT-2 without a program hears nothing.
 */
#ifndef KONN_ACT_DESTROY_H
#define KONN_ACT_DESTROY_H

#include "act/result.h"
#include "core/socket_fact.h"

/* A descriptor for destroy_socket, or -errno. Owned by the caller; close() it. */
int destroy_open(void);

/* Aborts the socket of this fact (its cookie, addresses, protocol), then looks again.
 */
void destroy_socket(int fd, const struct socket_fact *fact, struct act_result *out);

#endif
