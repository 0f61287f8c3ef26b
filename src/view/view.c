#include "view/view.h"

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
