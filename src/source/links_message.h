/*
 * links_message — interfaces as rtnetlink(7) bytes: requests, and facts out of answers
 * and events. No descriptor is touched: whoever holds one passes the bytes on.
 */
#ifndef KONN_SOURCE_LINKS_MESSAGE_H
#define KONN_SOURCE_LINKS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/link_fact.h"

#define LINKS_REQUEST_BYTES 32

/* The kernel puts up to 32 KiB into a datagram and cuts what does not fit. */
#define LINKS_RECEIVE_BYTES (32u * 1024)

enum links_query {
	LINKS_EVERYTHING, /* all that a fact has: 6 us an interface */
	LINKS_COUNTERS,   /* ifindex, rx and tx only: 0.6 us an interface (Linux 4.7) */
};

struct links_sink {
	void *ctx;
	/* The fact is valid during the call only. */
	void (*tell)(void *ctx, const struct link_fact *fact);
};

/* What was not as it should be; only grows. */
struct links_status {
	uint64_t facts;       /* told */
	uint64_t malformed;   /* messages that contradict themselves */
	uint64_t interrupted; /* messages of a list that changed meanwhile: ask again */
	uint64_t truncated;   /* datagrams that were cut: ask again */
	uint64_t overruns;    /* times that the receive buffer was full: ask again */
	uint64_t foreign;     /* datagrams that are not the kernel's: ignored */
};

struct links_parser {
	uint64_t netns;     /* copied into each fact */
	uint32_t serial;    /* of the request that is answered; 0: events */
	struct buf scratch; /* owned; for cleaning names */
	struct links_status status;
};

void links_parser_done(struct links_parser *parser);

/* Writes the request for a dump (its length is returned). */
size_t links_message_request(enum links_query query, uint32_t serial,
	uint8_t out[static LINKS_REQUEST_BYTES]);

/*
 * Tells the interfaces in one datagram (hostile bytes, aligned to 4). 1: more will
 * come; 0: the dump ended; -errno: the kernel refused or gave up. Events give 1 always.
 */
int links_message_parse(struct links_parser *parser, const void *bytes, size_t len,
	const struct links_sink *sink);

#endif
