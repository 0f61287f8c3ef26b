/* rows — what a row's colour and mark say: new, changed, gone, active, in trouble. */
#ifndef KONN_VIEW_TUI_ROWS_H
#define KONN_VIEW_TUI_ROWS_H

#include "view/tui/screen.h"

struct row_look {
	int role;
	bool trouble;
	const char *sign; /* "!" trouble, "+" new, "~" changed, "-" gone, " " none */
	const char
		*activity; /* packets since the last frame: both ways, up, down, none */
};

/* Before the rows of a frame. */
void rows_begin(struct tui *t, const struct snapshot *s);

/* Once a frame for each visible row. */
struct row_look rows_look(struct tui *t, const struct snapshot *s, unsigned row);

#endif
