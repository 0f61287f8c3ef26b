#include "source/conntrack.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>

static struct nlmsghdr *begin(
	struct conntrack_request *out, unsigned type, uint32_t serial)
{
	struct nlmsghdr *head;
	struct nfgenmsg *family;

	memset(out, 0, sizeof(*out));
	head = mnl_nlmsg_put_header(out->bytes);
	head->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	head->nlmsg_flags = NLM_F_REQUEST;
	head->nlmsg_seq = serial;
	family = mnl_nlmsg_put_extra_header(head, sizeof(*family));
	family->version = NFNETLINK_V0;
	return head;
}

static void put_addresses(struct nlmsghdr *head, const struct conntrack_tuple *t)
{
	struct nlattr *nest = mnl_attr_nest_start(head, CTA_TUPLE_IP);

	if (t->family == FAMILY_V4) {
		mnl_attr_put(head, CTA_IP_V4_SRC, 4, t->src.b + 12);
		mnl_attr_put(head, CTA_IP_V4_DST, 4, t->dst.b + 12);
	} else {
		mnl_attr_put(head, CTA_IP_V6_SRC, 16, t->src.b);
		mnl_attr_put(head, CTA_IP_V6_DST, 16, t->dst.b);
	}
	mnl_attr_nest_end(head, nest);
}

static void put_proto(
	struct nlmsghdr *head, const struct conntrack_tuple *t, uint32_t has)
{
	struct nlattr *nest = mnl_attr_nest_start(head, CTA_TUPLE_PROTO);
	bool v4 = t->family == FAMILY_V4;

	mnl_attr_put_u8(head, CTA_PROTO_NUM, t->proto);
	if (has & CONNTRACK_HAS_PORTS) {
		mnl_attr_put_u16(head, CTA_PROTO_SRC_PORT, htons(t->src_port));
		mnl_attr_put_u16(head, CTA_PROTO_DST_PORT, htons(t->dst_port));
	}
	if (has & CONNTRACK_HAS_ICMP) {
		mnl_attr_put_u16(head, v4 ? CTA_PROTO_ICMP_ID : CTA_PROTO_ICMPV6_ID,
			htons(t->icmp_id));
		mnl_attr_put_u8(head, v4 ? CTA_PROTO_ICMP_TYPE : CTA_PROTO_ICMPV6_TYPE,
			t->icmp_type);
		mnl_attr_put_u8(head, v4 ? CTA_PROTO_ICMP_CODE : CTA_PROTO_ICMPV6_CODE,
			t->icmp_code);
	}
	mnl_attr_nest_end(head, nest);
}

void conntrack_dump_request(uint32_t generation, struct conntrack_request *out)
{
	struct nlmsghdr *head = begin(out, IPCTNL_MSG_CT_GET, generation);

	head->nlmsg_flags |= NLM_F_DUMP;
	out->len = head->nlmsg_len;
}

void conntrack_cpu_request(uint32_t serial, struct conntrack_request *out)
{
	struct nlmsghdr *head = begin(out, IPCTNL_MSG_CT_GET_STATS_CPU, serial);

	head->nlmsg_flags |= NLM_F_DUMP;
	out->len = head->nlmsg_len;
}

bool conntrack_delete_request(
	const struct conntrack_fact *f, uint32_t serial, struct conntrack_request *out)
{
	const struct conntrack_tuple *t = &f->orig;
	struct nlmsghdr *head;
	struct nfgenmsg *family;
	struct nlattr *nest;

	if (t->family != FAMILY_V4 && t->family != FAMILY_V6)
		return false;
	head = begin(out, IPCTNL_MSG_CT_DELETE, serial);
	head->nlmsg_flags |= NLM_F_ACK;
	family = mnl_nlmsg_get_payload(head);
	family->nfgen_family = t->family == FAMILY_V4 ? AF_INET : AF_INET6;
	/*
	 * A zone of both directions stands beside the tuple, one of orig's only inside
	 * it; the kernel refuses both at once, and looks in zone 0 without any.
	 */
	if (t->zone && t->zone == f->reply.zone)
		mnl_attr_put_u16(head, CTA_ZONE, htons(t->zone));
	nest = mnl_attr_nest_start(head, CTA_TUPLE_ORIG);
	put_addresses(head, t);
	put_proto(head, t, f->has);
	if (t->zone && t->zone != f->reply.zone)
		mnl_attr_put_u16(head, CTA_TUPLE_ZONE, htons(t->zone));
	mnl_attr_nest_end(head, nest);
	if (f->has & CONNTRACK_HAS_ID)
		mnl_attr_put_u32(head, CTA_ID, htonl(f->id));
	out->len = head->nlmsg_len;
	return true;
}
