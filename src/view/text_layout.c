#include "view/text_layout.h"

#include <string.h>

#include "base/text.h"

#define GAP        1 /* blanks between columns */
#define CUT        ".."
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
static bool is_address(const struct buf *cell)
{
	for (size_t i = 0; i < cell->len; i++)
		if (!memchr(ADDRESS, cell->data[i], sizeof(ADDRESS) - 1))
			return false;
	return true;
}

static bool may_be_cut(enum type type)
{
	return type == TYPE_STR || type == TYPE_LIST || type == TYPE_ADDR;
}

/* Marks the columns that fit; returns nothing taken twice. */
static void choose(
	const struct snapshot *s, unsigned columns, unsigned limit, bool *taken)
{
	unsigned used = 0;

	for (unsigned priority = 0; priority < PRIORITIES; priority++) {
		for (unsigned i = 0; i < columns; i++) {
			const struct column *c = snapshot_column(s, i);
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

void text_layout_fit(
	struct text_layout *l, const struct snapshot *s, const struct view_style *v)
{
	unsigned columns = view_columns(s, v) < QUERY_COLUMNS ? view_columns(s, v)
							      : QUERY_COLUMNS;
	bool taken[QUERY_COLUMNS] = {false};

	l->limit = v->width;
	l->total = l->count = 0;
	choose(s, columns, v->width, taken);
	for (unsigned i = 0; i < columns; i++) {
		const struct column *c = snapshot_column(s, i);

		if (!taken[i])
			continue;
		if (l->count > 0)
			l->total += GAP;
		l->columns[l->count++] = (struct text_column){
			.column = c,
			.index = i,
			.start = l->total,
			.width = width_of(c),
			.right = is_right(c->type),
		};
		l->total += width_of(c);
	}
}

static void add_cut(
	struct buf *line, const struct buf *cell, unsigned columns, bool in_middle)
{
	size_t head, tail = 0;

	if (columns <= 2 * CUT_LEN) {
		buf_add(line, cell->data, text_fit(cell->data, cell->len, columns));
		return;
	}
	columns -= CUT_LEN;
	if (in_middle)
		tail = columns / 2; /* addresses are ASCII: a byte is a column */
	head = text_fit(cell->data, cell->len, columns - tail);
	buf_add(line, cell->data, head);
	buf_str(line, CUT);
	buf_add(line, cell->data + cell->len - tail, tail);
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

void text_layout_cell(struct buf *line, const struct text_layout *l, unsigned column,
	const struct buf *cell, unsigned *pos)
{
	const struct text_column *c = &l->columns[column];
	unsigned wide = (unsigned)text_columns(cell->data, cell->len);
	unsigned at = c->start, room;
	bool cut;

	if (*pos + GAP > at && column > 0)
		at = *pos + GAP;
	room = room_for(l, c, at);
	cut = l->limit && wide > room && may_be_cut(c->column->type);
	if (cut)
		wide = room;
	if (c->right && at + wide < c->start + c->width)
		at = c->start + c->width - wide;
	buf_fill(line, ' ', at - *pos);
	if (cut)
		add_cut(line, cell, room, is_address(cell));
	else
		buf_add(line, cell->data, cell->len);
	*pos = at + wide;
}
