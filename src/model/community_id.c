#include <nettle/base64.h>
#include <nettle/sha1.h>

#include "model/getters.h"

#define HASHED_MOST (2 + 16 + 16 + 6)

/* What the hash is made of, in the order of "community-id-spec" version 1. */
struct sides {
	const struct addr *from, *to;
	uint16_t from_port, to_port;
	bool one_way; /* keeps its order */
};

struct icmp_pair {
	uint8_t type, answer;
};

/* Messages that belong to one conversation with their answers. */
static const struct icmp_pair pairs_v4[] = {
	{8, 0}, {10, 9}, {13, 14}, {15, 16}, {17, 18}};
static const struct icmp_pair pairs_v6[] = {
	{128, 129}, {130, 131}, {133, 134}, {135, 136}, {139, 140}, {144, 145}};

/* The type that answers, or asked for, this one; -1 when it stands alone. */
static int icmp_counterpart(bool v6, uint8_t type)
{
	const struct icmp_pair *pairs = v6 ? pairs_v6 : pairs_v4;
	unsigned count = v6 ? sizeof(pairs_v6) / sizeof(*pairs_v6)
			    : sizeof(pairs_v4) / sizeof(*pairs_v4);

	for (unsigned i = 0; i < count; i++) {
		if (pairs[i].type == type)
			return pairs[i].answer;
		if (pairs[i].answer == type)
			return pairs[i].type;
	}
	return -1;
}

/* Replies to which the originator is known although it was not seen (flow/orient). */
static bool is_reply(bool v6, uint8_t type)
{
	if (v6)
		return type == 129;
	return type == 0 || type == 14 || type == 16 || type == 18 || type == 43;
}

static struct sides icmp_sides(const struct flow *f)
{
	bool v6 = f->key.proto == PROTO_ICMPV6;
	bool answered = f->facts & FLOW_ORIENTED && is_reply(v6, f->icmp_type);
	unsigned sender = answered ? !f->orig : f->orig;
	int counterpart = icmp_counterpart(v6, f->icmp_type);

	return (struct sides){
		.from = &f->key.addr[sender],
		.to = &f->key.addr[!sender],
		.from_port = f->icmp_type,
		.to_port = counterpart < 0 ? f->icmp_code : (uint16_t)counterpart,
		.one_way = counterpart < 0,
	};
}

static struct sides in_order(struct sides s)
{
	int order = memcmp(s.from->b, s.to->b, 16);

	if (s.one_way || order < 0 || (order == 0 && s.from_port < s.to_port))
		return s;
	return (struct sides){s.to, s.from, s.to_port, s.from_port, false};
}

/* Writes what the hash is made of; returns how many bytes. */
static size_t hashed(
	const struct flow *f, const struct sides *s, uint8_t out[HASHED_MOST])
{
	const uint8_t rest[6] = {f->key.proto, 0, (uint8_t)(s->from_port >> 8),
		(uint8_t)s->from_port, (uint8_t)(s->to_port >> 8), (uint8_t)s->to_port};
	size_t skip = f->key.family == FAMILY_V4 ? 12 : 0, len = 16 - skip;

	out[0] = out[1] = 0; /* seed */
	memcpy(out + 2, s->from->b + skip, len);
	memcpy(out + 2 + len, s->to->b + skip, len);
	memcpy(out + 2 + 2 * len, rest, sizeof(rest));
	return 2 + 2 * len + sizeof(rest);
}

struct value text_community_id(const struct row *r)
{
	const struct flow *f = r->flow;
	struct sides s = {&f->key.addr[0], &f->key.addr[1], f->key.port[0],
		f->key.port[1], false};
	uint8_t digest[SHA1_DIGEST_SIZE], bytes[HASHED_MOST];
	char text[2 + BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE)] = {'1', ':'};
	struct buf *out = text_start(r);
	struct sha1_ctx sha;

	if (!out)
		return value_absent();
	s = in_order(is_icmp(f) ? icmp_sides(f) : s);
	sha1_init(&sha);
	sha1_update(&sha, hashed(f, &s, bytes), bytes);
	sha1_digest(&sha, sizeof(digest), digest);
	base64_encode_raw(text + 2, sizeof(digest), digest);
	buf_add(out, text, sizeof(text));
	return text_end(out);
}
