/* tty — the terminal itself: opening, giving back, size, clipboard. */
#ifndef KONN_VIEW_TUI_TTY_H
#define KONN_VIEW_TUI_TTY_H

#include <curses.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct tty {
	SCREEN *screen; /* owned */
	FILE *in, *out; /* owned; of duplicates of tty */
	int tty;        /* borrowed */
	bool away;      /* given back for a while (suspended) */
	bool can_copy;  /* the terminal is one that understands OSC 52 */
	bool utf8;
};

/* Exit 64 for no terminal, an unknown one or one that cannot place the cursor. */
int tty_open(struct tty *t, int tty, struct err *err);
void tty_close(struct tty *t);
void tty_suspend(struct tty *t);
void tty_resume(struct tty *t);

/* Tells curses the terminal's present size. */
void tty_resize(struct tty *t);

/* True when nobody is at the other end any more. */
bool tty_hung_up(const struct tty *t);

/* Puts text on the user's clipboard; false when this terminal cannot. */
bool tty_copy(struct tty *t, const char *text, size_t len);

#endif
