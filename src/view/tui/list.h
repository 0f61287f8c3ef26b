/* list — the table of connections: one line each. */
#ifndef KONN_VIEW_TUI_LIST_H
#define KONN_VIEW_TUI_LIST_H

#include "view/tui/screen.h"

/* A cell as the screen shows it; cleaned. */
void list_cell(struct buf *out, const struct tui *t, const struct column *c,
	const struct value *v);

/* Notes how wide the columns of a new snapshot are. */
void list_measure(struct tui *t, const struct snapshot *s);

void list_draw(struct tui *t);

#endif
