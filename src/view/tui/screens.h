/* screens — the parts of the screen beside the list; each draws itself whole. */
#ifndef KONN_VIEW_TUI_SCREENS_H
#define KONN_VIEW_TUI_SCREENS_H

#include "view/tui/screen.h"

void header_draw(struct tui *t);
void detail_draw(struct tui *t);
void help_draw(struct tui *t);
void menu_draw(struct tui *t);
void bottom_draw(struct tui *t); /* status, keys, the line being typed */

/* The details of a snapshot of one connection as "key: value" lines, for the clipboard.
 */
void detail_text(struct buf *out, const struct snapshot *s);

#endif
