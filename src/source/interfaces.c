#include "source/interfaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "source/clean.h"

void interfaces_done(struct interfaces *all)
{
	free(all->list);
	*all = (struct interfaces){0};
}

static int clean_name(const char *raw, size_t raw_len, char out[static 64])
{
	struct buf scratch = {0};
	int r;

	(void)clean_into(&scratch, raw, raw_len, out, 64); /* cut is fine */
	r = scratch.oom ? -ENOMEM : 0;
	buf_done(&scratch);
	return r;
}

static int grow(struct interfaces *all)
{
	unsigned cap = all->cap ? all->cap * 2 : 8;
	struct source_interface *list;

	if (all->count < all->cap)
		return 0;
	list = realloc(all->list, cap * sizeof(*list));
	if (!list)
		return -ENOMEM;
	all->list = list;
	all->cap = cap;
	return 0;
}

int interfaces_add(
	struct interfaces *all, const char *name, size_t name_len, uint16_t linktype)
{
	struct source_interface new = {.linktype = linktype};
	int r = clean_name(name, name_len, new.name);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < all->count; i++)
		if (all->list[i].linktype == linktype &&
			!memcmp(all->list[i].name, new.name, sizeof(new.name)))
			return (int)i;
	if (all->count == INTERFACES_MOST)
		return INTERFACES_MOST - 1;
	if (all->count == INTERFACES_MOST - 1)
		memcpy(new.name, "(others)", sizeof("(others)"));
	r = grow(all);
	if (r < 0)
		return r;
	all->list[all->count] = new;
	return (int)all->count++;
}
