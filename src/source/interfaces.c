#include "source/interfaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

void interfaces_done(struct interfaces *all)
{
	free(all->list);
	*all = (struct interfaces){0};
}

static int clean_name(const char *raw, size_t raw_len, char out[static 64])
{
	struct buf clean = {0};
	size_t len;
	int r;

	text_clean(&clean, raw, raw_len < 64 ? raw_len : 64);
	len = clean.len < 63 ? clean.len : 63;
	while (len < clean.len && len && (clean.data[len] & 0xc0) == 0x80)
		len--; /* never half a character */
	memset(out, 0, 64);
	if (len)
		memcpy(out, clean.data, len);
	r = clean.oom ? -ENOMEM : 0;
	buf_done(&clean);
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
