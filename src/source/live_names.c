#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "source/live_ports.h"

#define NEAREST_MOST 3  /* names proposed for a mistyped one */
#define ALL_MOST     12 /* names listed when none is near */

static bool exists(const struct link *links, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(links[i].name, name) == 0)
			return true;
	return false;
}

struct proposal {
	const struct link *links; /* borrowed */
	unsigned count;
	struct buf list; /* names */
	unsigned names;  /* in the list */
};

static void propose(struct proposal *p, const char *name)
{
	if (p->names++)
		buf_str(&p->list, ", ");
	buf_str(&p->list, name);
}

/* Adds the names at exactly this distance. */
static void propose_near(struct proposal *p, const char *name, unsigned distance)
{
	for (unsigned i = 0; i < p->count && p->names < NEAREST_MOST; i++)
		if (text_distance(p->links[i].name, name) == distance)
			propose(p, p->links[i].name);
}

static int unknown(
	const char *name, const struct link *links, unsigned count, struct err *err)
{
	struct proposal p = {.links = links, .count = count};
	unsigned most = (unsigned)strlen(name) / 2;
	bool near;
	int r;

	for (unsigned d = 0; d <= most; d++)
		propose_near(&p, name, d);
	near = p.names > 0;
	for (unsigned i = 0; !near && i < count && i < ALL_MOST; i++)
		propose(&p, links[i].name);
	r = err_set(err, EXIT_NO_INTERFACE, "no interface %s; %s %s", name,
		near ? "did you mean" : "there are", buf_cstr(&p.list));
	buf_done(&p.list);
	return r;
}

int live_names_check(const struct live_ports *live, const struct link *links,
	unsigned count, struct err *err)
{
	for (unsigned i = 0; i < live->name_count; i++)
		if (!exists(links, count, live->names[i]))
			return unknown(live->names[i], links, count, err);
	return 0;
}
