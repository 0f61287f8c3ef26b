#include <curses.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "view/tui/ask.h"
#include "view/tui/screens.h"

#define MESSAGE_NS 6000000000u

/* "9–20 of 438 · sorted by IN/s" */
static void list_status(struct tui *t, struct buf *out)
{
	const char *dot = paint_glyph(&t->paint, " · ", ", ");
	const struct snapshot *s = t->list.block;
	unsigned long long first = s ? s->first + 1ull : 0;

	if (s && s->rows > 0)
		buf_fmt(out, "%llu%s%llu of ", first, paint_glyph(&t->paint, "–", "-"),
			first + s->rows - 1);
	if (s)
		buf_fmt(out, "%llu", (unsigned long long)s->totals.matched);
	if (s && s->totals.matched != s->totals.rows)
		buf_fmt(out, " (%llu in all)", (unsigned long long)s->totals.rows);
	if (t->sort >= 0)
		buf_fmt(out, "%sby %s %s", dot,
			column_at((unsigned)ask_over_window(t, t->sort))->title,
			t->reverse ? paint_glyph(&t->paint, "▼", "desc")
				   : paint_glyph(&t->paint, "▲", "asc"));
}

static void left_status(struct tui *t, struct buf *out)
{
	bool fresh = t->totals.now_ns - t->message_ns < MESSAGE_NS;

	if (t->message[0] && fresh) {
		buf_str(out, t->message);
		return;
	}
	t->message[0] = '\0';
	if (t->search.active)
		buf_fmt(out, "searching %s", t->search.text);
	else if (t->mode == MODE_LIST && t->filter_text[0])
		buf_fmt(out, "filter: %s%s", t->filter_text,
			t->established_only ? " (established only)" : "");
	else if (t->mode == MODE_LIST && t->established_only)
		buf_str(out, "established only");
	else if (t->mode == MODE_LIST && t->cursor.selected &&
		 screen_selected_row(t) < 0)
		buf_str(out, "the selected connection is not on this page");
	else if (t->scroll_most > 0 && (t->mode == MODE_DETAIL || t->mode == MODE_HELP))
		buf_fmt(out, "line %u of %u", t->scroll + 1, t->scroll_most + 1);
}

static void draw_status(struct tui *t, int y)
{
	struct buf left = {0}, right = {0};
	int cols = t->paint.cols, width, role;

	left_status(t, &left);
	role = t->message[0] && t->message_trouble ? ROLE_TROUBLE
	       : t->message[0]                     ? ROLE_STRONG
						   : ROLE_TEXT;
	if (t->mode == MODE_LIST)
		list_status(t, &right);
	width = (int)text_columns(right.data, right.len);
	/* what the user should read now goes before what is always there */
	if (left.len > 0 && (int)text_columns(left.data, left.len) + width + 3 > cols)
		width = 0;
	paint_text(&t->paint, (struct spot){y, 1, cols - 1 - (width ? width + 2 : 0)},
		role, left.data, left.len);
	if (width > 0 && cols - width - 1 >= 0)
		paint_text(&t->paint, (struct spot){y, cols - width - 1, width},
			ROLE_DIM, right.data, right.len);
	buf_done(&left);
	buf_done(&right);
}

/* Two columns apart; returns where the next one goes. */
static int draw_key(struct tui *t, int y, int x, const char *name, const char *word)
{
	x += paint_str(&t->paint, y, x, ROLE_KEY, name) + 1;
	return x + paint_str(&t->paint, y, x, ROLE_TEXT, word) + 2;
}

/* The keys of this page that have a word for it; the way to help and out always. */
static void draw_keys(struct tui *t, int y)
{
	unsigned bit = 1u << t->mode;
	bool help = t->paint.cols >= 20 && (bit & (ON_LIST | ON_DETAIL)) != 0;
	int x = 1, end = t->paint.cols - (help ? 15 : 7);

	for (unsigned i = 0; i < key_count(); i++) {
		const struct key *k = key_at(i);
		int need = (int)(strlen(k->name) + strlen(k->footer)) + 3;

		if (k->run == action_tick && t->menu != MENU_COLUMNS)
			continue;
		if (k->modes & bit && *k->footer && x + need <= end &&
			k->run != action_help && k->run != action_quit)
			x = draw_key(t, y, x, k->name, k->footer);
	}
	if (end < 0)
		return;
	if (help)
		end = draw_key(t, y, end, "h", "help");
	(void)draw_key(t, y, end, "q", t->mode == MODE_LIST ? "quit" : "back");
}

/* Below the text: where it is wrong and why; what Enter does when it is right. */
static void draw_verdict(struct tui *t, int y, int text_x, size_t skipped)
{
	const struct prompt *p = &t->prompt;
	int at = text_x, width = t->paint.cols, len = (int)strlen(t->prompt_err.text);
	size_t fault = t->prompt_err_at < p->len ? t->prompt_err_at : p->len;

	paint_fill(&t->paint, y, 0, width, ROLE_TEXT);
	if (t->prompt_err.exit_code == 0) {
		paint_str(&t->paint, y, 1, ROLE_DIM,
			"Enter applies, Esc leaves it as it was");
		return;
	}
	if (fault > skipped)
		at += (int)text_columns(p->text + skipped, fault - skipped);
	if (at >= width)
		at = width - 1;
	paint_str(&t->paint, y, at, ROLE_TROUBLE, "^");
	if (at + 2 + len <= width || at < len + 2)
		paint_str(&t->paint, y, at + 2, ROLE_TROUBLE, t->prompt_err.text);
	else
		paint_str(&t->paint, y, at - len - 1, ROLE_TROUBLE, t->prompt_err.text);
}

static void draw_prompt(struct tui *t)
{
	const struct prompt *p = &t->prompt;
	const char *name = t->asking == ASKING_SEARCH ? "search: " : "filter: ";
	int rows = t->paint.rows, y = rows >= 2 ? rows - 2 : 0, x = (int)strlen(name);
	size_t skipped = 0;

	paint_fill(&t->paint, y, 0, t->paint.cols, ROLE_TEXT);
	paint_str(&t->paint, y, 0, ROLE_KEY, name);
	/* a long line scrolls so that the cursor stays in sight */
	while (x + (int)text_columns(p->text + skipped, p->at - skipped) >=
			t->paint.cols &&
		skipped < p->at)
		skipped += text_fit(p->text + skipped, p->len - skipped, 1) ?: 1;
	paint_str(&t->paint, y, x, ROLE_TEXT, p->text + skipped);
	if (rows >= 2)
		draw_verdict(t, rows - 1, x, skipped);
	x += (int)text_columns(p->text + skipped, p->at - skipped);
	(void)curs_set(1); /* not every terminal can hide and show it */
	(void)move(y, x < t->paint.cols ? x : t->paint.cols - 1);
}

void bottom_draw(struct tui *t)
{
	struct frame f = screen_frame(t);

	if (t->asking != ASKING_NOTHING) {
		draw_prompt(t);
		return;
	}
	(void)curs_set(0);
	if (f.status >= 0)
		draw_status(t, f.status);
	else if (t->message[0])
		draw_status(t, t->paint.rows - 1);
	if (f.footer >= 0)
		draw_keys(t, f.footer);
}
