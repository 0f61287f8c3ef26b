#include "view/tui/paint.h"

#include <curses.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"

static const struct {
	short foreground;     /* -1: the terminal's own */
	attr_t colored, mono; /* attributes with and without colours */
} roles[ROLE_COUNT] = {
	[ROLE_TEXT] = {-1, A_NORMAL, A_NORMAL},
	[ROLE_STRONG] = {-1, A_BOLD, A_BOLD},
	[ROLE_DIM] = {-1, A_DIM, A_DIM},
	[ROLE_TITLE] = {-1, A_BOLD | A_UNDERLINE, A_BOLD | A_UNDERLINE},
	[ROLE_BAR] = {-1, A_NORMAL, A_NORMAL},
	[ROLE_KEY] = {-1, A_BOLD, A_BOLD},
	[ROLE_NEW] = {COLOR_GREEN, A_NORMAL, A_BOLD},
	[ROLE_CHANGED] = {COLOR_YELLOW, A_NORMAL, A_BOLD},
	[ROLE_GONE] = {COLOR_RED, A_NORMAL, A_NORMAL},
	[ROLE_TROUBLE] = {COLOR_RED, A_BOLD, A_BOLD},
};

void paint_start(struct paint *p, bool want_color)
{
	p->color = want_color && has_colors() && start_color() == OK;
	if (!p->color)
		return;
	/* a terminal that cannot say "my own background" gets black, its usual one */
	short background = use_default_colors() == OK ? -1 : COLOR_BLACK;

	for (int i = 0; i < ROLE_COUNT; i++) {
		short color = roles[i].foreground;

		if (color < 0 && background >= 0)
			color = COLOR_WHITE;
		(void)init_pair((short)(i + 1), color, background); /* stays plain */
	}
}

static void set_role(const struct paint *p, int role)
{
	unsigned plain = (unsigned)role & 0xff;
	attr_t attributes = p->color ? roles[plain].colored : roles[plain].mono;
	short pair = p->color && roles[plain].foreground >= 0 ? (short)(plain + 1) : 0;

	if (role & PAINT_REVERSE)
		attributes = (attributes & ~A_DIM) | A_REVERSE;
	if (role & PAINT_UNDERLINE)
		attributes |= A_UNDERLINE;
	if (role & PAINT_BOLD)
		attributes |= A_BOLD;
	(void)attr_set(attributes, pair, NULL); /* cannot fail on an open screen */
}

/* The next character as it may be drawn, and its width. */
static size_t next_char(const struct paint *p, const char *text, size_t len,
	wchar_t *out, int *out_width)
{
	uint32_t c = (uint8_t)text[0];

	if (c >= ' ' && c <= '~') { /* nearly all there is */
		*out = (wchar_t)c;
		*out_width = 1;
		return 1;
	}
	size_t used = text_utf8(text, len, &c);
	int width = used ? text_width(c) : 1;

	*out = L'?';
	*out_width = 1;
	if (!used)
		return 1;
	if (!text_printable(c))
		return used;
	if (!p->utf8 && c > 0x7e) {
		*out_width = width > 0 ? 1 : 0;
		return used;
	}
	/* curses places text by libc's idea of width: trust a character only if both
	 * agree */
	if (wcwidth((wchar_t)c) == width) {
		*out = (wchar_t)c;
		*out_width = width;
	}
	return used;
}

int paint_text(
	const struct paint *p, struct spot at, int role, const char *text, size_t len)
{
	enum { MOST = 1000 }; /* a line of the widest screen with marks to combine */
	wchar_t line[MOST];
	int line_len = 0, x = at.x, end;

	if (at.y < 0 || at.y >= p->rows || x < 0 || x >= p->cols || at.width <= 0)
		return 0;
	end = at.width < p->cols - x ? x + at.width : p->cols;
	for (size_t i = 0; i < len && line_len < MOST;) {
		wchar_t c;
		int columns;
		size_t used = next_char(p, text + i, len - i, &c, &columns);

		if (x + columns > end)
			break;
		i += used;
		if (columns == 0 && (x == at.x || c == L'?'))
			continue; /* nothing to combine with */
		line[line_len++] = c;
		x += columns;
	}
	set_role(p, role);
	/* "fails" in the last cell of the screen: the cursor cannot move on */
	(void)mvaddnwstr(at.y, at.x, line, line_len);
	return x - at.x;
}

int paint_str(const struct paint *p, int y, int x, int role, const char *text)
{
	return paint_text(p, (struct spot){y, x, p->cols}, role, text, strlen(text));
}

void paint_fill(const struct paint *p, int y, int x, int width, int role)
{
	if (y < 0 || y >= p->rows || x < 0 || x >= p->cols || width <= 0)
		return;
	set_role(p, role);
	(void)mvhline(y, x, ' ', width < p->cols - x ? width : p->cols - x);
}
