#include <string.h>

#include "view/tui/ask.h"
#include "view/tui/screens.h"

enum { KEYS = 20 }; /* columns for the name of a column */

static void draw_item(struct tui *t, int y, unsigned index)
{
	const struct column *c = column_at(index);
	bool here = index == t->menu_at;
	bool on = t->menu == MENU_COLUMNS ? ask_is_chosen(t, index)
					  : (int)index == t->sort;
	int role = here ? ROLE_TEXT | PAINT_REVERSE : on ? ROLE_STRONG : ROLE_TEXT;
	int width = t->paint.cols;

	paint_fill(&t->paint, y, 0, width, role);
	if (t->menu == MENU_COLUMNS)
		paint_str(&t->paint, y, 1, role, on ? "[x]" : "[ ]");
	else
		paint_str(&t->paint, y, 1, role,
			on ? t->reverse ? paint_glyph(&t->paint, " ▼", " v")
					: paint_glyph(&t->paint, " ▲", " ^")
			   : "");
	paint_text(
		&t->paint, (struct spot){y, 5, KEYS - 1}, role, c->key, strlen(c->key));
	paint_text(&t->paint, (struct spot){y, 5 + KEYS, 12}, role, c->title,
		strlen(c->title));
	paint_str(&t->paint, y, 5 + KEYS + 13, role, c->help);
}

void menu_draw(struct tui *t)
{
	struct frame f = screen_frame(t);
	unsigned rows = f.body_rows > 0 ? (unsigned)f.body_rows : 1, top = 0;

	if (f.title >= 0) {
		paint_fill(&t->paint, f.title, 0, t->paint.cols, ROLE_TITLE);
		paint_str(&t->paint, f.title, 1, ROLE_TITLE,
			t->menu == MENU_SORT ? "Sort by"
					     : "Columns, shown as far as they fit");
	}
	if (t->menu_at >= rows / 2)
		top = t->menu_at - rows / 2;
	if (column_count() > rows && top > column_count() - rows)
		top = column_count() - rows;
	if (column_count() <= rows)
		top = 0;
	for (unsigned i = 0; i < rows && top + i < column_count(); i++)
		draw_item(t, f.body + (int)i, top + i);
}
