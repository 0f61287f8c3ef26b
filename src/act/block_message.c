#include "act/block_message.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#define CHAIN "drop"
/* Before connection tracking (-200) and raw rules (-300): as the sender wrote it. */
#define PRIORITY (-310)
/*
 * A set's type is a number that only tools read: six bits for each part, numbered as
 * nft does, so that `nft list` shows the addresses.
 */
#define TYPE_V4      7u
#define TYPE_V6      8u
#define TYPE_PROTO   12u
#define TYPE_SERVICE 13u

/* Registers of four bytes; a key's parts each begin in one. */
static const struct keyed {
	const char *set;
	uint8_t nfproto, address_bytes, source_at, destination_at;
	uint32_t address_type, key_bytes;
} families[] = {
	{"v4", NFPROTO_IPV4, 4, 12, 16, TYPE_V4, 20},
	{"v6", NFPROTO_IPV6, 16, 8, 24, TYPE_V6, 44},
};

static struct nlmsghdr *begin(
	struct block_message *m, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *head = mnl_nlmsg_put_header(m->bytes + m->len);
	struct nfgenmsg *generic;

	head->nlmsg_type = type;
	head->nlmsg_flags = NLM_F_REQUEST | flags;
	head->nlmsg_seq = ++m->last;
	generic = mnl_nlmsg_put_extra_header(head, sizeof(*generic));
	generic->nfgen_family = family;
	generic->version = NFNETLINK_V0;
	return head;
}

static void end(struct block_message *m, const struct nlmsghdr *head)
{
	m->len += MNL_ALIGN(head->nlmsg_len);
}

static struct nlmsghdr *begin_table(
	struct block_message *m, uint16_t type, uint16_t flags)
{
	return begin(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags | NLM_F_ACK,
		NFPROTO_INET);
}

static void bracket(struct block_message *m, uint16_t type)
{
	struct nlmsghdr *head = begin(m, type, 0, AF_UNSPEC);
	struct nfgenmsg *generic = mnl_nlmsg_get_payload(head);

	generic->res_id = htons(NFNL_SUBSYS_NFTABLES);
	end(m, head);
}

/* Zeros, or the padding of attributes would carry what was on the stack. */
static void begin_message(struct block_message *m, uint32_t serial)
{
	memset(m, 0, sizeof(*m));
	m->serial = serial;
	m->last = serial - 1;
}

static void open_batch(struct block_message *m, uint32_t serial)
{
	begin_message(m, serial);
	bracket(m, NFNL_MSG_BATCH_BEGIN);
}

static void put_be32(struct nlmsghdr *head, uint16_t type, uint32_t value)
{
	mnl_attr_put_u32(head, type, htonl(value));
}

static void put_set(struct block_message *m, const struct keyed *f, uint32_t id)
{
	struct nlmsghdr *head = begin_table(m, NFT_MSG_NEWSET, NLM_F_CREATE);
	uint32_t address = f->address_type;

	mnl_attr_put_strz(head, NFTA_SET_TABLE, BLOCK_TABLE);
	mnl_attr_put_strz(head, NFTA_SET_NAME, f->set);
	put_be32(head, NFTA_SET_ID, id);
	put_be32(head, NFTA_SET_FLAGS, NFT_SET_TIMEOUT);
	put_be32(head, NFTA_SET_KEY_TYPE,
		(((TYPE_PROTO << 6 | address) << 6 | TYPE_SERVICE) << 6 | address)
				<< 6 |
			TYPE_SERVICE);
	put_be32(head, NFTA_SET_KEY_LEN, f->key_bytes);
	end(m, head);
}

