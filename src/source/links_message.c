#include "source/links_message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/cur.h"
#include "source/clean.h"

struct parsing {
	struct links_parser *parser;
	struct link_fact fact;
};

void links_parser_done(struct links_parser *parser)
{
	buf_done(&parser->scratch);
}

size_t links_message_request(enum links_query query, uint32_t serial,
	uint8_t out[static LINKS_REQUEST_BYTES])
{
	struct ifinfomsg all = {.ifi_family = AF_UNSPEC};
	struct if_stats_msg counters = {
		.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64)};
	struct nlmsghdr head = {
		.nlmsg_type = query == LINKS_COUNTERS ? RTM_GETSTATS : RTM_GETLINK,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.nlmsg_seq = serial,
	};
	size_t len = query == LINKS_COUNTERS ? sizeof(counters) : sizeof(all);

	head.nlmsg_len = (uint32_t)(sizeof(head) + len);
	memset(out, 0, LINKS_REQUEST_BYTES);
	memcpy(out, &head, sizeof(head));
	if (query == LINKS_COUNTERS)
		memcpy(out + sizeof(head), &counters, sizeof(counters));
	else
		memcpy(out + sizeof(head), &all, sizeof(all));
	return head.nlmsg_len;
}

static uint32_t u32_of(const struct nlattr *attr)
{
	uint32_t value = 0;
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(&value, mnl_attr_get_payload(attr),
		len < sizeof(value) ? len : sizeof(value));
	return value;
}

/* Kernels have counters behind those that we know, old ones may have fewer. */
static void read_counters(struct link_fact *fact, const struct nlattr *attr)
{
	struct rtnl_link_stats64 stats = {0};
	size_t len = mnl_attr_get_payload_len(attr);

	if (len < offsetof(struct rtnl_link_stats64, rx_nohandler))
		return;
	memcpy(&stats, mnl_attr_get_payload(attr),
		len < sizeof(stats) ? len : sizeof(stats));
	fact->rx = (struct link_counters){stats.rx_bytes, stats.rx_packets,
		stats.rx_errors, stats.rx_dropped + stats.rx_missed_errors};
	fact->tx = (struct link_counters){
		stats.tx_bytes, stats.tx_packets, stats.tx_errors, stats.tx_dropped};
	fact->has |= LINK_HAS_COUNTERS;
}

static void read_text(struct parsing *p, const struct nlattr *attr,
	char out[static LINK_NAME_BYTES], enum link_has bit)
{
	const char *text = mnl_attr_get_payload(attr);
	size_t len = strnlen(text, mnl_attr_get_payload_len(attr));

	(void)clean_into(&p->parser->scratch, text, len, out, LINK_NAME_BYTES);
	p->fact.has &= ~(uint32_t)bit; /* may be told twice */
	if (out[0])
		p->fact.has |= bit;
}

static void read_mac(struct link_fact *fact, const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);

	if (!len || len > sizeof(fact->mac))
		return;
	memcpy(fact->mac, mnl_attr_get_payload(attr), len);
	fact->mac_len = (uint8_t)len;
	fact->has |= LINK_HAS_MAC;
}

static int info_attribute(const struct nlattr *attr, void *data)
{
	struct parsing *p = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		read_text(p, attr, p->fact.kind, LINK_HAS_KIND);
	else if (mnl_attr_get_type(attr) == IFLA_INFO_SLAVE_KIND)
		read_text(p, attr, p->fact.master_kind, LINK_HAS_MASTER_KIND);
	return MNL_CB_OK;
}

static void read_number(struct link_fact *fact, const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);
	uint32_t value = u32_of(attr);

	switch (mnl_attr_get_type(attr)) {
	case IFLA_MTU:
		fact->mtu = value;
		fact->has |= len >= 4 ? LINK_HAS_MTU : 0;
		break;
	case IFLA_MASTER:
		fact->master = value;
		fact->has |= len >= 4 ? LINK_HAS_MASTER : 0;
		break;
	case IFLA_CARRIER:
		fact->carrier = (value & 0xff) != 0;
		fact->has |= len ? LINK_HAS_CARRIER : 0;
		break;
	case IFLA_OPERSTATE:
		fact->operstate = (uint8_t)value;
		fact->has |= len ? LINK_HAS_OPERSTATE : 0;
		break;
	default: break;
	}
}

