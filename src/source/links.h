/*
 * links — the network interfaces of a namespace with their counters, and what happens
 * to them, by rtnetlink(7). For capturing there is source/link.h.
 *
 * Needs no privilege. Everything speaks of the namespace in which the descriptor was
 * opened. Nothing here waits, but links_dump.
 */
#ifndef KONN_SOURCE_LINKS_H
#define KONN_SOURCE_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "source/links_message.h"

/* Dumps one after the other, or events; not both on one descriptor. */
struct links {
	int fd;       /* owned, non-blocking; readable when something came; -1 */
	bool running; /* a dump was asked for and has not ended */
	uint32_t serial;
	struct links_parser parser;
};

/* `netns` is copied into each fact. 0 or -errno. */
int links_open(struct links *l, uint64_t netns);
/* Subscribed to changes (RTNLGRP_LINK) from now on. */
int links_open_events(struct links *l, uint64_t netns);
/* On a descriptor that somebody else opened (and subscribed); it is owned from here on.
 */
void links_adopt(struct links *l, int fd, uint64_t netns);
void links_close(struct links *l);

/* Begins a dump. -EBUSY while another one runs, else 0 or -errno. */
int links_ask(struct links *l, enum links_query query);

/*
 * Tells the interfaces of one datagram. 1: the dump goes on (events: there may be
 * more); 0: it ended; -EAGAIN: nothing came yet; -ENOBUFS: events were lost, dump
 * everything; else -errno, and the dump is over.
 */
int links_receive(struct links *l, const struct links_sink *sink);

/*
 * A dump from beginning to end; waits for it. 0 or -errno. Interrupted by a change when
 * parser.status.interrupted has grown: interfaces may be missing or told twice.
 */
int links_dump(struct links *l, enum links_query query, const struct links_sink *sink);

/*
 * Speed and duplex of one interface, from its driver (ioctl); any socket of the
 * namespace does as `fd`. 0, also when the driver does not say; -ENODEV; -errno.
 */
int links_speed(int fd, uint32_t ifindex, struct link_speed *out);

#endif
