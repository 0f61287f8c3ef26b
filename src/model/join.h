/*
 * join — which sockets are the ends of a row.
 *
 * Sockets and packets are of one connection when their keys are equal. In one pass over
 * all rows each socket that has a peer is part of one row only: of its packets', else
 * of one with the socket at the other end, if that is here too.
 */
#ifndef KONN_MODEL_JOIN_H
#define KONN_MODEL_JOIN_H

#include "model/column.h"

/*
 * Sets the ends of a row that has packets. Datagrams of a socket that is not connected
 * have that socket at their end, which stays a row of its own.
 */
void join_flow(struct socket_table *t, struct row *r);

/* Makes the row of a socket without packets. */
void join_socket(struct socket_table *t, struct socket_entry *e, struct row *r);

/* The entry of that number if it was not part of a row in this pass; else NULL. */
struct socket_entry *join_next(const struct socket_table *t, uint32_t number);

#endif
