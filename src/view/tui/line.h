/* line — what is typed at the bottom: the search and the filter line. */
#ifndef KONN_VIEW_TUI_LINE_H
#define KONN_VIEW_TUI_LINE_H

#include "view/tui/screen.h"

/* A key while a line is being typed; `is_code`: a key of curses, else a character. */
void line_key(struct tui *t, bool is_code, unsigned key);

#endif
