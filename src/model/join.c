#include "model/join.h"

#include "core/proto.h"
#include "model/home.h"

/* May a socket that is bound to a port alone be this endpoint's? */
static bool at_home(const struct row *r, const struct tuple *key, unsigned end)
{
	return r->world->home && home_has(r->world->home, &key->addr[end], key->family);
}

static void join_end(struct socket_table *t, struct row *r, unsigned end)
{
	const struct tuple *key = row_key(r);
	struct socket_entry *e = socket_table_find(t, key, end);

	if (e)
		e->given = t->pass;
	else if (r->flow && key->proto == PROTO_UDP && at_home(r, key, end))
		e = socket_table_server(t, key, end);
	r->end[end] = e;
}

void join_flow(struct socket_table *t, struct row *r)
{
	if (r->flow->key.proto != PROTO_TCP && r->flow->key.proto != PROTO_UDP)
		return;
	join_end(t, r, 0);
	join_end(t, r, 1);
}

void join_socket(struct socket_table *t, struct socket_entry *e, struct row *r)
{
	r->key = &e->key;
	r->orig = (uint8_t)socket_table_orient(t, e, r->world->services);
	r->alone = e->alone;
	if (!e->alone)
		join_end(t, r, !e->end);
	e->given = t->pass;
	r->end[e->end] = e;
}

struct socket_entry *join_next(const struct socket_table *t, uint32_t number)
{
	struct socket_entry *e = socket_table_at(t, number);

	return e && e->given != t->pass ? e : NULL;
}
