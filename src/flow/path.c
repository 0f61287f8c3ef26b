#include "flow/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SLOTS (PATHS_MOST * 2)

int paths_init(struct paths *ps, const struct hash_key *key)
{
	*ps = (struct paths){.key = *key};
	ps->path = calloc(PATHS_MOST, sizeof(*ps->path));
	ps->slot = calloc(PATH_SLOTS, sizeof(*ps->slot));
	if (ps->path && ps->slot)
		return 0;
	paths_done(ps);
	return -ENOMEM;
}

void paths_done(struct paths *ps)
{
	free(ps->path);
	free(ps->slot);
	*ps = (struct paths){0};
}

static void path_fill(struct path *path, const struct packet *p)
{
	memset(path, 0, sizeof(*path));
	path->interface = p->interface;
	path->carrier = p->carrier;
	path->scope = p->key.scope;
	path->vlans = p->vlans;
	path->tunnels = p->tunnels;
	for (unsigned i = 0; i < p->vlans; i++)
		path->vlan[i] = p->vlan[i];
	for (unsigned i = 0; i < p->tunnels; i++) {
		path->tunnel_kind[i] = p->tunnel[i].kind;
		path->tunnel_has_id[i] = p->tunnel[i].has_id;
		path->tunnel_id[i] = p->tunnel[i].has_id ? p->tunnel[i].id : 0;
	}
}

uint16_t paths_find(struct paths *ps, const struct packet *p)
{
	struct path want;
	uint32_t at;

	path_fill(&want, p);
	if (ps->newest && memcmp(&ps->path[ps->newest], &want, sizeof(want)) == 0)
		return ps->newest;
	at = (uint32_t)hash_bytes(&ps->key, &want, sizeof(want)) % PATH_SLOTS;
	for (; ps->slot[at]; at = (at + 1) % PATH_SLOTS)
		if (memcmp(&ps->path[ps->slot[at]], &want, sizeof(want)) == 0)
			return ps->newest = ps->slot[at];
	if (ps->used + 1 >= PATHS_MOST)
		return 0;
	ps->newest = ++ps->used;
	ps->path[ps->newest] = want;
	ps->slot[at] = ps->newest;
	return ps->newest;
}

static void path_apply(struct flow *f, const struct path *path)
{
	f->interface = path->interface;
	f->vlans = path->vlans;
	f->tunnels = path->tunnels;
	memcpy(f->vlan, path->vlan, sizeof(f->vlan));
	for (unsigned i = 0; i < path->tunnels; i++)
		f->tunnel[i] = (struct tunnel){path->tunnel_id[i], path->tunnel_kind[i],
			path->tunnel_has_id[i]};
	if (f->interface < 64)
		f->seen_in |= 1ull << f->interface;
}

void path_of_packet(struct flow *f, const struct packet *p)
{
	struct path path;

	path_fill(&path, p);
	path_apply(f, &path);
}

void path_of_number(struct flow *f, const struct paths *ps, uint16_t number)
{
	path_apply(f, &ps->path[number]);
}
