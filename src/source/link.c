#include "source/link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A dump's message holds many links; each is some 1.5 KiB with its statistics. */
#define RECEIVE_BYTES (64u * 1024)
#define LIST_TRIES    4

struct telling {
	link_fn *tell;
	void *ctx;
};

uint16_t link_linktype(uint16_t arphrd)
{
	/* ARPHRD_RAWIP 519 and ARPHRD_IP6GRE 823 are missing in some headers. */
	static const struct {
		uint16_t arphrd, linktype;
	} known[] = {
		{ARPHRD_ETHER, 1},
		{ARPHRD_LOOPBACK, 1},
		{ARPHRD_NONE, 101},
		{ARPHRD_PPP, 101},
		{ARPHRD_SLIP, 101},
		{ARPHRD_CSLIP, 101},
		{519, 101},
		{ARPHRD_TUNNEL, 101},
		{ARPHRD_TUNNEL6, 101},
		{ARPHRD_SIT, 101},
		{ARPHRD_IPGRE, 101},
		{823, 101},
		{ARPHRD_IEEE80211, 105},
		{ARPHRD_IEEE80211_PRISM, 119},
		{ARPHRD_IEEE80211_RADIOTAP, 127},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].arphrd == arphrd)
			return known[i].linktype;
	return 0;
}

static int info_attribute(const struct nlattr *attr, void *data)
{
	struct link *link = data;
	const char *kind = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) == IFLA_INFO_SLAVE_KIND && kind)
		link->slave = (len >= 4 && memcmp(kind, "bond", 4) == 0) ||
			      (len >= 4 && memcmp(kind, "team", 4) == 0);
	return MNL_CB_OK;
}

static void read_stats(const struct nlattr *attr, struct link *link)
{
	struct rtnl_link_stats64 stats = {0};
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(&stats, mnl_attr_get_payload(attr),
		len < sizeof(stats) ? len : sizeof(stats));
	link->drops = stats.rx_dropped + stats.rx_missed_errors + stats.rx_over_errors;
	link->drops_known = true;
}

static int link_attribute(const struct nlattr *attr, void *data)
{
	struct link *link = data;
	size_t len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		if (len > sizeof(link->name) - 1)
			len = sizeof(link->name) - 1;
		memcpy(link->name, mnl_attr_get_payload(attr), len);
		break;
	case IFLA_LINKINFO:
		(void)mnl_attr_parse_nested(attr, info_attribute, link);
		break;
	case IFLA_STATS64: read_stats(attr, link); break;
	default: break;
	}
	return MNL_CB_OK;
}

static int link_message(const struct nlmsghdr *message, void *data)
{
	const struct telling *t = data;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct link link = {0};

	if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK)
		return MNL_CB_OK;
	/* Other families (AF_BRIDGE) tell about ports of something, not about links. */
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*info) ||
		info->ifi_family != AF_UNSPEC || info->ifi_index <= 0)
		return MNL_CB_OK;
	link.ifindex = (uint32_t)info->ifi_index;
	link.flags = info->ifi_flags;
	link.arphrd = info->ifi_type;
	link.gone = message->nlmsg_type == RTM_DELLINK;
	(void)mnl_attr_parse(message, sizeof(*info), link_attribute, &link);
	t->tell(t->ctx, &link);
	return MNL_CB_OK;
}

static int open_socket(uint32_t groups, int flags)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);
	int r;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&self, sizeof(self)) != 0) {
		r = -errno;
		(void)close(fd); /* unused */
		return r;
	}
	return fd;
}

int link_watch_open(struct link_watch *watch)
{
	int r;

	*watch = (struct link_watch){-1, -1, 0};
	watch->event_fd = open_socket(RTMGRP_LINK, SOCK_NONBLOCK);
	if (watch->event_fd < 0)
		return watch->event_fd;
	watch->query_fd = open_socket(0, 0);
	if (watch->query_fd >= 0)
		return 0;
	r = watch->query_fd;
	link_watch_close(watch);
	return r;
}

void link_watch_close(struct link_watch *watch)
{
	if (watch->event_fd >= 0)
		(void)close(watch->event_fd); /* only read */
	if (watch->query_fd >= 0)
		(void)close(watch->query_fd); /* only read */
	watch->event_fd = watch->query_fd = -1;
}

/* Messages from other processes are ignored: only the kernel has port 0. */
static ssize_t receive(int fd, char *buffer)
{
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t got;

	do
		got = recvfrom(fd, buffer, RECEIVE_BYTES, 0, (struct sockaddr *)&from,
			&from_len);
	while ((got < 0 && errno == EINTR) || (got >= 0 && from.nl_pid != 0));
	return got < 0 ? -errno : got;
}

static int ask_list(struct link_watch *watch, char *buffer)
{
	struct nlmsghdr *ask = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;

	ask->nlmsg_type = RTM_GETLINK;
	ask->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ask->nlmsg_seq = ++watch->serial;
	info = mnl_nlmsg_put_extra_header(ask, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	return send(watch->query_fd, ask, ask->nlmsg_len, 0) < 0 ? -errno : 0;
}

static int list_once(struct link_watch *watch, struct telling *t)
{
	char buffer[RECEIVE_BYTES];
	int r = ask_list(watch, buffer);
	ssize_t got;

	if (r < 0)
		return r;
	for (r = MNL_CB_OK; r > MNL_CB_STOP;) {
		got = receive(watch->query_fd, buffer);
		if (got < 0)
			return (int)got;
		r = mnl_cb_run(buffer, (size_t)got, watch->serial, 0, link_message, t);
	}
	return r == MNL_CB_STOP ? 0 : -errno;
}

int link_watch_list(struct link_watch *watch, link_fn *tell, void *ctx)
{
	struct telling t = {tell, ctx};
	int r = -EINTR;

	/* Interrupted by a change (NLM_F_DUMP_INTR): links may be told twice. */
	for (unsigned tries = 0; r == -EINTR && tries < LIST_TRIES; tries++)
		r = list_once(watch, &t);
	return r == -EINTR ? 0 : r; /* the events tell what is missing */
}

int link_watch_read(struct link_watch *watch, link_fn *tell, void *ctx)
{
	struct telling t = {tell, ctx};
	char buffer[RECEIVE_BYTES];
	ssize_t got;

	for (;;) {
		got = receive(watch->event_fd, buffer);
		if (got == -EAGAIN)
			return 0;
		if (got < 0)
			return (int)got;
		if (mnl_cb_run(buffer, (size_t)got, 0, 0, link_message, &t) < 0)
			return -errno;
	}
}
