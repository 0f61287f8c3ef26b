#include "source/links.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

void links_adopt(struct links *l, int fd, uint64_t netns)
{
	*l = (struct links){.fd = fd, .parser.netns = netns};
}

static int open_groups(struct links *l, uint32_t groups, uint64_t netns)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(
		AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int r;

	links_adopt(l, fd, netns);
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&self, sizeof(self)) == 0)
		return 0;
	r = -errno;
	links_close(l);
	return r;
}

int links_open(struct links *l, uint64_t netns)
{
	return open_groups(l, 0, netns);
}

int links_open_events(struct links *l, uint64_t netns)
{
	return open_groups(l, RTMGRP_LINK, netns);
}

void links_close(struct links *l)
{
	if (l->fd >= 0)
		(void)close(l->fd); /* only read */
	links_parser_done(&l->parser);
	*l = (struct links){.fd = -1};
}

int links_ask(struct links *l, enum links_query query)
{
	uint8_t request[LINKS_REQUEST_BYTES];
	size_t len;

	if (l->running)
		return -EBUSY;
	if (++l->serial == 0) /* is that of events */
		l->serial = 1;
	len = links_message_request(query, l->serial, request);
	if (send(l->fd, request, len, 0) < 0)
		return -errno;
	l->parser.serial = l->serial;
	l->running = true;
	return 0;
}

static int end_dump(struct links *l, int r)
{
	l->running = false;
	return r;
}

int links_receive(struct links *l, const struct links_sink *sink)
{
	_Alignas(8) char buffer[LINKS_RECEIVE_BYTES];
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t got;
	int r;

	do
		got = recvfrom(l->fd, buffer, sizeof(buffer), MSG_TRUNC,
			(struct sockaddr *)&from, &from_len);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (got < 0) {
		r = -errno;
		l->parser.status.overruns += r == -ENOBUFS;
		return end_dump(l, r);
	}
	if (from.nl_pid != 0) { /* any process may send to a netlink socket */
		l->parser.status.foreign++;
		return 1;
	}
	if ((size_t)got > sizeof(buffer)) {
		l->parser.status.truncated++;
		got = sizeof(buffer);
	}
	r = links_message_parse(&l->parser, buffer, (size_t)got, sink);
	return r == 1 ? 1 : end_dump(l, r);
}

int links_dump(struct links *l, enum links_query query, const struct links_sink *sink)
{
	int r = links_ask(l, query);

	if (r < 0)
		return r;
	do {
		struct pollfd wait = {.fd = l->fd, .events = POLLIN};

		r = links_receive(l, sink);
		if (r == -EAGAIN && poll(&wait, 1, -1) < 0 && errno != EINTR)
			return end_dump(l, -errno);
	} while (r == 1 || r == -EAGAIN);
	return r;
}

int links_speed(int fd, uint32_t ifindex, struct link_speed *out)
{
	struct ethtool_cmd command = {.cmd = ETHTOOL_GSET};
	struct ifreq request = {.ifr_ifindex = (int)ifindex};
	uint32_t mbps;

	/* The name is asked for anew: it may have changed. */
	if (ioctl(fd, SIOCGIFNAME, &request) < 0)
		return -errno;
	*out = (struct link_speed){0};
	request.ifr_data = (void *)&command;
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		return errno == ENODEV ? -ENODEV : 0;
	mbps = ethtool_cmd_speed(&command);
	/* Drivers say -1, in 32 bits or in 16, for "not known", some 0. */
	if (mbps != (uint32_t)SPEED_UNKNOWN && mbps != UINT16_MAX)
		out->mbps = mbps;
	if (command.duplex == DUPLEX_FULL)
		out->duplex = LINK_DUPLEX_FULL;
	else if (command.duplex == DUPLEX_HALF)
		out->duplex = LINK_DUPLEX_HALF;
	return 0;
}
