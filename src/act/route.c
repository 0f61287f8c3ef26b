#include "act/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "source/conntrack_parse.h"

#define MESSAGE_BYTES 8192

/* Room for a request, then for its answer. */
struct message {
	_Alignas(8) uint8_t bytes[MESSAGE_BYTES];
	size_t len;
};

struct place {
	uint32_t ifindex, flags;
	struct addr next; /* the gateway, or the destination itself */
	sa_family_t af;   /* of `next` */
};

int route_open(void)
{
	int fd = socket(
		AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

static const uint8_t *address_at(const struct addr *a, sa_family_t af)
{
	return a->b + (af == AF_INET ? 12 : 0);
}

static size_t address_bytes(sa_family_t af)
{
	return af == AF_INET ? 4 : 16;
}

/* Sends what is in the message; the first answer replaces it. 0 or -errno. */
static int ask(int fd, struct message *m)
{
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	const struct nlmsghdr *head = (const struct nlmsghdr *)m->bytes;
	struct nlmsgerr error;
	ssize_t got;

	do
		got = sendto(fd, m->bytes, head->nlmsg_len, 0,
			(const struct sockaddr *)&kernel, sizeof(kernel));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	do
		got = recv(fd, m->bytes, sizeof(m->bytes), 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (!mnl_nlmsg_ok(head, (int)got))
		return -EPROTO;
	m->len = head->nlmsg_len;
	if (head->nlmsg_type != NLMSG_ERROR)
		return 0;
	if (m->len < sizeof(*head) + sizeof(error))
		return -EPROTO;
	memcpy(&error, mnl_nlmsg_get_payload(head), sizeof(error));
	return error.error;
}

static struct nlmsghdr *begin(struct message *m, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *head = mnl_nlmsg_put_header(m->bytes);

	head->nlmsg_type = type;
	head->nlmsg_flags = NLM_F_REQUEST | flags;
	return head;
}

/* The attributes behind a header of that size; empty when it is not there. */
static struct cur attributes(const struct message *m, size_t header)
{
	struct cur c = cur_of(m->bytes, m->len);

	cur_skip(&c, sizeof(struct nlmsghdr) + MNL_ALIGN(header));
	return c;
}

static void read_route(const struct message *m, struct place *out)
{
	struct cur c = attributes(m, sizeof(struct rtmsg));
	struct netlink_attr a;

	while (netlink_attr_next(&c, &a)) {
		if (a.type == RTA_OIF)
			out->ifindex = cur_le32(&a.body);
		else if (a.type == RTA_GATEWAY && cur_left(&a.body) == 4)
			*out = (struct place){
				out->ifindex, 0, addr_v4(a.body.at), AF_INET};
		else if (a.type == RTA_GATEWAY && cur_left(&a.body) == 16)
			*out = (struct place){
				out->ifindex, 0, addr_v6(a.body.at), AF_INET6};
	}
}

static int find_place(int fd, const struct addr *to, sa_family_t af, struct place *out)
{
	struct message m = {.len = 0};
	struct nlmsghdr *head = begin(&m, RTM_GETROUTE, 0);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(head, sizeof(*route));
	struct rtmsg answer;
	int r;

	route->rtm_family = (uint8_t)af;
	route->rtm_dst_len = (uint8_t)(address_bytes(af) * 8);
	mnl_attr_put(head, RTA_DST, address_bytes(af), address_at(to, af));
	r = ask(fd, &m);
	if (r < 0)
		return r;
	if (m.len < sizeof(*head) + sizeof(answer))
		return -EPROTO;
	memcpy(&answer, m.bytes + sizeof(*head), sizeof(answer));
	if (answer.rtm_type == RTN_LOCAL)
		return -EOPNOTSUPP;
	*out = (struct place){.next = *to, .af = af};
	read_route(&m, out);
	return out->ifindex ? 0 : -ENETUNREACH;
}

/* An interface without link addresses needs none. */
static int find_flags(int fd, struct place *place)
{
	struct message m = {.len = 0};
	struct nlmsghdr *head = begin(&m, RTM_GETLINK, 0);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(head, sizeof(*link));
	struct ifinfomsg answer;
	int r;

	link->ifi_index = (int)place->ifindex;
	r = ask(fd, &m);
	if (r < 0)
		return r;
	if (m.len < sizeof(*head) + sizeof(answer))
		return -EPROTO;
	memcpy(&answer, m.bytes + sizeof(*head), sizeof(answer));
	place->flags = answer.ifi_flags;
	return 0;
}

static struct nlmsghdr *neighbour(
	struct message *m, uint16_t type, uint16_t flags, const struct place *place)
{
	struct nlmsghdr *head = begin(m, type, flags);
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(head, sizeof(*nd));

	nd->ndm_family = (uint8_t)place->af;
	nd->ndm_ifindex = (int)place->ifindex;
	mnl_attr_put(head, NDA_DST, address_bytes(place->af),
		address_at(&place->next, place->af));
	return head;
}

/* The kernel resolves it as if a packet waited. */
static void resolve(int fd, const struct place *place)
{
	struct message m = {.len = 0};
	struct nlmsghdr *head = neighbour(
		&m, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, place);
	struct ndmsg *nd = mnl_nlmsg_get_payload(head);

	nd->ndm_flags = NTF_USE;
	(void)ask(fd, &m); /* without the right to, packets that are seen resolve it */
}

static int find_neighbour(int fd, const struct place *place, struct sockaddr_ll *to)
{
	struct message m = {.len = 0};
	struct netlink_attr a;
	struct ndmsg nd;
	struct cur c;
	int r;

	(void)neighbour(&m, RTM_GETNEIGH, 0, place); /* the header is in m */
	r = ask(fd, &m);
	if (r < 0)
		return r;
	if (m.len < sizeof(struct nlmsghdr) + sizeof(nd))
		return -EPROTO;
	memcpy(&nd, m.bytes + sizeof(struct nlmsghdr), sizeof(nd));
	if (nd.ndm_state & (NUD_INCOMPLETE | NUD_FAILED))
		return -ENOENT;
	c = attributes(&m, sizeof(nd));
	while (netlink_attr_next(&c, &a)) {
		size_t len = cur_left(&a.body);

		if (a.type != NDA_LLADDR || len > sizeof(to->sll_addr))
			continue;
		to->sll_halen = (unsigned char)len;
		cur_copy(&a.body, to->sll_addr, len);
		return 0;
	}
	return -ENOENT;
}

int route_find(
	int fd, const struct addr *to, enum family family, struct sockaddr_ll *out)
{
	sa_family_t af = family == FAMILY_V4 ? AF_INET : AF_INET6;
	struct sockaddr_ll found = {.sll_family = AF_PACKET,
		.sll_protocol = htons(af == AF_INET ? ETH_P_IP : ETH_P_IPV6)};
	struct place place;
	int r = find_place(fd, to, af, &place);

	if (r == 0)
		r = find_flags(fd, &place);
	if (r < 0)
		return r;
	found.sll_ifindex = (int)place.ifindex;
	if (!(place.flags & (IFF_NOARP | IFF_POINTOPOINT | IFF_LOOPBACK))) {
		r = find_neighbour(fd, &place, &found);
		if (r == -ENOENT) {
			resolve(fd, &place);
			return -EAGAIN;
		}
		if (r < 0)
			return r;
	}
	*out = found;
	return 0;
}

int route_send(
	int packet_fd, const struct sockaddr_ll *to, const void *bytes, size_t len)
{
	ssize_t sent;

	do
		sent = sendto(packet_fd, bytes, len, 0, (const struct sockaddr *)to,
			sizeof(*to));
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}
