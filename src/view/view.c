#include "view/view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "view/outputs.h"

static const struct view *const views[] = {
#define VIEW(name_) &view_##name_,
#include "view/generated_outputs.def"
#undef VIEW
	NULL,
};

const struct view *view_find(const char *name)
{
	for (const struct view *const *v = views; *v; v++)
		if (strcmp((*v)->name, name) == 0)
			return *v;
	return NULL;
}

bool view_table_init(struct view_table *t, const struct view *view,
	const struct view_style *style, const struct column *const *columns,
	unsigned count)
{
	assert(count <= QUERY_COLUMNS);
	*t = (struct view_table){.view = view, .style = style, .count = count};
	for (unsigned i = 0; i < count; i++)
		t->columns[i] = columns[i];
	if (!view->make)
		return true;
	t->made = calloc(1, view->made_bytes);
	if (t->made)
		view->make(t);
	return t->made != NULL;
}

void view_table_done(struct view_table *t)
{
	free(t->made);
	t->made = NULL;
}
