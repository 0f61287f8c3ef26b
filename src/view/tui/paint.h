/* paint — puts text on the curses screen: clipped, cleaned, in roles instead of
 * colours. */
#ifndef KONN_VIEW_TUI_PAINT_H
#define KONN_VIEW_TUI_PAINT_H

#include <stdbool.h>
#include <stddef.h>

enum role { /* what a piece of text is; colour only means change or trouble */
	ROLE_TEXT,
	ROLE_STRONG,
	ROLE_DIM,
	ROLE_TITLE,
	ROLE_BAR, /* header and footer lines */
	ROLE_KEY,
	ROLE_NEW,
	ROLE_CHANGED,
	ROLE_GONE,
	ROLE_TROUBLE,
	ROLE_COUNT,
};

#define PAINT_REVERSE   0x100 /* or-ed to a role: the selected row */
#define PAINT_UNDERLINE 0x200 /* or-ed to a role: the cell under the cursor */
#define PAINT_BOLD      0x400

struct paint {
	int rows, cols; /* of the screen */
	bool utf8;      /* the locale's codeset; else only ASCII is drawn */
	bool color;
};

/* After newterm: sets up the colour pairs if they are wanted and the terminal has them.
 */
void paint_start(struct paint *p, bool want_color);

struct spot {
	int y, x, width; /* at most so many columns */
};

/*
 * Writes text at a spot, never outside of the screen. Whatever is not printable, or
 * which libc and konn think differently wide, becomes '?'. Returns the columns used.
 */
int paint_text(
	const struct paint *p, struct spot at, int role, const char *text, size_t len);
int paint_str(const struct paint *p, int y, int x, int role, const char *text);

/* Blanks `width` columns in the role's attributes. */
void paint_fill(const struct paint *p, int y, int x, int width, int role);

/* `utf8` or, on an ASCII terminal, `ascii`. */
static inline const char *paint_glyph(
	const struct paint *p, const char *utf8, const char *ascii)
{
	return p->utf8 ? utf8 : ascii;
}

#endif
