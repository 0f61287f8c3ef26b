/*
 * conntrack_make — makes and destroys entries of connection tracking by netlink, in the
 * namespace that it is started in.
 *
 *   make COUNT [FIRST]     TCP entries FIRST… (0), established, that live an hour
 *   destroy COUNT [FIRST]
 *   burst COUNT            both, one batch after the other
 *
 * Entry N is 10.a.b.c:1024+d → 10.200.0.1:80, distinct for N < 2^28.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH       128
#define ENTRY_BYTES 256
#define SERVER      0x0ac80001u
#define LIFE_S      3600

static void put_tuple(struct nlmsghdr *head, uint16_t type, const uint32_t address[2],
	const uint16_t port[2])
{
	struct nlattr *nest = mnl_attr_nest_start(head, type);
	struct nlattr *inner = mnl_attr_nest_start(head, CTA_TUPLE_IP);

	mnl_attr_put_u32(head, CTA_IP_V4_SRC, htonl(address[0]));
	mnl_attr_put_u32(head, CTA_IP_V4_DST, htonl(address[1]));
	mnl_attr_nest_end(head, inner);
	inner = mnl_attr_nest_start(head, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(head, CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(head, CTA_PROTO_SRC_PORT, htons(port[0]));
	mnl_attr_put_u16(head, CTA_PROTO_DST_PORT, htons(port[1]));
	mnl_attr_nest_end(head, inner);
	mnl_attr_nest_end(head, nest);
}

static void put_state(struct nlmsghdr *head)
{
	struct nlattr *nest = mnl_attr_nest_start(head, CTA_PROTOINFO);
	struct nlattr *inner = mnl_attr_nest_start(head, CTA_PROTOINFO_TCP);

	mnl_attr_put_u8(head, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	mnl_attr_nest_end(head, inner);
	mnl_attr_nest_end(head, nest);
}

/* Appends one message; returns its padded length. */
static size_t put_entry(char *at, bool make, uint32_t number)
{
	struct nlmsghdr *head = mnl_nlmsg_put_header(at);
	struct nfgenmsg *family;
	uint32_t client = 0x0a000000u | (number >> 12 & 0xffff) << 4;
	uint32_t orig[2] = {client, SERVER}, reply[2] = {SERVER, client};
	uint16_t port = (uint16_t)(1024 + (number & 0xfff));
	uint16_t orig_port[2] = {port, 80}, reply_port[2] = {80, port};

	head->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 |
			   (make ? IPCTNL_MSG_CT_NEW : IPCTNL_MSG_CT_DELETE);
	head->nlmsg_flags = NLM_F_REQUEST | (make ? NLM_F_CREATE | NLM_F_EXCL : 0);
	family = mnl_nlmsg_put_extra_header(head, sizeof(*family));
	family->nfgen_family = AF_INET;
	family->version = NFNETLINK_V0;
	put_tuple(head, CTA_TUPLE_ORIG, orig, orig_port);
	if (make) {
		put_tuple(head, CTA_TUPLE_REPLY, reply, reply_port);
		mnl_attr_put_u32(head, CTA_TIMEOUT, htonl(LIFE_S));
		put_state(head);
	}
	return MNL_ALIGN(head->nlmsg_len);
}

/* The kernel answers only what failed. Returns how many did. */
static unsigned failures(int fd)
{
	_Alignas(8) char answer[8192];
	unsigned failed = 0;
	ssize_t got;

	while ((got = recv(fd, answer, sizeof(answer), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *head = (const void *)answer;

		for (int left = (int)got; mnl_nlmsg_ok(head, left);
			head = mnl_nlmsg_next(head, &left))
			failed += head->nlmsg_type == NLMSG_ERROR;
	}
	return failed;
}

static unsigned batch(int fd, bool make, uint32_t first, uint32_t count)
{
	_Alignas(8) char bytes[BATCH * ENTRY_BYTES];
	size_t len = 0;

	memset(bytes, 0, sizeof(bytes));
	for (uint32_t i = 0; i < count; i++)
		len += put_entry(bytes + len, make, first + i);
	if (send(fd, bytes, len, 0) < 0) {
		perror("send");
		exit(1);
	}
	return failures(fd);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";
	uint32_t count = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	uint32_t first = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	bool burst = strcmp(verb, "burst") == 0;
	unsigned failed = 0;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0 || connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) != 0) {
		perror("netlink");
		return 1;
	}
	for (uint32_t done = 0; done < count; done += BATCH) {
		uint32_t some = count - done < BATCH ? count - done : BATCH;

		if (burst || strcmp(verb, "make") == 0)
			failed += batch(fd, true, first + done, some);
		if (burst || strcmp(verb, "destroy") == 0)
			failed += batch(fd, false, first + done, some);
	}
	(void)close(fd);
	(void)printf("%u failed\n", failed);
	return failed ? 1 : 0;
}
