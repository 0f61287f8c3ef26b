/*
 * sockets — the kernel's TCP and UDP sockets by sock_diag(7): tables as dumps, the end
 * of sockets as events.
 *
 * Needs no privilege. Everything speaks of the namespace in which the descriptor was
 * opened. IPv4 talks of IPv6 sockets come with the IPv6 tables and are told as IPv4.
 *
 * Costs of a dump, measured: 1.0 to 1.4 us a socket in the kernel, and a walk over the
 * hash table of all namespaces together (0.3 to 10 ms) even if nothing is found; only
 * listening ones: 0.03 ms. Nothing here waits, but sockets_list and sockets_dump.
 */
#ifndef KONN_SOURCE_SOCKETS_H
#define KONN_SOURCE_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/sockets_message.h"

/* Dumps on one descriptor, one after the other. */
struct sockets {
	int fd;       /* owned, non-blocking; readable while a dump is under way; -1 */
	bool running; /* a dump was asked for and has not ended */
	struct sockets_parser parser;
};

/* Opens a descriptor in this namespace; `netns` is copied into each fact. 0, -errno. */
int sockets_open(struct sockets *s, uint64_t netns);

/* The same on a descriptor that somebody else opened; it is owned from here on. */
void sockets_adopt(struct sockets *s, int fd, uint64_t netns);

void sockets_close(struct sockets *s);

/*
 * Begins a dump; the kernel does the first part of it in here (up to 0.1 ms). -EBUSY
 * while another one runs: finish it, or close. Else 0 or -errno.
 */
int sockets_ask(struct sockets *s, const struct sockets_query *query);

/*
 * Tells the sockets of one datagram (some 70, 0.1 ms). 1: the dump goes on; 0: it
 * ended; -EAGAIN: nothing came yet; -ENOENT: this kernel has no such table; else
 * -errno, and the dump is over.
 */
int sockets_receive(struct sockets *s, const struct sockets_sink *sink);

/* One dump from beginning to end; waits for it. 0 or -errno (-ENOENT as above). */
int sockets_dump(struct sockets *s, const struct sockets_query *query,
	const struct sockets_sink *sink);

/*
 * All of sockets_tables, in those states (SOCKETS_STATE() bits). Waits. A table that
 * the kernel does not have is left out; -ENOENT if it has none of them.
 */
int sockets_list(struct sockets *s, uint32_t states, uint8_t details,
	const struct sockets_sink *sink);

/*
 * How long from the start of one round of dumps to the next: what the user wants, but
 * no more than a twentieth of the time is for dumping (`cost_ns`: of the last round).
 */
uint64_t sockets_period_ns(uint64_t wanted_ns, uint64_t cost_ns);

/* ---- events ---- */

/* 68,000 deaths fit (the kernel doubles it); it holds memory only while they wait. */
#define SOCKETS_EVENTS_BYTES (32u << 20)

struct sockets_events {
	int fd; /* owned, non-blocking; readable when there are any; -1 */
	struct sockets_parser parser; /* .status.overruns: times that some were lost */
};

/*
 * Subscribes to the deaths of sockets from now on. `buffer_bytes` of receive buffer are
 * given in full only with CAP_NET_ADMIN. 0 or -errno.
 */
int sockets_events_open(
	struct sockets_events *events, uint64_t netns, uint32_t buffer_bytes);

/* On a descriptor that was subscribed elsewhere; it is owned from here on. */
void sockets_events_adopt(struct sockets_events *events, int fd, uint64_t netns);

void sockets_events_close(struct sockets_events *events);

/*
 * Tells what came so far, 4096 at most; never waits. 1: there may be more; 0: that was
 * all; -errno. When status.overruns grows, the next round of dumps tells who is gone.
 */
int sockets_events_read(struct sockets_events *events, const struct sockets_sink *sink);

#endif
