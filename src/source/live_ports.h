/* live_ports — the interfaces of a live capture: which are wanted, open, gone,
 * replaced. */
#ifndef KONN_SOURCE_LIVE_PORTS_H
#define KONN_SOURCE_LIVE_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/capture_filter.h"
#include "source/link.h"
#include "source/live.h"
#include "source/ring.h"

#define LIVE_PORTS_MOST 4096 /* interfaces that are ever captured on */
#define LIVE_FILTERS    8    /* one for each link type of link_linktype() */

struct port {
	struct ring ring[2]; /* [0] receives; [1] is stopped, and read to its end */
	uint64_t drops;      /* of rings that were closed */
	uint64_t link_drops; /* of the device since it was opened */
	uint64_t link_drops_start; /* the device's own count then */
	bool link_drops_known;
	bool growth_tried;
	bool loopback;
	bool listed; /* while listing anew: it is still there */
};

struct live_ports {
	struct source_interface *interfaces; /* owned; beside ports */
	struct port *ports;                  /* owned */
	unsigned count, cap;

	struct link_watch links;
	int epoll_fd; /* owned: all rings and the link events */

	struct capture_filter filters[LIVE_FILTERS];
	unsigned filter_count;

	char **names; /* owned; wanted ones */
	unsigned name_count;
	bool all;                /* whatever is up */
	char *bpf;               /* owned or NULL */
	struct live_setup setup; /* names and bpf are not used: those above are */
	bool draining;
};

/* Opens what the setup asks for; errors as live_source_open. */
int live_ports_open(
	struct live_ports *live, const struct live_setup *setup, struct err *err);
void live_ports_close(struct live_ports *live);

/* Its parts that live with the ports: 0 or -errno (and *err). */
int live_ports_watch_links(struct live_ports *live);
int live_ports_start(struct live_ports *live, const struct link *links, unsigned count,
	struct err *err);

/*
 * Follows the links, clears errors, grows rings that lost packets or were cramped,
 * closes read ones. Takes the edges of epoll_fd: look at all rings after it, before
 * waiting.
 */
void live_ports_tend(struct live_ports *live);

/* Stops all rings; true in live_ports_finished once everything was read. */
void live_ports_stop(struct live_ports *live);
bool live_ports_finished(const struct live_ports *live);

/* Reads the kernel's counts of losses. */
void live_ports_count(struct live_ports *live, struct source_counters *out);

/* Fails with exit 69 and the nearest names when a wanted name is none of `links`. */
int live_names_check(const struct live_ports *live, const struct link *links,
	unsigned count, struct err *err);

#endif
