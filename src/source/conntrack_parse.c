#include "source/conntrack_parse.h"

#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

/* Younger than some distributions' headers. */
#define ATTR_TIMESTAMP_EVENT 27

/* Each reads one attribute whole, or leaves *out as it was and returns false. */
static bool read_u8(struct cur body, uint8_t *out)
{
	uint8_t v = cur_u8(&body);

	if (!body.bad)
		*out = v;
	return !body.bad;
}

static bool read_u16(struct cur body, uint16_t *out)
{
	uint16_t v = cur_be16(&body);

	if (!body.bad)
		*out = v;
	return !body.bad;
}

static bool read_u32(struct cur body, uint32_t *out)
{
	uint32_t v = cur_be32(&body);

	if (!body.bad)
		*out = v;
	return !body.bad;
}

static bool read_u64(struct cur body, uint64_t *out)
{
	uint64_t v = cur_be64(&body);

	if (!body.bad)
		*out = v;
	return !body.bad;
}

/* What of a tuple has been read; family and both addresses must agree. */
enum {
	GOT_SRC4 = 1 << 0,
	GOT_DST4 = 1 << 1,
	GOT_SRC6 = 1 << 2,
	GOT_DST6 = 1 << 3,
	GOT_PROTO = 1 << 4,
	GOT_SRC_PORT = 1 << 5,
	GOT_DST_PORT = 1 << 6,
	GOT_ICMP_ID = 1 << 7,
	GOT_ICMP_TYPE = 1 << 8,
	GOT_ICMP_CODE = 1 << 9,
	GOT_V4 = GOT_SRC4 | GOT_DST4,
	GOT_V6 = GOT_SRC6 | GOT_DST6,
	GOT_PORTS = GOT_SRC_PORT | GOT_DST_PORT,
	GOT_ICMP = GOT_ICMP_ID | GOT_ICMP_TYPE | GOT_ICMP_CODE,
};

static unsigned read_v4(struct cur body, struct addr *out, unsigned got)
{
	const uint8_t *bytes = cur_take(&body, 4);

	if (!bytes)
		return 0;
	*out = addr_v4(bytes);
	return got;
}

static unsigned read_v6(struct cur body, struct addr *out, unsigned got)
{
	const uint8_t *bytes = cur_take(&body, 16);

	if (!bytes)
		return 0;
	*out = addr_v6(bytes);
	return got;
}

static unsigned read_addresses(struct cur body, struct conntrack_tuple *t)
{
	struct netlink_attr a;
	unsigned got = 0;

	while (netlink_attr_next(&body, &a))
		switch (a.type) {
		case CTA_IP_V4_SRC: got |= read_v4(a.body, &t->src, GOT_SRC4); break;
		case CTA_IP_V4_DST: got |= read_v4(a.body, &t->dst, GOT_DST4); break;
		case CTA_IP_V6_SRC: got |= read_v6(a.body, &t->src, GOT_SRC6); break;
		case CTA_IP_V6_DST: got |= read_v6(a.body, &t->dst, GOT_DST6); break;
		default: break;
		}
	return got;
}

static unsigned read_proto_field(
	const struct netlink_attr *a, struct conntrack_tuple *t)
{
	switch (a->type) {
	case CTA_PROTO_NUM: return read_u8(a->body, &t->proto) ? GOT_PROTO : 0;
	case CTA_PROTO_SRC_PORT:
		return read_u16(a->body, &t->src_port) ? GOT_SRC_PORT : 0;
	case CTA_PROTO_DST_PORT:
		return read_u16(a->body, &t->dst_port) ? GOT_DST_PORT : 0;
	case CTA_PROTO_ICMP_ID:
	case CTA_PROTO_ICMPV6_ID:
		return read_u16(a->body, &t->icmp_id) ? GOT_ICMP_ID : 0;
	case CTA_PROTO_ICMP_TYPE:
	case CTA_PROTO_ICMPV6_TYPE:
		return read_u8(a->body, &t->icmp_type) ? GOT_ICMP_TYPE : 0;
	case CTA_PROTO_ICMP_CODE:
	case CTA_PROTO_ICMPV6_CODE:
		return read_u8(a->body, &t->icmp_code) ? GOT_ICMP_CODE : 0;
	default: return 0;
	}
}

static unsigned read_proto(struct cur body, struct conntrack_tuple *t)
{
	struct netlink_attr a;
	unsigned got = 0;

	while (netlink_attr_next(&body, &a))
		got |= read_proto_field(&a, t);
	return got;
}

