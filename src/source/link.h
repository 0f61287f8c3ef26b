/* link — the network interfaces of this namespace and what happens to them (rtnetlink).
 */
#ifndef KONN_SOURCE_LINK_H
#define KONN_SOURCE_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct link {
	uint32_t ifindex;
	uint32_t flags;  /* IFF_* */
	uint16_t arphrd; /* ARPHRD_* */
	bool slave;      /* of a bond or team: its packets are seen on the master too */
	bool gone;       /* deleted, or moved to another namespace */
	char name[IFNAMSIZ]; /* as the kernel has it; chosen by whoever made it */
	uint64_t drops;      /* rx_dropped + rx_missed + rx_over since it was made */
	bool drops_known;
};

typedef void link_fn(void *ctx, const struct link *link);

struct link_watch {
	int query_fd, event_fd; /* owned; -1: closed */
	uint32_t serial;
};

/* Subscribes to changes. 0 or -errno. Needs no privilege. */
int link_watch_open(struct link_watch *watch);
void link_watch_close(struct link_watch *watch);

/* Tells all interfaces. 0 or -errno. */
int link_watch_list(struct link_watch *watch, link_fn *tell, void *ctx);

/*
 * Tells the changes that came so far; never waits. -ENOBUFS: some were lost, list again
 * (which does not tell what is gone). Readable: watch->event_fd.
 */
int link_watch_read(struct link_watch *watch, link_fn *tell, void *ctx);

/* LINKTYPE_* of the frames that a SOCK_RAW socket gets there; 0: konn cannot read them.
 */
uint16_t link_linktype(uint16_t arphrd);

#endif
