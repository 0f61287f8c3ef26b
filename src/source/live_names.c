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

static void add_name(struct buf *out, const char *name, unsigned already)
{
	if (already)
		buf_str(out, ", ");
	text_clean(out, name, strlen(name));
}

/* The names at exactly this distance. Returns how many are in the list now. */
static unsigned add_near(struct buf *out, const struct link *links, unsigned count,
	const char *name, unsigned distance, unsigned already)
{
	for (unsigned i = 0; i < count && already < NEAREST_MOST; i++)
		if (text_distance(links[i].name, name) == distance)
			add_name(out, links[i].name, already++);
	return already;
}

static int unknown(
	const char *name, const struct link *links, unsigned count, struct err *err)
{
	struct buf shown = {0}, list = {0};
	unsigned near = 0, most = (unsigned)strlen(name) / 2;
	int r;

	for (unsigned d = 0; d <= most; d++)
		near = add_near(&list, links, count, name, d, near);
	for (unsigned i = 0; !near && i < count && i < ALL_MOST; i++)
		add_name(&list, links[i].name, i);
	text_clean(&shown, name, strlen(name));
	r = err_set(err, EXIT_NO_INTERFACE, "no interface %s; %s %s", buf_cstr(&shown),
		near ? "did you mean" : "there are", buf_cstr(&list));
	buf_done(&shown);
	buf_done(&list);
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
