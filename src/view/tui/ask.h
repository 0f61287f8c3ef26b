/* ask — turns what the user chose into the query of the next snapshot. */
#ifndef KONN_VIEW_TUI_ASK_H
#define KONN_VIEW_TUI_ASK_H

#include "view/tui/screen.h"

#define ASK_SEARCH_ROWS 4096 /* rows looked through at a time by a search */

/* The columns of a fresh screen, and the numbers of those that colours need. */
void ask_start(struct tui *t, const struct tui_setup *setup);

/* After any change of the state: brings t->query (and its serial) up to date. */
void ask_refresh(struct tui *t);

/* A new filter text (NULL: none), together with "established only". On failure nothing
 * changes. */
int ask_filter(struct tui *t, const char *text, unsigned *out_at, struct err *err);

/* Shows or hides a column. */
void ask_toggle_column(struct tui *t, unsigned column);
bool ask_is_chosen(const struct tui *t, unsigned column);

/* The column shown in place of `column`: the same rate over t->window seconds. */
int ask_over_window(const struct tui *t, int column);

/* The column of the cell cursor: chosen with the arrow keys, else the sort column. */
int ask_cell(const struct tui *t);

#endif
