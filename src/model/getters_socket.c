#include "model/getters.h"

struct value socket_state(const struct socket_entry *e)
{
	if (!e)
		return value_absent();
	if (e->fact.proto != PROTO_TCP)
		return value_text(e->fact.state == TCP_ESTABLISHED ? "ESTABLISHED"
								   : "UNCONNECTED");
	return value_text(tcp_state_name(e->fact.state));
}

/* The socket whose state is the row's; of one that is gone it was an earlier one. */
static const struct socket_entry *state_of(const struct row *r)
{
	const struct socket_entry *e = row_end(r, END_PLAIN);

	return e && !e->gone && e->fact.proto == PROTO_TCP ? e : NULL;
}

struct value row_state(const struct row *r)
{
	const struct socket_entry *e = state_of(r);

	if (e)
		return socket_state(e);
	return V_IF(is_tcp(r->flow), end_state(r));
}

const char *row_state_source(const struct row *r)
{
	if (state_of(r))
		return "socket";
	return row_state(r).present ? "packets" : NULL;
}

/* Constant for the row's life; "" is absent. */
static struct value text_of(const char *text)
{
	return S_IF(text[0], text);
}

struct value owner_process(const struct socket_entry *e)
{
	return V_IF(e && e->process, text_of(e->process->fact.comm));
}

struct value owner_exe(const struct socket_entry *e)
{
	return V_IF(e && e->process, text_of(e->process->exe));
}

struct value owner_cmdline(const struct socket_entry *e)
{
	return V_IF(e && e->process, text_of(e->process->cmdline));
}

struct value owner_unit(const struct socket_entry *e)
{
	return V_IF(e && e->process, text_of(e->process->unit));
}

struct value owner_container(const struct socket_entry *e)
{
	return V_IF(e && e->process, text_of(e->process->container));
}

struct value owner_user(const struct row *r, const struct socket_entry *e)
{
	const struct row_world *w = r->world;

	if (!gives(e, SOCKET_UID) || !w || !w->user_name)
		return value_absent();
	return value_text(w->user_name(w->user_ctx, e->fact.uid));
}

/* A cookie is never used again until the next boot, and the key is the boot's. */
uint64_t row_uid(const struct row *r)
{
	const struct socket_entry *e = row_end(r, END_PLAIN);

	if (r->flow)
		return flow_uid(r->flow, &r->world->uid_key);
	return e ? hash_bytes(
			   &r->world->uid_key, &e->fact.cookie, sizeof(e->fact.cookie))
		 : 0;
}
