#include "model/socket_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_BUCKETS 256u

int socket_table_init(
	struct socket_table *t, uint64_t memory_bytes, const struct hash_key *key)
{
	uint64_t most = memory_bytes / (sizeof(struct socket_entry) + 8);
	uint32_t buckets = LEAST_BUCKETS;
	int r;

	if (most > 1u << 24)
		most = 1u << 24;
	while (buckets < most / 2)
		buckets *= 2;
	*t = (struct socket_table){.key = *key, .mask = buckets - 1, .pass = 1};
	t->cookies = calloc(buckets, sizeof(*t->cookies));
	t->keys = calloc(buckets, sizeof(*t->keys));
	r = t->cookies && t->keys ? 0 : -ENOMEM;
	if (r == 0)
		r = slab_init(&t->entries, sizeof(struct socket_entry),
			most ? (uint32_t)most : 1);
	if (r < 0)
		socket_table_done(t);
	return r;
}

void socket_table_done(struct socket_table *t)
{
	free(t->cookies);
	free(t->keys);
	slab_done(&t->entries);
	*t = (struct socket_table){0};
}

static struct socket_entry *at(const struct socket_table *t, uint32_t number)
{
	return slab_at(&t->entries, number);
}

struct socket_entry *socket_table_at(const struct socket_table *t, uint32_t number)
{
	return at(t, number)->round ? at(t, number) : NULL;
}

static uint32_t *cookie_bucket(const struct socket_table *t, uint64_t cookie)
{
	struct hash_state s = hash_begin(&t->key);

	hash_word(&s, cookie);
	return &t->cookies[hash_end(&s, sizeof(cookie)) & t->mask];
}

static uint32_t *key_bucket(const struct socket_table *t, const struct tuple *key)
{
	return &t->keys[tuple_hash(&t->key, key) & t->mask];
}

static struct socket_entry *find_cookie(const struct socket_table *t, uint64_t cookie)
{
	uint32_t n = t->mask ? *cookie_bucket(t, cookie) : 0;

	while (n && at(t, n)->fact.cookie != cookie)
		n = at(t, n)->by_cookie;
	return n ? at(t, n) : NULL;
}

static void unlink_cookie(struct socket_table *t, uint32_t number)
{
	uint32_t *link = cookie_bucket(t, at(t, number)->fact.cookie);

	while (*link != number)
		link = &at(t, *link)->by_cookie;
	*link = at(t, number)->by_cookie;
}

static void unlink_key(struct socket_table *t, uint32_t number)
{
	uint32_t *link = key_bucket(t, &at(t, number)->key);

	while (*link != number)
		link = &at(t, *link)->by_key;
	*link = at(t, number)->by_key;
}

static void link_key(struct socket_table *t, uint32_t number)
{
	uint32_t *bucket = key_bucket(t, &at(t, number)->key);

	at(t, number)->by_key = *bucket;
	*bucket = number;
}

/* The connection of a fact; the number of the socket's own endpoint. */
static unsigned key_of(const struct socket_fact *f, struct tuple *out)
{
	*out = (struct tuple){.proto = f->proto, .family = f->family};
	if (socket_has(f, SOCKET_PEER))
		return tuple_order(
			out, &f->local, f->local_port, &f->peer, f->peer_port);
	out->addr[0] = f->local;
	out->port[0] = f->local_port;
	return 0;
}

static uint32_t add(struct socket_table *t, const struct socket_fact *fact)
{
	uint32_t number = slab_alloc(&t->entries);
	uint32_t *bucket = cookie_bucket(t, fact->cookie);
	struct socket_entry *e;

	if (!number) {
		t->lost++;
		return 0;
	}
	if (number > t->highest)
		t->highest = number;
	e = at(t, number);
	*e = (struct socket_entry){.by_cookie = *bucket};
	*bucket = number;
	e->end = (uint8_t)key_of(fact, &e->key);
	link_key(t, number);
	return number;
}

/* A datagram socket may be connected anew, and a TCP one begin or stop to listen. */
static void move(
	struct socket_table *t, uint32_t number, const struct socket_fact *fact)
{
	struct socket_entry *e = at(t, number);
	struct tuple key;
	unsigned end = key_of(fact, &key);

	e->end = (uint8_t)end;
	if (tuple_equal(&key, &e->key))
		return;
	unlink_key(t, number);
	e->key = key;
	link_key(t, number);
}

static uint32_t number_of(const struct socket_table *t, const struct socket_entry *e)
{
	return (uint32_t)(((const uint8_t *)e - t->entries.base) /
			  t->entries.record_bytes);
}

void socket_table_begin(struct socket_table *t)
{
	t->round++;
	t->lost = 0;
}

void socket_table_tell(
	struct socket_table *t, const struct socket_fact *fact, uint64_t now_ns)
{
	struct socket_entry *e = find_cookie(t, fact->cookie);
	uint32_t number = e ? number_of(t, e) : add(t, fact);

