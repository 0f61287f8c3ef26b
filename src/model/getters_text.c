#include "model/getters.h"
#include "model/memo.h"

static uint64_t uid_of(const struct row *r)
{
	if (r->memo && r->memo->has & MEMO_UID)
		return r->memo->uid;
	return row_uid(r);
}

/* 'C' and 11 digits, so that all are equally long: 62^11 > 2^64. */
struct value text_uid(const struct row *r)
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	struct buf *out = text_start(r);
	uint64_t uid;
	char text[12];

	if (!out || !r->world)
		return value_absent();
	uid = uid_of(r);
	text[0] = 'C';
	for (unsigned i = 11; i > 0; i--) {
		text[i] = digits[uid % 62];
		uid /= 62;
	}
	buf_add(out, text, sizeof(text));
	return text_end(out);
}

struct value text_proto(const struct row *r)
{
	uint8_t proto = row_key(r)->proto;
	const char *name = proto_name(proto);
	struct buf *out;

	if (name)
		return value_text(name);
	out = text_start(r);
	if (!out)
		return value_absent();
	buf_u64(out, proto);
	return text_end(out);
}

struct value text_endpoint(const struct row *r, unsigned dir)
{
	const struct tuple *key = row_key(r);
	bool port = key_has_ports(key), bracket = port && key->family == FAMILY_V6;
	struct buf *out = text_start(r);

	if (!out)
		return value_absent();
	if (bracket)
		buf_char(out, '[');
	addr_format(out, &key->addr[dir], key->family);
	if (bracket)
		buf_char(out, ']');
	if (port) {
		buf_char(out, ':');
		buf_u64(out, key->port[dir]);
	}
	return text_end(out);
}

struct value text_mac(const struct row *r, unsigned dir)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *m = r->flow->detail[dir].mac;
	struct buf *out = text_start(r);
	char text[18];

	if (!out)
		return value_absent();
	for (unsigned i = 0; i < 6; i++) {
		text[3 * i] = hex[m[i] >> 4];
		text[3 * i + 1] = hex[m[i] & 15];
		text[3 * i + 2] = ':';
	}
	buf_add(out, text, 17);
	return text_end(out);
}

struct value text_vlans(const struct row *r)
{
	struct buf *out = text_start(r);

	if (!out)
		return value_absent();
	for (unsigned i = 0; i < r->flow->vlans && i < PACKET_VLANS; i++) {
		buf_u64(out, r->flow->vlan[i]);
		buf_char(out, '\0');
	}
	return text_end(out);
}

struct value text_tunnels(const struct row *r)
{
	struct buf *out = text_start(r);

	if (!out)
		return value_absent();
	for (unsigned i = 0; i < r->flow->tunnels && i < PACKET_TUNNELS; i++) {
		const struct tunnel *t = &r->flow->tunnel[i];

		buf_str(out, tunnel_name(t->kind));
		if (t->has_id) {
			buf_char(out, ':');
			buf_u64(out, t->id);
		}
		buf_char(out, '\0');
	}
	return text_end(out);
}

static const char *interface_name(const struct row *r, unsigned interface)
{
	const struct row_world *w = r->world;

	if (!w || !w->interface_name)
		return NULL;
	return w->interface_name(w->interface_ctx, (uint16_t)interface);
}

struct value text_interface(const struct row *r)
{
	return value_text(interface_name(r, r->flow->interface));
}

struct value text_seen_in(const struct row *r)
{
	struct buf *out = text_start(r);

	if (!out)
		return value_absent();
	for (uint64_t rest = r->flow->seen_in; rest; rest &= rest - 1) {
		const char *name = interface_name(r, (unsigned)__builtin_ctzll(rest));

		if (!name)
			continue;
		buf_str(out, name);
		buf_char(out, '\0');
	}
	return out->len ? text_end(out) : value_absent();
}

struct value text_sources(const struct row *r)
{
	struct buf *out = text_start(r);

	if (!out)
		return value_absent();
	if (r->flow)
		buf_add(out, "packets", sizeof("packets"));
	if (r->end[0] || r->end[1])
		buf_add(out, "socket", sizeof("socket"));
	return text_end(out);
}
