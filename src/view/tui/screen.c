#include "view/tui/screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct frame screen_frame(const struct tui *t)
{
	struct frame f = {
		-1, -1, 0, t->paint.rows, -1, -1, t->paint.cols >= 100 ? 3 : 2};
	int rows = t->paint.rows;

	if (rows >= 4) {
		f.header = 0;
		f.title = rows >= 14 ? 2 : 1;
		f.body = f.title + 1;
		f.body_rows = rows - f.body;
	}
	if (rows >= 8) {
		f.status = rows - 2;
		f.footer = rows - 1;
		f.body_rows -= 2;
	}
	return f;
}

void screen_say(struct tui *t, bool trouble, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(t->message, sizeof(t->message), format, args); /* cut is fine */
	va_end(args);
	t->message_trouble = trouble;
	t->message_ns = t->totals.now_ns;
}

void screen_want(struct tui *t, enum intent_kind kind, uint64_t uid, uint64_t number)
{
	if (t->n_intents > 0 && t->intents[t->n_intents - 1].kind == kind &&
		t->intents[t->n_intents - 1].uid == uid)
		t->n_intents--; /* the newer one of its kind says it all */
	if (t->n_intents == INTENTS)
		t->n_intents--; /* somebody leans on the keyboard: the newest counts */
	t->intents[t->n_intents++] = (struct intent){kind, uid, number};
}

unsigned screen_rows(const struct tui *t)
{
	return t->list.block ? t->list.block->rows : 0;
}

int screen_selected_row(const struct tui *t)
{
	if (!t->cursor.selected || t->cursor.by_rank)
		return -1;
	for (unsigned i = 0; i < screen_rows(t); i++)
		if (snapshot_uid(t->list.block, i) == t->cursor.uid)
			return (int)i;
	return -1;
}

int screen_find(const struct snapshot *s, unsigned column)
{
	for (unsigned i = 0; i < s->columns; i++)
		if (snapshot_column(s, i) == column_at(column))
			return (int)i;
	return -1;
}
