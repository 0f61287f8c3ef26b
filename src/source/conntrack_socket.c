#include "source/conntrack_socket.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS   5000
#define EVENTS_A_TURN 4096 /* or the buffer runs over while the dump goes on */
#define PIECES_A_TURN 4
/* Serials of what is no dump; generations count up from 1. */
#define SERIAL_OTHER 0xfffffff0u

/* One datagram; a netlink message's numbers are aligned to 4. */
struct datagram {
	_Alignas(8) uint8_t bytes[CONNTRACK_RECEIVE_BYTES];
	size_t len;
	bool cut;
};

static int open_socket(uint32_t groups)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(
		AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	int r;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&self, sizeof(self)) == 0)
		return fd;
	r = -errno;
	(void)close(fd); /* unused */
	return r;
}

/*
 * A big buffer, and a new dump when it overflows all the same. NETLINK_BROADCAST_ERROR
 * would make the kernel repeat every DESTROY until it is read, but keeps the dead entry
 * for so long: with a reader that was stopped, 20,000 destroyed entries still counted
 * against nf_conntrack_max. A monitor must not fill the table of what it watches.
 */
static void set_buffer(int fd, size_t bytes)
{
	/* The kernel doubles it, for its own bookkeeping. */
	int half = bytes / 2 < INT32_MAX / 2 ? (int)(bytes / 2) : INT32_MAX / 2;

	/* Without CAP_NET_ADMIN at most net.core.rmem_max: less is lost the later. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &half, sizeof(half)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &half, sizeof(half));
}

int conntrack_socket_open(struct conntrack_socket *s, size_t event_bytes)
{
	int r;

	*s = (struct conntrack_socket){-1, -1};
	if (event_bytes) {
		s->event_fd = open_socket(NF_NETLINK_CONNTRACK_NEW |
					  NF_NETLINK_CONNTRACK_UPDATE |
					  NF_NETLINK_CONNTRACK_DESTROY);
		if (s->event_fd < 0)
			return s->event_fd;
		set_buffer(s->event_fd, event_bytes);
	}
	s->dump_fd = open_socket(0);
	if (s->dump_fd >= 0)
		return 0;
	r = s->dump_fd;
	conntrack_socket_close(s);
	return r;
}

void conntrack_socket_close(struct conntrack_socket *s)
{
	if (s->dump_fd >= 0)
		(void)close(s->dump_fd); /* nothing is buffered */
	if (s->event_fd >= 0)
		(void)close(s->event_fd); /* only read */
	s->dump_fd = s->event_fd = -1;
}

/* Never waits; 0, -EAGAIN, -ENOBUFS… What other processes send is thrown away. */
static int receive(int fd, struct datagram *d)
{
	struct sockaddr_nl from;
	struct iovec part = {d->bytes, sizeof(d->bytes)};
	struct msghdr message;
	ssize_t got;

	do {
		from = (struct sockaddr_nl){0};
		message = (struct msghdr){.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &part,
			.msg_iovlen = 1};
		got = recvmsg(fd, &message, 0);
	} while ((got < 0 && errno == EINTR) || (got >= 0 && from.nl_pid != 0));
	if (got < 0)
		return -errno;
	d->len = (size_t)got;
	d->cut = (message.msg_flags & MSG_TRUNC) != 0;
	return 0;
}