	if (!number)
		return;
	if (e)
		move(t, number, fact);
	else
		at(t, number)->first_ns = now_ns;
	e = at(t, number);
	e->fact = *fact;
	e->seen_ns = now_ns;
	e->round = t->round ? t->round : 1;
	e->alone = !socket_has(fact, SOCKET_PEER);
	e->gone = fact->died;
}

static void forget(struct socket_table *t, uint32_t number)
{
	unlink_cookie(t, number);
	unlink_key(t, number);
	at(t, number)->round = 0;
	slab_free(&t->entries, number);
}

void socket_table_end(struct socket_table *t)
{
	for (uint32_t n = 1; n <= t->highest; n++) {
		struct socket_entry *e = socket_table_at(t, n);

		if (!e || e->round == t->round)
			continue;
		if (t->round - e->round > 1)
			forget(t, n);
		else
			e->gone = true;
	}
}

void socket_table_own(struct socket_table *t, const struct owner_fact *owner,
	const struct process *process)
{
	struct socket_entry *e = find_cookie(t, owner->cookie);

	if (!e)
		return;
	e->owner = *owner;
	e->process = process;
	e->has_owner = true;
}

/* One that lives goes before one that is gone: the tuple was used again. */
struct socket_entry *socket_table_find(
	const struct socket_table *t, const struct tuple *key, unsigned end)
{
	struct socket_entry *gone = NULL;

	for (uint32_t n = *key_bucket(t, key); n; n = at(t, n)->by_key) {
		struct socket_entry *e = at(t, n);

		if (e->end != end || !tuple_equal(&e->key, key))
			continue;
		if (!e->gone)
			return e;
		gone = e;
	}
	return gone;
}

static bool serves(const struct socket_entry *e, const struct tuple *key)
{
	return e->alone && !e->gone && tuple_equal(&e->key, key) &&
	       (e->fact.proto != PROTO_TCP || e->fact.state == TCP_LISTEN);
}

/* *count grows by those that there are. */
static struct socket_entry *servers(
	const struct socket_table *t, const struct tuple *key, unsigned *count)
{
	struct socket_entry *found = NULL;

	for (uint32_t n = *key_bucket(t, key); n; n = at(t, n)->by_key)
		if (serves(at(t, n), key)) {
			found = at(t, n);
			++*count;
		}
	return found;
}

struct socket_entry *socket_table_server(
	const struct socket_table *t, const struct tuple *key, unsigned end)
{
	const struct addr any[] = {addr_v4((const uint8_t[4]){0}), {{0}}};
	struct tuple at_port = {
		.proto = key->proto, .family = key->family, .scope = key->scope};
	struct socket_entry *found;
	unsigned count = 0;

	at_port.addr[0] = key->addr[end];
	at_port.port[0] = key->port[end];
	found = servers(t, &at_port, &count);
	for (unsigned v6 = key->family == FAMILY_V6; v6 < 2 && count == 0; v6++) {
		at_port.family = v6 ? FAMILY_V6 : FAMILY_V4;
		at_port.addr[0] = any[v6];
		found = servers(t, &at_port, &count);
		if (found && v6 && key->family == FAMILY_V4 && found->fact.v6only)
			return NULL;
	}
	return count == 1 ? found : NULL;
}

static bool is_server(const struct services *services, uint8_t proto, uint16_t port)
{
	return services ? services_is_server(services, proto, port) : port < 1024;
}

/* Is there anything that serves there, even several that share the port? */
static bool is_served(
	const struct socket_table *t, const struct tuple *key, unsigned end)
{
	const struct addr any[] = {addr_v4((const uint8_t[4]){0}), {{0}}};
	struct tuple at_port = {.proto = key->proto, .family = key->family};
	unsigned count = 0;

	at_port.addr[0] = key->addr[end];
	at_port.port[0] = key->port[end];
	(void)servers(t, &at_port, &count);
	for (unsigned v6 = key->family == FAMILY_V6; v6 < 2; v6++) {
		at_port.family = v6 ? FAMILY_V6 : FAMILY_V4;
		at_port.addr[0] = any[v6];
		(void)servers(t, &at_port, &count);
	}
	return count > 0;
}

unsigned socket_table_orient(const struct socket_table *t, const struct socket_entry *e,
	const struct services *services)
{
	unsigned own = e->end, peer = !e->end;
	uint8_t proto = e->fact.proto;

	if (e->alone) /* it has no peer; the socket itself answers */
		return peer;
	if (proto == PROTO_TCP && e->fact.state == TCP_SYN_SENT)
		return own;
	if (proto == PROTO_TCP && e->fact.state == TCP_SYN_RECEIVED)
		return peer;
	if (is_served(t, &e->key, own))
		return peer;
	/* Where the peer is in this table too, its listener is. */
	if (socket_table_find(t, &e->key, peer) && is_served(t, &e->key, peer))
		return own;
	return is_server(services, proto, e->key.port[own]) &&
			       !is_server(services, proto, e->key.port[peer])
		       ? peer
		       : own;
}