static void put_chain(struct block_message *m)
{
	struct nlmsghdr *head = begin_table(m, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	struct nlattr *nest;

	mnl_attr_put_strz(head, NFTA_CHAIN_TABLE, BLOCK_TABLE);
	mnl_attr_put_strz(head, NFTA_CHAIN_NAME, CHAIN);
	mnl_attr_put_strz(head, NFTA_CHAIN_TYPE, "filter");
	nest = mnl_attr_nest_start(head, NFTA_CHAIN_HOOK);
	put_be32(head, NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
	put_be32(head, NFTA_HOOK_PRIORITY, (uint32_t)PRIORITY);
	mnl_attr_nest_end(head, nest);
	end(m, head);
}

/* ---- expressions of a rule ---- */

struct expression {
	struct nlattr *element, *data;
};

static struct expression begin_expression(struct nlmsghdr *head, const char *name)
{
	struct expression e;

	e.element = mnl_attr_nest_start(head, NFTA_LIST_ELEM);
	mnl_attr_put_strz(head, NFTA_EXPR_NAME, name);
	e.data = mnl_attr_nest_start(head, NFTA_EXPR_DATA);
	return e;
}

static void end_expression(struct nlmsghdr *head, struct expression e)
{
	mnl_attr_nest_end(head, e.data);
	mnl_attr_nest_end(head, e.element);
}

static void put_meta(struct nlmsghdr *head, uint32_t key, uint32_t reg)
{
	struct expression e = begin_expression(head, "meta");

	put_be32(head, NFTA_META_KEY, key);
	put_be32(head, NFTA_META_DREG, reg);
	end_expression(head, e);
}

static void put_family_is(struct nlmsghdr *head, uint8_t nfproto)
{
	struct expression e;
	struct nlattr *nest;

	put_meta(head, NFT_META_NFPROTO, NFT_REG32_00);
	e = begin_expression(head, "cmp");
	put_be32(head, NFTA_CMP_SREG, NFT_REG32_00);
	put_be32(head, NFTA_CMP_OP, NFT_CMP_EQ);
	nest = mnl_attr_nest_start(head, NFTA_CMP_DATA);
	mnl_attr_put_u8(head, NFTA_DATA_VALUE, nfproto);
	mnl_attr_nest_end(head, nest);
	end_expression(head, e);
}

struct load {
	uint32_t base, at, len, reg;
};

static void put_load(struct nlmsghdr *head, struct load load)
{
	struct expression e = begin_expression(head, "payload");

	put_be32(head, NFTA_PAYLOAD_DREG, load.reg);
	put_be32(head, NFTA_PAYLOAD_BASE, load.base);
	put_be32(head, NFTA_PAYLOAD_OFFSET, load.at);
	put_be32(head, NFTA_PAYLOAD_LEN, load.len);
	end_expression(head, e);
}

static void put_drop(struct nlmsghdr *head)
{
	struct expression e = begin_expression(head, "immediate");
	struct nlattr *data, *verdict;

	put_be32(head, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = mnl_attr_nest_start(head, NFTA_IMMEDIATE_DATA);
	verdict = mnl_attr_nest_start(head, NFTA_DATA_VERDICT);
	put_be32(head, NFTA_VERDICT_CODE, NF_DROP);
	mnl_attr_nest_end(head, verdict);
	mnl_attr_nest_end(head, data);
	end_expression(head, e);
}

static void put_lookup(struct nlmsghdr *head, const struct keyed *f, uint32_t id)
{
	struct expression e = begin_expression(head, "lookup");

	mnl_attr_put_strz(head, NFTA_LOOKUP_SET, f->set);
	put_be32(head, NFTA_LOOKUP_SET_ID, id);
	put_be32(head, NFTA_LOOKUP_SREG, NFT_REG32_00);
	end_expression(head, e);
}

/* meta l4proto . saddr . th sport . daddr . th dport @set drop */
static void put_rule(struct block_message *m, const struct keyed *f, uint32_t id)
{
	struct nlmsghdr *head = begin_table(
		m, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	uint32_t words = f->address_bytes / 4;
	uint32_t source = NFT_REG32_00 + 1, source_port = source + words;
	uint32_t destination = source_port + 1, port = destination + words;
	struct nlattr *list;

	mnl_attr_put_strz(head, NFTA_RULE_TABLE, BLOCK_TABLE);
	mnl_attr_put_strz(head, NFTA_RULE_CHAIN, CHAIN);
	list = mnl_attr_nest_start(head, NFTA_RULE_EXPRESSIONS);
	put_family_is(head, f->nfproto);
	put_meta(head, NFT_META_L4PROTO, NFT_REG32_00);
	put_load(head, (struct load){NFT_PAYLOAD_NETWORK_HEADER, f->source_at,
			       f->address_bytes, source});
	put_load(head, (struct load){NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, source_port});
	put_load(head, (struct load){NFT_PAYLOAD_NETWORK_HEADER, f->destination_at,
			       f->address_bytes, destination});
	put_load(head, (struct load){NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, port});
	put_lookup(head, f, id);
	put_drop(head);
	mnl_attr_nest_end(head, list);
	end(m, head);
}

void block_message_create(struct block_message *m, uint32_t serial, bool owned)
{
	struct nlmsghdr *head;

	open_batch(m, serial);
	head = begin_table(m, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	mnl_attr_put_strz(head, NFTA_TABLE_NAME, BLOCK_TABLE);
	put_be32(head, NFTA_TABLE_FLAGS, owned ? NFT_TABLE_F_OWNER : 0);
	end(m, head);
	put_chain(m);
	for (uint32_t i = 0; i < 2; i++) {
		put_set(m, &families[i], i + 1);
		put_rule(m, &families[i], i + 1);
	}
	bracket(m, NFNL_MSG_BATCH_END);
}

void block_message_remove(struct block_message *m, uint32_t serial)
{
	struct nlmsghdr *head;

	open_batch(m, serial);
	head = begin_table(m, NFT_MSG_DELTABLE, 0);
	mnl_attr_put_strz(head, NFTA_TABLE_NAME, BLOCK_TABLE);
	end(m, head);
	bracket(m, NFNL_MSG_BATCH_END);
}

void block_message_ask(struct block_message *m, uint32_t serial)
{
	struct nlmsghdr *head;

	begin_message(m, serial);
	head = begin_table(m, NFT_MSG_GETTABLE, 0);
	mnl_attr_put_strz(head, NFTA_TABLE_NAME, BLOCK_TABLE);
	end(m, head);
}

static uint8_t *put_part(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + (len + 3) / 4 * 4;
}

static void put_element(struct nlmsghdr *head, const struct keyed *f,
	const struct act_target *t, uint64_t timeout_ms)
{
	uint8_t key[44] = {0}, *at = key;
	uint16_t from = htons(t->local_port), to = htons(t->peer_port);
	size_t skip = 16u - f->address_bytes;
	struct nlattr *list, *element, *data;

	at = put_part(at, &t->proto, 1);
	at = put_part(at, t->local.b + skip, f->address_bytes);
	at = put_part(at, &from, 2);
	at = put_part(at, t->peer.b + skip, f->address_bytes);
	(void)put_part(at, &to, 2); /* the last one */
	mnl_attr_put_strz(head, NFTA_SET_ELEM_LIST_TABLE, BLOCK_TABLE);
	mnl_attr_put_strz(head, NFTA_SET_ELEM_LIST_SET, f->set);
	list = mnl_attr_nest_start(head, NFTA_SET_ELEM_LIST_ELEMENTS);
	element = mnl_attr_nest_start(head, NFTA_LIST_ELEM);
	data = mnl_attr_nest_start(head, NFTA_SET_ELEM_KEY);
	mnl_attr_put(head, NFTA_DATA_VALUE, f->key_bytes, key);
	mnl_attr_nest_end(head, data);
	if (timeout_ms)
		mnl_attr_put_u64(head, NFTA_SET_ELEM_TIMEOUT, htobe64(timeout_ms));
	mnl_attr_nest_end(head, element);
	mnl_attr_nest_end(head, list);
}

static void element_batch(struct block_message *m, uint16_t type,
	const struct act_target *t, uint64_t timeout_ms)
{
	struct nlmsghdr *head = begin_table(
		m, type, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);

	put_element(head, &families[t->family == FAMILY_V6], t, timeout_ms);
	end(m, head);
	bracket(m, NFNL_MSG_BATCH_END);
}

void block_message_add(struct block_message *m, uint32_t serial,
	const struct act_target *t, uint64_t timeout_ms)
{
	open_batch(m, serial);
	element_batch(m, NFT_MSG_NEWSETELEM, t, timeout_ms);
}

void block_message_delete(
	struct block_message *m, uint32_t serial, const struct act_target *t)
{
	open_batch(m, serial);
	element_batch(m, NFT_MSG_DELSETELEM, t, 0);
}
