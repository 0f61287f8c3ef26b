/*
 * conntrack_socket — ctnetlink's sockets for a process that may open them itself
 * (CAP_NET_ADMIN over the namespace it is in; the sockets stay in that namespace).
 */
#ifndef KONN_SOURCE_CONNTRACK_SOCKET_H
#define KONN_SOURCE_CONNTRACK_SOCKET_H

#include <stddef.h>

#include "source/conntrack.h"

/*
 * Receive buffer for events. 50,000 entries made and destroyed within a second were all
 * told, with a dump of 50,000 others under way; on a busy machine one such burst
 * overran. The kernel takes the memory only while events wait.
 */
#define CONNTRACK_EVENT_BYTES (8u * 1024 * 1024)

/* Both non-blocking and owned; -1: closed. Poll both for reading. */
struct conntrack_socket {
	int dump_fd, event_fd;
};

/*
 * Opens both, already subscribed; with event_bytes 0 only the dump socket. The buffer
 * is forced, or else as large as the system allows. 0; -EPERM; -EPROTONOSUPPORT for a
 * kernel without nfnetlink; another -errno. Whether conntrack is there shows only the
 * first dump.
 */
int conntrack_socket_open(struct conntrack_socket *s, size_t event_bytes);
void conntrack_socket_close(struct conntrack_socket *s);

/* Begins a dump. 0 or -errno. About 2.4 us an entry follow (conntrack_pace.h). */
int conntrack_socket_dump(struct conntrack_socket *s, struct conntrack *ct);

/*
 * Reads at most `most` datagrams (about 100 entries, 0.3 ms each) of the dump under
 * way, never waits. 1 while it goes on, else as conntrack_read_dump; an -errno has
 * abandoned it.
 */
int conntrack_socket_receive(
	struct conntrack_socket *s, struct conntrack *ct, unsigned most);

/*
 * Reads at most `most` events, never waits. 1 when more may be there, 0 when there are
 * none, -errno. An overrun is no error: it is in the status.
 */
int conntrack_socket_events(
	struct conntrack_socket *s, struct conntrack *ct, unsigned most);

/*
 * One whole dump at once: waits, at most 5 s for each datagram (-ETIMEDOUT). Events
 * that come meanwhile are told as well. 0 also for a dump that was damaged: see
 * status.stale.
 */
int conntrack_socket_list(struct conntrack_socket *s, struct conntrack *ct);

/*
 * Both wait for the answer, at most 5 s, and use the dump socket: -EBUSY while `ct` is
 * dumping there. (Another struct conntrack_socket without events serves as well.)
 */
int conntrack_socket_delete(struct conntrack_socket *s, const struct conntrack *ct,
	const struct conntrack_fact *fact);
int conntrack_socket_cpus(struct conntrack_socket *s, const struct conntrack *ct,
	conntrack_cpu_fn *tell, void *ctx);

#endif