/* Returns GOT_*; 0 when it is not whole. */
static unsigned read_tuple(struct cur body, struct conntrack_tuple *t)
{
	struct netlink_attr a;
	unsigned got = 0;

	while (netlink_attr_next(&body, &a))
		switch (a.type) {
		case CTA_TUPLE_IP: got |= read_addresses(a.body, t); break;
		case CTA_TUPLE_PROTO: got |= read_proto(a.body, t); break;
		case CTA_TUPLE_ZONE: (void)read_u16(a.body, &t->zone); break; /* or 0 */
		default: break;
		}
	if (!(got & GOT_PROTO))
		return 0;
	if ((got & (GOT_V4 | GOT_V6)) == GOT_V4)
		t->family = FAMILY_V4;
	else if ((got & (GOT_V4 | GOT_V6)) == GOT_V6)
		t->family = FAMILY_V6;
	else
		return 0;
	return got;
}

static void read_counters(struct cur body, struct conntrack_fact *f, unsigned dir)
{
	struct conntrack_counters c = {0};
	struct netlink_attr a;
	unsigned got = 0;

	while (netlink_attr_next(&body, &a))
		if (a.type == CTA_COUNTERS_PACKETS)
			got |= read_u64(a.body, &c.packets) ? 1 : 0;
		else if (a.type == CTA_COUNTERS_BYTES)
			got |= read_u64(a.body, &c.bytes) ? 2 : 0;
	if (got != 3)
		return;
	f->counters[dir] = c;
	f->has |= dir ? CONNTRACK_HAS_REPLY_COUNTERS : CONNTRACK_HAS_ORIG_COUNTERS;
}

static void read_times(struct cur body, struct conntrack_fact *f)
{
	struct netlink_attr a;

	while (netlink_attr_next(&body, &a))
		if (a.type == CTA_TIMESTAMP_START && read_u64(a.body, &f->start_ns))
			f->has |= CONNTRACK_HAS_START;
		else if (a.type == CTA_TIMESTAMP_STOP && read_u64(a.body, &f->stop_ns))
			f->has |= CONNTRACK_HAS_STOP;
}

/* Whoever made the helper chose its name. */
static void read_name(struct cur body, char out[static CONNTRACK_HELPER_BYTES])
{
	size_t len = cur_left(&body);

	if (len > CONNTRACK_HELPER_BYTES - 1)
		len = CONNTRACK_HELPER_BYTES - 1;
	memset(out, 0, CONNTRACK_HELPER_BYTES);
	cur_copy(&body, out, len);
	len = strnlen(out, CONNTRACK_HELPER_BYTES);
	memset(out + len, 0, CONNTRACK_HELPER_BYTES - len); /* what a NUL hides */
	for (char *c = out; *c; c++)
		if (*c <= ' ' || *c > '~')
			*c = '?';
}

static void read_helper(struct cur body, struct conntrack_fact *f)
{
	char name[CONNTRACK_HELPER_BYTES];
	struct netlink_attr a;

	while (netlink_attr_next(&body, &a)) {
		if (a.type != CTA_HELP_NAME)
			continue;
		read_name(a.body, name);
		if (!name[0])
			continue;
		memcpy(f->helper, name, sizeof(name));
		f->has |= CONNTRACK_HAS_HELPER;
	}
}

static void read_tcp(struct cur body, struct conntrack_fact *f)
{
	struct netlink_attr a;

	while (netlink_attr_next(&body, &a))
		switch (a.type) {
		case CTA_PROTOINFO_TCP_STATE:
			if (read_u8(a.body, &f->state))
				f->has |= CONNTRACK_HAS_STATE;
			break;
		case CTA_PROTOINFO_TCP_WSCALE_ORIGINAL:
			(void)read_u8(
				a.body, &f->tcp_wscale[0]); /* else 0: no scaling */
			break;
		case CTA_PROTOINFO_TCP_WSCALE_REPLY:
			(void)read_u8(a.body, &f->tcp_wscale[1]);
			break;
		default: break;
		}
}

static void read_sctp(struct cur body, struct conntrack_fact *f)
{
	struct netlink_attr a;

	while (netlink_attr_next(&body, &a))
		if (a.type == CTA_PROTOINFO_SCTP_STATE && read_u8(a.body, &f->state))
			f->has |= CONNTRACK_HAS_STATE;
}

static void read_dccp(struct cur body, struct conntrack_fact *f)
{
	struct netlink_attr a;

	while (netlink_attr_next(&body, &a))
		if (a.type == CTA_PROTOINFO_DCCP_STATE && read_u8(a.body, &f->state))
			f->has |= CONNTRACK_HAS_STATE;
		else if (a.type == CTA_PROTOINFO_DCCP_ROLE)
			(void)read_u8(a.body, &f->dccp_role); /* else 0 */
}

