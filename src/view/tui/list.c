#include "view/tui/list.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "core/proto.h"
#include "view/tui/ask.h"
#include "view/tui/rows.h"

/* "10.0.0.1:443" with the port's name. */
static void name_port(struct buf *out, const struct tui *t, const struct value *v)
{
	const char *colon = memrchr(v->str.ptr, ':', v->str.len), *name = NULL;
	size_t host = colon ? (size_t)(colon - v->str.ptr) + 1 : v->str.len;
	uint64_t port;

	/* The last group of an IPv6 address is no port: that comes after a bracket. */
	if (colon && colon != memchr(v->str.ptr, ':', v->str.len) && colon[-1] != ']')
		colon = NULL;
	if (colon && num_parse_u64(colon + 1, v->str.len - host, &port) &&
		port < 65536) {
		name = services_name(t->style.services, PROTO_TCP, (uint16_t)port);
		if (!name)
			name = services_name(
				t->style.services, PROTO_UDP, (uint16_t)port);
	}
	if (!name) {
		text_clean(out, v->str.ptr, v->str.len);
		return;
	}
	text_clean(out, v->str.ptr, host);
	buf_str(out, name);
}

void list_cell(struct buf *out, const struct tui *t, const struct column *c,
	const struct value *v)
{
	if (c->type == TYPE_STR && layout_middle(c) && v->present &&
		!t->style.numeric && t->style.services)
		name_port(out, t, v);
	else
		view_cell(out, c, v, &t->style);
}

void list_measure(struct tui *t, const struct snapshot *s)
{
	for (unsigned i = 0; i < s->columns; i++) {
		const struct column *c = snapshot_column(s, i);
		size_t index = (size_t)(c - column_at(0)), width;

		if (index >= LAYOUT_COLUMNS)
			continue;
		for (unsigned row = 0; row < s->rows; row++) {
			struct value v = snapshot_cell(s, row, i);

			t->content[index].looked_at = true;
			if (!v.present)
				continue;
			t->content[index].known = true;
			buf_reset(&t->scratch);
			list_cell(&t->scratch, t, c, &v);
			width = text_columns(t->scratch.data, t->scratch.len);
			if (width > t->content[index].width)
				t->content[index].width = (uint8_t)(width < 255 ? width
										: 255);
		}
	}
}

static void fit(struct tui *t, const struct snapshot *s)
{
	uint16_t columns[QUERY_COLUMNS];
	uint8_t priority[QUERY_COLUMNS];
	struct layout_want want = {
		.columns = columns,
		.priority = priority,
		.left = screen_frame(t).left,
		.cols = t->paint.cols,
		.cursor = ask_cell(t),
		.sort = ask_over_window(t, t->sort),
		.content = t->content,
	};

	for (unsigned i = 0; i < t->n_wanted; i++)
		if (screen_find(s, t->wanted[i]) >= 0) {
			priority[want.n_columns] = t->priority[i];
			columns[want.n_columns++] = t->wanted[i];
		}
	layout_fit(&t->layout, &want);
	for (unsigned i = 0; i < t->layout.count; i++)
		t->layout.at[i].at = screen_find(s, t->layout.at[i].column);
}

static void draw_titles(struct tui *t, int y)
{
	int sort = ask_over_window(t, t->sort), cell = t->cell < 0 ? -1 : ask_cell(t);
	const char *arrow = t->reverse ? paint_glyph(&t->paint, "▼", "v")
				       : paint_glyph(&t->paint, "▲", "^");

	paint_fill(&t->paint, y, 0, t->paint.cols, ROLE_TITLE);
	for (unsigned i = 0; i < t->layout.count; i++) {
		const struct field *f = &t->layout.at[i];
		const struct column *c = column_at(f->column);
		int len = (int)strlen(c->title);
		bool right = layout_right(c);
		int role = ROLE_TITLE | (f->column == cell ? PAINT_REVERSE : 0);
		int x = right && len < f->width ? f->x + f->width - len : f->x;
		int arrow_x = right ? x - 1 : x + len;

		paint_text(&t->paint, (struct spot){y, x, f->width}, role, c->title,
			strlen(c->title));
		if (f->column == sort && arrow_x < t->paint.cols)
			paint_str(&t->paint, y, arrow_x, role, arrow);
	}
}

/* Zeros and unknowns stand back, so that the eye lands on what moves. */
static int cell_role(const struct column *c, const struct value *v, int role)
{
	bool nothing = !v->present ||
		       (v->num == 0 && (c->type == TYPE_BPS || c->type == TYPE_BYTES ||
					       c->type == TYPE_COUNT));

	return nothing && role == ROLE_TEXT ? ROLE_DIM : role;
}

static void draw_cell(
	struct tui *t, int y, const struct field *f, const struct value *v, int role)
{
	const struct column *c = column_at(f->column);
	struct buf *b = &t->scratch;
	struct layout_cut cut = {
		f->width, layout_middle(c), paint_glyph(&t->paint, "…", "~")};
	size_t from, width;
	int x = f->x;

