/* keys — the table of keys: what each does, in which modes, and what the help says. */
#ifndef KONN_VIEW_TUI_KEYS_H
#define KONN_VIEW_TUI_KEYS_H

#include <stdbool.h>

struct tui;

enum mode_bit { /* bit (1 << enum mode) of view/tui/screen.h */
	ON_LIST = 1 << 0,
	ON_DETAIL = 1 << 1,
	ON_HELP = 1 << 2,
	ON_MENU = 1 << 3,
	ON_ALL = ON_LIST | ON_DETAIL | ON_HELP | ON_MENU,
};

struct key {
	int code; /* of curses; 0: the title of a group of the help */
	unsigned modes;
	const char *name; /* "" is not listed */
	void (*run)(struct tui *t);
	const char *footer, *help;
};

unsigned key_count(void);
const struct key *key_at(unsigned index);

/* The key of this code in a mode (a mode_bit); NULL when it does nothing there. */
const struct key *key_find(int code, unsigned mode);

/* True when `code` does something in some other mode. */
bool key_known(int code);

/* One function for each action, named in keys.def only. */
#define CTRL(letter_) ((letter_)&0x1f)
#define GROUP(title_)
#define KEY(code_, name_, verb_, footer_, help_, modes_) \
	void action_##verb_(struct tui *t);
#include "view/tui/keys.def"
#undef KEY
#undef GROUP

#endif
