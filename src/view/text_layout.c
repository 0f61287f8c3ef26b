#include "view/text_layout.h"

#include <string.h>

#include "base/text.h"

#define GAP        1 /* blanks between columns */
#define CUT        '.'
#define CUT_LEN    2
#define ADDRESS    "0123456789abcdef:.[]"
#define PRIORITIES 100

static unsigned width_of(const struct column *c)
{
	unsigned title = (unsigned)text_columns(c->title, strlen(c->title));

	return c->width > title ? c->width : title;
}

static bool is_right(enum type type)
{
	return type >= TYPE_COUNT && type != TYPE_TIME;
}

/* Addresses, with port or link address too, tell most at both ends. */
static bool is_address(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!memchr(ADDRESS, text[i], sizeof(ADDRESS) - 1))
			return false;
	return true;
}

static bool may_be_cut(enum type type)
{
	return type == TYPE_STR || type == TYPE_LIST || type == TYPE_ADDR;
}

/* Marks the columns that fit; returns nothing taken twice. */
static void choose(const struct view_table *t, unsigned limit, bool *taken)
{
	unsigned used = 0;

	for (unsigned priority = 0; priority < PRIORITIES; priority++) {
		for (unsigned i = 0; i < t->count; i++) {
			const struct column *c = t->columns[i];
			unsigned need = width_of(c) + (used ? GAP : 0);

			if (c->priority != priority)
				continue;
			if (limit && priority && used + need > limit)
				continue;
			taken[i] = true;
			used += need;
		}
	}
}

void text_layout_fit(struct text_layout *l, const struct view_table *t)
{
	bool taken[QUERY_COLUMNS] = {false};

	l->limit = t->style->width;
	l->total = l->count = 0;
	choose(t, l->limit, taken);
	for (unsigned i = 0; i < t->count; i++) {
		const struct column *c = t->columns[i];

		if (!taken[i])
			continue;
		if (l->count > 0)
			l->total += GAP;
		l->columns[l->count++] = (struct text_column){
			.index = i,
			.start = l->total,
			.width = width_of(c),
			.right = is_right(c->type),
			.may_be_cut = may_be_cut(c->type),
		};
		l->total += width_of(c);
	}
}

/*
 * Cuts the text at the end of a line to so many columns. What stands for the rest is
 * never longer than that: a column is a byte at least.
 */
static void cut(struct buf *line, size_t from, unsigned columns)
{
	char *text = line->data + from;
	size_t len = line->len - from, head, tail = 0;

	if (columns <= 2 * CUT_LEN) {
		line->len = from + text_fit(text, len, columns);
		return;
	}
	columns -= CUT_LEN;
	if (is_address(text, len))
		tail = columns / 2; /* addresses are ASCII: a byte is a column */
	head = text_fit(text, len, columns - tail);
	memmove(text + head + CUT_LEN, text + len - tail, tail);
	memset(text + head, CUT, CUT_LEN);
	line->len = from + head + CUT_LEN + tail;
}

/* Columns that a cell may take, given how late the line already is. */
static unsigned room_for(
	const struct text_layout *l, const struct text_column *c, unsigned at)
{
	unsigned late = at > c->start ? at - c->start : 0;
	unsigned slack = l->limit > l->total ? l->limit - l->total : 0;
	unsigned room = c->width + slack;

	return room > late ? room - late : 0;
}

/* Blanks before the text at the end of a line. */
static void indent(struct buf *line, size_t from, unsigned blanks)
{
	if (blanks == 0 || !buf_reserve(line, blanks))
		return;
	memmove(line->data + from + blanks, line->data + from, line->len - from);
	memset(line->data + from, ' ', blanks);
	line->len += blanks;
}

void text_layout_cell(struct buf *line, const struct text_layout *l, unsigned column,
	size_t from, unsigned *pos)
{
	const struct text_column *c = &l->columns[column];
	unsigned wide = (unsigned)text_columns(line->data + from, line->len - from);
	unsigned at = c->start, room;

	if (*pos + GAP > at && column > 0)
		at = *pos + GAP;
	room = room_for(l, c, at);
	if (l->limit && wide > room && c->may_be_cut) {
		cut(line, from, room);
		wide = room;
	}
	if (c->right && at + wide < c->start + c->width)
		at = c->start + c->width - wide;
	indent(line, from, at - *pos);
	*pos = at + wide;
}
