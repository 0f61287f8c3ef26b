#include "model/getters.h"

#include "model/home.h"
#include "model/memo.h"

static enum direction direction_of(const struct row *r)
{
	const struct tuple *k = row_key(r);
	unsigned o = row_orig(r);
	const struct addr *orig, *resp;
	const struct home *home;
	bool orig_home, resp_home;

	if (!has_orig(r) || !r->world || !r->world->has_home || !r->world->home)
		return DIRECTION_NONE;
	home = r->world->home;
	orig = &k->addr[o];
	resp = &k->addr[!o];
	orig_home = r->end[o] || home_has(home, orig, k->family);
	resp_home = r->end[!o] || home_has(home, resp, k->family);
	if (orig_home)
		return resp_home ? DIRECTION_LOCAL : DIRECTION_OUT;
	/* What is sent to a group by others arrives here and goes nowhere else. */
	if (resp_home || addr_is_multicast(resp, k->family))
		return DIRECTION_IN;
	return DIRECTION_FORWARDED;
}

enum direction row_direction(const struct row *r)
{
	struct row_memo *m = r->memo;

	if (!m)
		return direction_of(r);
	if (!(m->has & MEMO_DIRECTION))
		m->direction = (uint8_t)direction_of(r);
	m->has |= MEMO_DIRECTION;
	return m->direction;
}

int row_local(const struct row *r)
{
	unsigned orig = row_orig(r);

	if (!r->flow && r->alone)
		return !orig;
	if (r->end[0] || r->end[1])
		return (int)(r->end[orig] ? orig : !orig);
	switch (row_direction(r)) {
	case DIRECTION_LOCAL:
	case DIRECTION_OUT: return (int)orig;
	case DIRECTION_IN: return !orig;
	default: return -1;
	}
}

struct value end_direction(const struct row *r)
{
	static const char *const names[] = {
		[DIRECTION_NONE] = NULL,
		[DIRECTION_IN] = "in",
		[DIRECTION_OUT] = "out",
		[DIRECTION_LOCAL] = "local",
		[DIRECTION_FORWARDED] = "forwarded",
	};

	return value_text(names[row_direction(r)]);
}

struct value end_addr(const struct row *r, bool local)
{
	int end = row_local(r);

	if (end < 0 || (!local && !has_orig(r)))
		return value_absent();
	end ^= !local;
	return value_addr(&row_key(r)->addr[end], row_key(r)->family);
}

struct value end_port(const struct row *r, bool local)
{
	int end = key_has_ports(row_key(r)) ? row_local(r) : -1;

	if (end < 0 || (!local && !has_orig(r)))
		return value_absent();
	return value_number(row_key(r)->port[end ^ !local]);
}

struct value end_bps(const struct row *r, bool local)
{
	int end = row_local(r);

	if (end < 0)
		return value_absent();
	return flow_bps(r, (unsigned)(end ^ !local), RATE_1S);
}

struct value end_state(const struct row *r)
{
	const struct flow *f = r->flow;
	int end = row_local(r);

	if (end < 0 || f->side[end].state == TCP_STATE_NONE)
		end = f->orig;
	return value_text(tcp_state_name(f->side[end].state));
}
