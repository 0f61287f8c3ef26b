/* live — frames from network interfaces through TPACKET_V3 rings. */
#ifndef KONN_SOURCE_LIVE_H
#define KONN_SOURCE_LIVE_H

#include <stddef.h>

#include "source/source.h"

/*
 * So long after its stamp a frame may be handed out: it waits until no other interface
 * can still have an older one. (With one interface: RING_BLOCK_TIMEOUT_MS.)
 */
#define LIVE_LAG_MS 100

struct live_setup {
	const char *const *names; /* interfaces; "any" = all that are up. Borrowed */
	unsigned count;   /* 0: all that are up, loopback too; bond/team slaves not */
	const char *bpf;  /* tcpdump expression, or NULL */
	unsigned snaplen; /* 0: konn's own (256 B, more where names and requests are) */
	size_t ring_bytes;   /* of each interface at most; 0: 2 MiB */
	size_t budget_bytes; /* of all rings together; rings shrink to fit */
	bool promisc;
	/* An unbound AF_PACKET SOCK_RAW socket (the helper makes it); -1 and *err on
	 * failure. */
	int (*capture_socket)(void *ctx, struct err *err);
	void *ctx;
};

/*
 * Fails with exit 69 and the nearest names for an unknown interface, 77 and the exact
 * setcap or sudo command without permission, 64 and a caret for a bad filter.
 */
int live_source_open(
	const struct live_setup *setup, struct source *out, struct err *err);

/*
 * Stops receiving. `next` goes on to hand out all that was received, at times
 * SOURCE_IDLE for at most 60 ms (wait on fds until due_ns), then says SOURCE_END.
 */
void live_source_drain(struct source *source);

#endif
