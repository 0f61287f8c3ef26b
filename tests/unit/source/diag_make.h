/* diag_make — datagrams as sock_diag(7) sends them, for the tests of their parser. */
#ifndef KONN_TESTS_DIAG_MAKE_H
#define KONN_TESTS_DIAG_MAKE_H

#include <linux/inet_diag.h>
#include <stddef.h>
#include <stdint.h>

#include "source/sockets_message.h"

#define DIAG_SERIAL 7 /* of the request that is answered */

struct diag_told {
	unsigned count;
	struct socket_fact last;
};

/* A datagram under construction; a zeroed one is empty. */
struct diag_datagram {
	uint8_t bytes[4096];
	size_t len, message;
};

/* Begins a message; what follows belongs to it. */
void diag_begin(
	struct diag_datagram *m, uint16_t type, uint16_t flags, uint32_t serial);
void diag_body(struct diag_datagram *m, const void *bytes, size_t len);
void diag_attribute(
	struct diag_datagram *m, uint16_t type, const void *bytes, size_t len);

/* An established socket of user 1000 with inode 4711; 10 bytes to read, 20 to send. */
struct inet_diag_msg diag_socket(
	const char *local, uint16_t port, const char *peer, uint16_t peer_port);

/* A message about it: without attributes; with the one that only sockets have. */
void diag_message(
	struct diag_datagram *m, const struct inet_diag_msg *s, uint32_t serial);
void diag_whole(struct diag_datagram *m, const struct inet_diag_msg *s);

/* Parses in memory of just that size, so that a read beyond it is seen. */
int diag_parse(
	struct sockets_parser *p, const void *bytes, size_t len, struct diag_told *t);

/* The fact of a datagram with one sound message; proto 0: an event. */
struct socket_fact diag_fact(const struct diag_datagram *m, uint8_t proto);

#endif