static int link_attribute(const struct nlattr *attr, void *data)
{
	struct parsing *p = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME: read_text(p, attr, p->fact.name, LINK_HAS_NAME); break;
	case IFLA_ADDRESS: read_mac(&p->fact, attr); break;
	case IFLA_LINKINFO: (void)mnl_attr_parse_nested(attr, info_attribute, p); break;
	case IFLA_STATS64: read_counters(&p->fact, attr); break;
	default: read_number(&p->fact, attr);
	}
	return MNL_CB_OK;
}

static int counters_attribute(const struct nlattr *attr, void *data)
{
	struct parsing *p = data;

	if (mnl_attr_get_type(attr) == IFLA_STATS_LINK_64)
		read_counters(&p->fact, attr);
	return MNL_CB_OK;
}

/*
 * The attributes behind `skip` bytes of the payload, which are known to be there. Not
 * mnl_attr_parse: it reads up to 3 bytes behind a message of odd length.
 */
static void parse_attributes(const struct nlmsghdr *message, size_t skip,
	mnl_attr_cb_t tell, struct parsing *p)
{
	const uint8_t *payload = mnl_nlmsg_get_payload(message);

	(void)mnl_attr_parse_payload(
		payload + skip, mnl_nlmsg_get_payload_len(message) - skip, tell, p);
}

/* false: not about an interface. */
static bool read_link(struct parsing *p, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	/* Other families (AF_BRIDGE) tell about ports of something. */
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*info) ||
		info->ifi_family != AF_UNSPEC || info->ifi_index <= 0)
		return false;
	p->fact.ifindex = (uint32_t)info->ifi_index;
	p->fact.flags = info->ifi_flags;
	p->fact.arphrd = info->ifi_type;
	p->fact.has |= LINK_HAS_FLAGS;
	p->fact.gone = message->nlmsg_type == RTM_DELLINK;
	parse_attributes(message, sizeof(*info), link_attribute, p);
	return true;
}

static bool read_stats(struct parsing *p, const struct nlmsghdr *message)
{
	const struct if_stats_msg *info = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*info) || !info->ifindex)
		return false;
	p->fact.ifindex = info->ifindex;
	parse_attributes(message, sizeof(*info), counters_attribute, p);
	return true;
}

static void tell_message(struct links_parser *parser, const struct nlmsghdr *message,
	const struct links_sink *sink)
{
	struct parsing p = {parser, {.netns = parser->netns}};
	bool found = message->nlmsg_type == RTM_NEWSTATS ? read_stats(&p, message)
							 : read_link(&p, message);

	if (!found) {
		parser->status.malformed++;
		return;
	}
	parser->status.facts++;
	sink->tell(sink->ctx, &p.fact);
}

/* The errno in the payload of NLMSG_DONE or NLMSG_ERROR; 0: fine. */
static int ending(struct links_parser *parser, const struct nlmsghdr *message)
{
	int32_t code;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(code)) {
		parser->status.malformed++;
		return -EPROTO;
	}
	memcpy(&code, mnl_nlmsg_get_payload(message), sizeof(code));
	return code < 0 && code >= -4095 ? code : 0;
}

/*
 * Takes one message that is whole; NULL when there is none. Not mnl_nlmsg_ok: it lets a
 * length of 2 GiB pass (libmnl 1.0.4).
 */
static const struct nlmsghdr *take_message(struct cur *c)
{
	const struct nlmsghdr *message = (const void *)c->at;
	size_t left = cur_left(c), len;

	if (left < sizeof(*message) || message->nlmsg_len < sizeof(*message) ||
		message->nlmsg_len > left)
		return NULL;
	len = NLMSG_ALIGN(message->nlmsg_len);
	cur_skip(c, len < left ? len : left);
	return message;
}

int links_message_parse(struct links_parser *parser, const void *bytes, size_t len,
	const struct links_sink *sink)
{
	struct cur c = cur_of(bytes, len);
	const struct nlmsghdr *message;

	while ((message = take_message(&c)) != NULL) {
		if (parser->serial && message->nlmsg_seq != parser->serial)
			continue;
		if (message->nlmsg_flags & NLM_F_DUMP_INTR)
			parser->status.interrupted++;
		switch (message->nlmsg_type) {
		case NLMSG_DONE:
		case NLMSG_ERROR: return ending(parser, message);
		case RTM_NEWLINK:
		case RTM_DELLINK:
		case RTM_NEWSTATS: tell_message(parser, message, sink); break;
		default: break;
		}
	}
	if (cur_left(&c))
		parser->status.malformed++;
	return 1;
}
