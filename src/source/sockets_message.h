/*
 * sockets_message — sock_diag(7) as bytes: requests for a table, and facts out of
 * answers. No descriptor is touched: whoever holds one passes the bytes on.
 */
#ifndef KONN_SOURCE_SOCKETS_MESSAGE_H
#define KONN_SOURCE_SOCKETS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "core/socket_fact.h"

#define SOCKETS_REQUEST_BYTES 72

/*
 * The kernel makes datagrams as long as the largest buffer that was offered before, up
 * to 32 KiB (netlink_recvmsg in net/netlink/af_netlink.c), and cuts what does not fit:
 * all who read from one descriptor offer this.
 */
#define SOCKETS_RECEIVE_BYTES (32u * 1024)

#define SOCKETS_STATE(state_) (1u << (state_)) /* of enum tcp_state */
#define SOCKETS_EVERY_STATE   ((1u << TCP_STATE_COUNT) - 2)

enum sockets_details { /* bits: what is asked for beyond addresses, queues and owner */
	SOCKETS_TCP = 1,        /* tcp */
	SOCKETS_CONGESTION = 2, /* congestion, cc */
	SOCKETS_MEMORY = 4,     /* memory */
	SOCKETS_TOS = 8,        /* tos, tclass */
	SOCKETS_ALL_DETAILS = 15,
};

/* One table of the kernel and what is wanted of it. */
struct sockets_query {
	uint8_t family; /* FAMILY_V4 or FAMILY_V6 */
	uint8_t proto; /* PROTO_TCP, PROTO_UDP; PROTO_UDPLITE on kernels that have it */
	uint8_t details; /* enum sockets_details */
	uint32_t states; /* SOCKETS_STATE() bits */
};

/* TCP and UDP of IPv4 and IPv6, everything of them. */
#define SOCKETS_TABLES 4
extern const struct sockets_query sockets_tables[SOCKETS_TABLES];

struct sockets_sink {
	void *ctx;
	/* The fact is valid during the call only. */
	void (*tell)(void *ctx, const struct socket_fact *fact);
};

/* What was not as it should be; only grows. Facts are complete if none of it did. */
struct sockets_status {
	uint64_t facts;       /* told */
	uint64_t malformed;   /* messages or attributes that contradict themselves */
	uint64_t interrupted; /* messages of a table that changed meanwhile: dump again
			       */
	uint64_t truncated;   /* datagrams that were cut: dump again */
	uint64_t overruns;    /* times that the receive buffer was full: dump again */
	uint64_t foreign;     /* datagrams that are not the kernel's: ignored */
};

struct sockets_parser {
	uint64_t netns;  /* copied into each fact */
	uint32_t serial; /* of the request that is answered; messages of others: ignored
			  */
	uint8_t proto;   /* of that request; 0: of events, which say it themselves */
	struct sockets_status status;
};

/* Writes the request for a dump; `serial` comes back with each answer. */
void sockets_message_request(const struct sockets_query *query, uint32_t serial,
	uint8_t out[SOCKETS_REQUEST_BYTES]);

/*
 * Tells the sockets in one datagram (hostile bytes). 1: more will come; 0: the dump
 * ended; -errno: the kernel refused or gave up (-ENOENT: it has no such table). Events
 * give 1 always.
 */
int sockets_message_parse(struct sockets_parser *parser, const void *bytes, size_t len,
	const struct sockets_sink *sink);

#endif