static void read_protoinfo(struct cur body, struct conntrack_fact *f)
{
	struct netlink_attr a;

	while (netlink_attr_next(&body, &a))
		switch (a.type) {
		case CTA_PROTOINFO_TCP: read_tcp(a.body, f); break;
		case CTA_PROTOINFO_SCTP: read_sctp(a.body, f); break;
		case CTA_PROTOINFO_DCCP: read_dccp(a.body, f); break;
		default: break;
		}
}

static void read_number(struct cur body, uint32_t *field, uint32_t *has, uint32_t bit)
{
	if (read_u32(body, field))
		*has |= bit;
}

/* Everything but the tuples and the zone. */
static void read_field(const struct netlink_attr *a, struct conntrack_fact *f)
{
	switch (a->type) {
	case CTA_STATUS:
		read_number(a->body, &f->status, &f->has, CONNTRACK_HAS_STATUS);
		break;
	case CTA_TIMEOUT:
		read_number(a->body, &f->timeout_s, &f->has, CONNTRACK_HAS_TIMEOUT);
		break;
	case CTA_MARK:
		read_number(a->body, &f->mark, &f->has, CONNTRACK_HAS_MARK);
		break;
	case CTA_ID: read_number(a->body, &f->id, &f->has, CONNTRACK_HAS_ID); break;
	case CTA_COUNTERS_ORIG: read_counters(a->body, f, 0); break;
	case CTA_COUNTERS_REPLY: read_counters(a->body, f, 1); break;
	case CTA_PROTOINFO: read_protoinfo(a->body, f); break;
	case CTA_HELP: read_helper(a->body, f); break;
	case CTA_TIMESTAMP: read_times(a->body, f); break;
	case ATTR_TIMESTAMP_EVENT:
		if (read_u64(a->body, &f->event_ns))
			f->has |= CONNTRACK_HAS_EVENT_TIME;
		break;
	default: break;
	}
}

static bool agree(const struct conntrack_fact *f, unsigned orig, unsigned reply)
{
	return orig && reply && f->orig.family == f->reply.family &&
	       f->orig.proto == f->reply.proto;
}

bool conntrack_parse(const void *attributes, size_t len, struct conntrack_fact *f)
{
	struct cur c = cur_of(attributes, len);
	unsigned orig = 0, reply = 0;
	struct netlink_attr a;
	uint16_t zone = 0;

	memset(f, 0, sizeof(*f));
	while (netlink_attr_next(&c, &a))
		switch (a.type) {
		case CTA_TUPLE_ORIG: orig = read_tuple(a.body, &f->orig); break;
		case CTA_TUPLE_REPLY: reply = read_tuple(a.body, &f->reply); break;
		case CTA_ZONE: (void)read_u16(a.body, &zone); break; /* or 0 */
		default: read_field(&a, f); break;
		}
	if (!agree(f, orig, reply))
		return false;
	if (zone) /* of both directions; else the tuples say it */
		f->orig.zone = f->reply.zone = zone;
	if ((orig & reply & GOT_PORTS) == GOT_PORTS)
		f->has |= CONNTRACK_HAS_PORTS;
	if ((orig & reply & GOT_ICMP) == GOT_ICMP)
		f->has |= CONNTRACK_HAS_ICMP;
	return true;
}

static uint32_t *cpu_field(struct conntrack_cpu *cpu, unsigned type)
{
	switch (type) {
	case CTA_STATS_FOUND: return &cpu->found;
	case CTA_STATS_INVALID: return &cpu->invalid;
	case CTA_STATS_INSERT: return &cpu->insert;
	case CTA_STATS_INSERT_FAILED: return &cpu->insert_failed;
	case CTA_STATS_DROP: return &cpu->drop;
	case CTA_STATS_EARLY_DROP: return &cpu->early_drop;
	case CTA_STATS_ERROR: return &cpu->error;
	case CTA_STATS_SEARCH_RESTART: return &cpu->search_restart;
	case CTA_STATS_CLASH_RESOLVE: return &cpu->clash_resolve;
	case CTA_STATS_CHAIN_TOOLONG: return &cpu->chain_too_long;
	default: return NULL;
	}
}

void conntrack_parse_cpu(const void *attributes, size_t len, struct conntrack_cpu *out)
{
	struct cur c = cur_of(attributes, len);
	struct netlink_attr a;
	uint32_t *field;

	memset(out, 0, sizeof(*out));
	while (netlink_attr_next(&c, &a)) {
		field = cpu_field(out, a.type);
		if (field && read_u32(a.body, field))
			out->has |= 1u << a.type;
	}
}
