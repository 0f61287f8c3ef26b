#include "view/view.h"

#include <string.h>

#include "view/outputs.h"

static const struct view *const views[] = {
#define VIEW(name_) &view_##name_,
#include "view/generated_outputs.def"
#undef VIEW
};

const struct view *view_find(const char *name)
{
	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++)
		if (strcmp(views[i]->name, name) == 0)
			return views[i];
	return NULL;
}
