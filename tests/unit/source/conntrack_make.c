#include "conntrack_make.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

static struct nlmsghdr *begin(struct made *m, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *head = mnl_nlmsg_put_header(m->bytes + m->len);
	struct nfgenmsg *family = mnl_nlmsg_put_extra_header(head, sizeof(*family));

	head->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	head->nlmsg_flags = flags;
	return head;
}

static void put_tuple(struct nlmsghdr *head, uint16_t type, const uint8_t ends[2],
	const uint16_t ports[2])
{
	struct nlattr *nest = mnl_attr_nest_start(head, type);
	struct nlattr *inner = mnl_attr_nest_start(head, CTA_TUPLE_IP);

	mnl_attr_put_u32(head, CTA_IP_V4_SRC, htonl(0x0a000000u | ends[0]));
	mnl_attr_put_u32(head, CTA_IP_V4_DST, htonl(0x0a000000u | ends[1]));
	mnl_attr_nest_end(head, inner);
	inner = mnl_attr_nest_start(head, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(head, CTA_PROTO_NUM, 6);
	mnl_attr_put_u16(head, CTA_PROTO_SRC_PORT, htons(ports[0]));
	mnl_attr_put_u16(head, CTA_PROTO_DST_PORT, htons(ports[1]));
	mnl_attr_nest_end(head, inner);
	mnl_attr_nest_end(head, nest);
}

static void put_pair(struct nlmsghdr *head, uint16_t type, uint64_t one, uint64_t two)
{
	struct nlattr *nest = mnl_attr_nest_start(head, type);

	mnl_attr_put_u64(head, 1, htobe64(one));
	mnl_attr_put_u64(head, 2, htobe64(two));
	mnl_attr_nest_end(head, nest);
}

static void put_state(struct nlmsghdr *head, uint8_t state)
{
	struct nlattr *nest = mnl_attr_nest_start(head, CTA_PROTOINFO);
	struct nlattr *inner = mnl_attr_nest_start(head, CTA_PROTOINFO_TCP);

	mnl_attr_put_u8(head, CTA_PROTOINFO_TCP_STATE, state);
	mnl_attr_put_u8(head, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, 7);
	mnl_attr_put_u8(head, CTA_PROTOINFO_TCP_WSCALE_REPLY, 9);
	mnl_attr_nest_end(head, inner);
	mnl_attr_nest_end(head, nest);
}

void made_add(struct made *m, const struct made_entry *e)
{
	struct nlmsghdr *head = begin(m, e->type, e->flags);
	const uint8_t there[2] = {1, 2}, back[2] = {2, 1};
	const uint16_t ports[2] = {e->port, 80}, turned[2] = {80, e->port};
	struct nlattr *nest;

	head->nlmsg_seq = e->serial;
	put_tuple(head, CTA_TUPLE_ORIG, there, ports);
	put_tuple(head, CTA_TUPLE_REPLY, back, turned);
	mnl_attr_put_u16(head, CTA_ZONE, htons(5));
	mnl_attr_put_u32(head, CTA_STATUS, htonl(14));
	mnl_attr_put_u32(head, CTA_TIMEOUT, htonl(300));
	put_pair(head, CTA_COUNTERS_ORIG, 0x100000001u, 0x200000003u);
	put_pair(head, CTA_COUNTERS_REPLY, 11, 0xfffffffffffffff0u);
	put_pair(head, CTA_TIMESTAMP, 1234567890123456789u, 1234567890123456799u);
	mnl_attr_put_u64(head, 27, htobe64(1234567890123456790u));
	put_state(head, e->state);
	nest = mnl_attr_nest_start(head, CTA_HELP);
	mnl_attr_put_strz(head, CTA_HELP_NAME, "ftp");
	mnl_attr_nest_end(head, nest);
	mnl_attr_put_u32(head, CTA_MARK, htonl(0xdeadbeefu));
	if (e->id)
		mnl_attr_put_u32(head, CTA_ID, htonl(e->id));
	mnl_attr_put_u32(head, 4000, 0); /* of a younger kernel */
	m->len += MNL_ALIGN(head->nlmsg_len);
}

void made_end(struct made *m, uint16_t type, uint32_t serial, int32_t code)
{
	struct nlmsghdr *head = mnl_nlmsg_put_header(m->bytes + m->len);
	int32_t *body = mnl_nlmsg_put_extra_header(head, sizeof(*body));

	head->nlmsg_type = type;
	head->nlmsg_seq = serial;
	*body = code;
	m->len += MNL_ALIGN(head->nlmsg_len);
}

void made_cpu(struct made *m, uint32_t serial, uint16_t cpu)
{
	struct nlmsghdr *head = begin(m, IPCTNL_MSG_CT_GET_STATS_CPU, NLM_F_MULTI);
	struct nfgenmsg *family = mnl_nlmsg_get_payload(head);

	head->nlmsg_seq = serial;
	family->res_id = htons(cpu);
	for (unsigned type = CTA_STATS_FOUND; type <= CTA_STATS_MAX; type++)
		mnl_attr_put_u32(head, (uint16_t)type, htonl(1000u + type));
	m->len += MNL_ALIGN(head->nlmsg_len);
}
