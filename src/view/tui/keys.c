#include "view/tui/keys.h"

#include <curses.h>
#include <stddef.h>

static const struct key keys[] = {
#define GROUP(title_) {0, 0, title_, NULL, "", ""},
#define KEY(code_, name_, verb_, footer_, help_, modes_) \
	{code_, modes_, name_, action_##verb_, footer_, help_},
#include "view/tui/keys.def"
#undef KEY
#undef GROUP
};

unsigned key_count(void)
{
	return sizeof(keys) / sizeof(keys[0]);
}

const struct key *key_at(unsigned index)
{
	return &keys[index];
}

const struct key *key_find(int code, unsigned mode)
{
	for (unsigned i = 0; i < key_count(); i++)
		if (keys[i].code == code && code != 0 && keys[i].modes & mode)
			return &keys[i];
	return NULL;
}

bool key_known(int code)
{
	return key_find(code, ON_ALL) != NULL;
}