	buf_reset(b);
	if (v->present)
		list_cell(b, t, c, v);
	else
		buf_char(b, '-');
	from = b->len;
	width = text_columns(b->data, b->len);
	if (width > (size_t)f->width) {
		if (!buf_reserve(b, from + 8))
			return; /* the cell stays empty */
		layout_shorten(b, b->data, from, &cut);
		width = text_columns(b->data + from, b->len - from);
	} else {
		from = 0;
	}
	if (layout_right(c))
		x += f->width - (int)width;
	paint_text(&t->paint, (struct spot){y, x, f->width}, cell_role(c, v, role),
		b->data + from, b->len - from);
}

/* With one column for both, the rarer mark wins. */
static void draw_marks(struct tui *t, int y, const struct row_look *look, int flags)
{
	bool both = screen_frame(t).left > 2, sign = look->sign[0] != ' ';

	if (both || !sign)
		paint_str(
			&t->paint, y, both ? 1 : 0, look->role | flags, look->activity);
	if (sign)
		paint_str(&t->paint, y, 0,
			(look->trouble ? ROLE_TROUBLE : look->role) | flags,
			look->sign);
}

static void draw_row(
	struct tui *t, const struct snapshot *s, unsigned row, bool selected)
{
	int y = screen_frame(t).body + (int)row, cell = t->cell < 0 ? -1 : ask_cell(t);
	struct row_look look = rows_look(t, s, row);
	int flags = selected ? PAINT_REVERSE : 0;

	if (selected)
		paint_fill(&t->paint, y, 0, t->paint.cols, look.role | flags);
	for (unsigned i = 0; i < t->layout.count; i++) {
		const struct field *f = &t->layout.at[i];
		bool trouble = look.trouble && f->column == t->facts.state;
		int role = (trouble ? ROLE_TROUBLE : look.role) | flags;
		struct value v = {0};

		if (f->at >= 0)
			v = snapshot_cell(s, row, (unsigned)f->at);
		if (selected && f->column == cell)
			role |= PAINT_UNDERLINE | PAINT_BOLD;
		draw_cell(t, y, f, &v, role);
	}
	draw_marks(t, y, &look, flags);
}

/* Why there is nothing to see. */
static void explain_empty(struct tui *t, struct buf *out)
{
	const struct totals *n = &t->totals;

	if (!t->has_totals) {
		buf_str(out, "Waiting for the first data.");
	} else if (n->rows > 0 && (t->filter || t->established_only)) {
		buf_fmt(out, "None of %llu connections matches",
			(unsigned long long)n->rows);
		if (t->filter_text[0])
			buf_fmt(out, " \"%s\"", t->filter_text);
		buf_str(out, t->established_only ? " (established only: a shows all)."
						 : ".");
		buf_str(out, " Del clears the filter.");
	} else if (n->counters.packets > 0) {
		buf_fmt(out,
			"%llu packets were read, but no connection is left to show: "
			"%llu "
			"were not understood, %llu filtered out.",
			(unsigned long long)n->counters.packets,
			(unsigned long long)(n->counters.packets - n->counters.parsed -
					     n->counters.filtered),
			(unsigned long long)n->counters.filtered);
	} else if (n->ended) {
		buf_str(out, "There is no packet in this file.");
	} else {
		buf_fmt(out,
			"No packet yet from %s. A connection appears with its first "
			"one.",
			t->source);
	}
}

/* Bytes of the text that go on one line, cut between words if they can be. */
static size_t line_of(const char *text, size_t len, int width)
{
	size_t n = text_fit(text, len, (size_t)width), cut = n;

	if (n == len)
		return n;
	while (cut > 0 && text[cut] != ' ')
		cut--;
	return cut > 0 ? cut : n;
}

/* Words of one paragraph over several lines. */
static void draw_paragraph(struct tui *t, int y, const char *text, size_t len)
{
	int width = t->paint.cols - 2 > 1 ? t->paint.cols - 2 : 1;

	for (; len > 0 && y < t->paint.rows; y++) {
		size_t n = line_of(text, len, width);

		if (n == 0)
			return;
		paint_text(&t->paint, (struct spot){y, t->paint.cols > 2, width},
			ROLE_DIM, text, n);
		n += n < len && text[n] == ' ';
		text += n;
		len -= n;
	}
}

void list_draw(struct tui *t)
{
	struct frame frame = screen_frame(t);
	const struct snapshot *s = t->list.block;
	int selected = screen_selected_row(t);

	if (s)
		fit(t, s);
	if (s && frame.title >= 0)
		draw_titles(t, frame.title);
	if (!s || s->rows == 0) {
		struct buf why = {0};

		explain_empty(t, &why);
		draw_paragraph(
			t, frame.body + (frame.body_rows > 3), why.data, why.len);
		buf_done(&why);
		return;
	}
	rows_begin(t, s);
	for (unsigned i = 0; i < s->rows && (int)i < frame.body_rows; i++)
		draw_row(t, s, i, (int)i == selected);
}
