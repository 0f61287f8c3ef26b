#include "source/sockets.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DUMP_COST_SHARE    20 /* at most one part in so many is for dumping */
#define EVENTS_AT_ONCE     4096
#define EVENT_BYTES        2048 /* 0.5 KiB with Linux 6.18's tcp_info */
#define ANSWER_PATIENCE_MS 10000

static int open_socket(const struct sockaddr_nl *self)
{
	int fd = socket(
		AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
	int r;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)self, sizeof(*self)) == 0)
		return fd;
	r = -errno;
	(void)close(fd); /* unused */
	return r;
}

static void close_socket(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* only read */
	*fd = -1;
}

/*
 * Receives one datagram and counts what is wrong with it. Its length, 0 for one to
 * ignore, or -errno. Only the kernel has port 0.
 */
static ssize_t receive(
	int fd, struct sockets_status *status, uint8_t *buffer, size_t size)
{
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t got;

	do
		got = recvfrom(fd, buffer, size, MSG_TRUNC, (struct sockaddr *)&from,
			&from_len);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (from_len != sizeof(from) || from.nl_pid != 0) {
		status->foreign++;
		return 0;
	}
	if ((size_t)got <= size)
		return got;
	status->truncated++;
	return (ssize_t)size;
}

/* ---- dumps ---- */

void sockets_adopt(struct sockets *s, int fd, uint64_t netns)
{
	*s = (struct sockets){.fd = fd, .parser = {.netns = netns}};
}

int sockets_open(struct sockets *s, uint64_t netns)
{
	const struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	int fd = open_socket(&self);

	sockets_adopt(s, fd < 0 ? -1 : fd, netns);
	return fd < 0 ? fd : 0;
}

void sockets_close(struct sockets *s)
{
	close_socket(&s->fd);
	s->running = false;
}

int sockets_ask(struct sockets *s, const struct sockets_query *query)
{
	uint8_t request[SOCKETS_REQUEST_BYTES];

	if (s->running)
		return -EBUSY;
	s->parser.serial++;
	s->parser.proto = query->proto;
	sockets_message_request(query, s->parser.serial, request);
	if (send(s->fd, request, sizeof(request), 0) < 0)
		return -errno;
	s->running = true;
	return 0;
}

int sockets_receive(struct sockets *s, const struct sockets_sink *sink)
{
	uint8_t buffer[SOCKETS_RECEIVE_BYTES];
	ssize_t got = receive(s->fd, &s->parser.status, buffer, sizeof(buffer));
	int r;

	if (got == -EAGAIN)
		return -EAGAIN;
	if (got == -ENOBUFS) { /* what was queued is still there */
		s->parser.status.overruns++;
		return 1;
	}
	r = got < 0    ? (int)got
	    : got == 0 ? 1
		       : sockets_message_parse(&s->parser, buffer, (size_t)got, sink);
	s->running = r > 0;
	return r;
}

int sockets_dump(struct sockets *s, const struct sockets_query *query,
	const struct sockets_sink *sink)
{
	struct pollfd answer = {.fd = s->fd, .events = POLLIN};
	int r = sockets_ask(s, query);

	if (r < 0)
		return r;
	do {
		r = sockets_receive(s, sink);
		if (r == -EAGAIN && poll(&answer, 1, ANSWER_PATIENCE_MS) == 0)
			return -ETIMEDOUT;
	} while (r > 0 || r == -EAGAIN);
	return r;
}

int sockets_list(struct sockets *s, uint32_t states, uint8_t details,
	const struct sockets_sink *sink)
{
	int result = -ENOENT;

	for (unsigned i = 0; i < SOCKETS_TABLES; i++) {
		struct sockets_query query = sockets_tables[i];
		int r;

		query.states = states;
		query.details = details;
		r = sockets_dump(s, &query, sink);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0)
			result = 0;
	}
	return result;
}

uint64_t sockets_period_ns(uint64_t wanted_ns, uint64_t cost_ns)
{
	uint64_t least_ns;

	if (__builtin_mul_overflow(cost_ns, DUMP_COST_SHARE, &least_ns))
		least_ns = UINT64_MAX;
	return wanted_ns > least_ns ? wanted_ns : least_ns;
}

/* ---- events ---- */

void sockets_events_adopt(struct sockets_events *events, int fd, uint64_t netns)
{
	*events = (struct sockets_events){.fd = fd, .parser = {.netns = netns}};
}

int sockets_events_open(
	struct sockets_events *events, uint64_t netns, uint32_t buffer_bytes)
{
	const struct sockaddr_nl self = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1u << (SKNLGRP_INET_TCP_DESTROY - 1) |
			     1u << (SKNLGRP_INET_UDP_DESTROY - 1) |
			     1u << (SKNLGRP_INET6_TCP_DESTROY - 1) |
			     1u << (SKNLGRP_INET6_UDP_DESTROY - 1),
	};
	int bytes = buffer_bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)buffer_bytes;
	int fd = open_socket(&self);

	sockets_events_adopt(events, fd < 0 ? -1 : fd, netns);
	if (fd < 0)
		return fd;
	/* Without the right to it as much as everybody may have (net.core.rmem_max). */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return 0;
}

void sockets_events_close(struct sockets_events *events)
{
	close_socket(&events->fd);
}

int sockets_events_read(struct sockets_events *events, const struct sockets_sink *sink)
{
	uint8_t buffer[EVENT_BYTES];

	for (unsigned i = 0; i < EVENTS_AT_ONCE; i++) {
		ssize_t got = receive(
			events->fd, &events->parser.status, buffer, sizeof(buffer));

		if (got == -EAGAIN)
			return 0;
		if (got == -ENOBUFS)
			events->parser.status.overruns++;
		else if (got < 0)
			return (int)got;
		else
			(void)sockets_message_parse(
				&events->parser, buffer, (size_t)got, sink);
	}
	return 1;
}
