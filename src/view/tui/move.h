/* move — the keys that move: the selection, the cell cursor, and what is scrolled. */
#ifndef KONN_VIEW_TUI_MOVE_H
#define KONN_VIEW_TUI_MOVE_H

#include "view/tui/screen.h"

/* Selects the connection of this rank (the last one, if there are fewer). */
void move_select(struct tui *t, uint64_t rank);

/* Moves the selection, the choice of a menu, or scrolls. */
void move_by(struct tui *t, long by);

/* The mouse wheel: without a selection it scrolls the list. */
void move_wheel(struct tui *t, long by);

/* Sorts by another column, the more interesting end first. */
void move_sort(struct tui *t, int column);

#endif
