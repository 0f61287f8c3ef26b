/* search — finds a text in the rows, also in those that are not on the screen. */
#ifndef KONN_VIEW_TUI_SEARCH_H
#define KONN_VIEW_TUI_SEARCH_H

#include "view/tui/screen.h"

/* Starts looking for search.text from the selected row on; the next snapshots are its
 * own. */
void search_start(struct tui *t, bool backward);

/* Looks through a snapshot that the search asked for; ends it when found or all was
 * seen. */
void search_look(struct tui *t, const struct snapshot *s);

#endif