static int send_request(int fd, const struct conntrack_request *ask)
{
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t sent;

	do
		sent = sendto(fd, ask->bytes, ask->len, 0,
			(const struct sockaddr *)&kernel, sizeof(kernel));
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int conntrack_socket_dump(struct conntrack_socket *s, struct conntrack *ct)
{
	struct conntrack_request ask;
	int r;

	if (ct->status.dumping)
		return -EBUSY;
	conntrack_dump_begin(ct);
	conntrack_dump_request(ct->status.generation, &ask);
	r = send_request(s->dump_fd, &ask);
	if (r < 0)
		conntrack_dump_abandon(ct);
	return r;
}

int conntrack_socket_receive(
	struct conntrack_socket *s, struct conntrack *ct, unsigned most)
{
	struct datagram d;
	int r = 1;

	while (r > 0 && most-- > 0) {
		r = receive(s->dump_fd, &d);
		if (r == -EAGAIN)
			return 1;
		if (r < 0) {
			conntrack_dump_abandon(ct);
			return r;
		}
		r = conntrack_read_dump(ct, d.bytes, d.len, d.cut);
	}
	return r;
}

int conntrack_socket_events(
	struct conntrack_socket *s, struct conntrack *ct, unsigned most)
{
	struct datagram d;
	int r;

	while (most-- > 0) {
		r = receive(s->event_fd, &d);
		if (r == 0) {
			conntrack_read_events(ct, d.bytes, d.len, d.cut);
		} else if (r == -ENOBUFS) {
			conntrack_lost(ct);
		} else if (r == -EAGAIN) {
			conntrack_drained(ct);
			return 0;
		} else {
			return r;
		}
	}
	return 1;
}

static int wait_readable(struct conntrack_socket *s)
{
	struct pollfd fds[] = {{.fd = s->dump_fd, .events = POLLIN},
		{.fd = s->event_fd, .events = POLLIN}}; /* -1 is left out */
	int r;

	do
		r = poll(fds, 2, PATIENCE_MS);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

int conntrack_socket_list(struct conntrack_socket *s, struct conntrack *ct)
{
	int r = conntrack_socket_dump(s, ct);

	if (r < 0)
		return r;
	do {
		r = wait_readable(s);
		if (r < 0) {
			conntrack_dump_abandon(ct);
			return r;
		}
		if (s->event_fd >= 0)
			r = conntrack_socket_events(s, ct, EVENTS_A_TURN);
		if (r >= 0)
			r = conntrack_socket_receive(s, ct, PIECES_A_TURN);
	} while (r > 0);
	return r;
}

/* Sends and gets the first datagram of the answer. */
static int ask(struct conntrack_socket *s, const struct conntrack *ct,
	const struct conntrack_request *request, struct datagram *d)
{
	int r;

	if (ct->status.dumping)
		return -EBUSY;
	do /* what is left of a dump that was abandoned */
		r = receive(s->dump_fd, d);
	while (r == 0);
	if (r != -EAGAIN)
		return r;
	return send_request(s->dump_fd, request);
}

static int answer(struct conntrack_socket *s, struct datagram *d)
{
	struct conntrack_socket only = {s->dump_fd, -1};
	int r = wait_readable(&only);

	if (r == 0)
		r = receive(s->dump_fd, d);
	return r == -EAGAIN ? 1 : r; /* what woke us was not the kernel's */
}

int conntrack_socket_delete(struct conntrack_socket *s, const struct conntrack *ct,
	const struct conntrack_fact *fact)
{
	struct conntrack_request request;
	struct datagram d;
	int r;

	if (!conntrack_delete_request(fact, SERIAL_OTHER, &request))
		return -EINVAL;
	r = ask(s, ct, &request, &d);
	if (r < 0)
		return r;
	do {
		r = answer(s, &d);
		if (r == 0)
			r = conntrack_read_ack(d.bytes, d.len, SERIAL_OTHER);
	} while (r > 0);
	return r;
}

int conntrack_socket_cpus(struct conntrack_socket *s, const struct conntrack *ct,
	conntrack_cpu_fn *tell, void *ctx)
{
	struct conntrack_request request;
	struct datagram d;
	int r;

	conntrack_cpu_request(SERIAL_OTHER, &request);
	r = ask(s, ct, &request, &d);
	if (r < 0)
		return r;
	do {
		r = answer(s, &d);
		if (r == 0)
			r = conntrack_read_cpu(d.bytes, d.len, SERIAL_OTHER, tell, ctx);
	} while (r > 0);
	return r;
}
