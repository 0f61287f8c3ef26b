#include <string.h>

#include "base/text.h"
#include "view/encode.h"
#include "view/outputs.h"
#include "view/text_layout.h"

#define BOLD  "\x1b[1m"
#define PLAIN "\x1b[0m"

static void make(struct view_table *t)
{
	text_layout_fit(t->made, t);
}

/* Cuts a finished line at the terminal's edge so that it never wraps. */
static void end_line(struct buf *out, size_t from, unsigned limit)
{
	size_t len = out->len - from;

	if (limit && len > limit)
		out->len = from + text_fit(out->data + from, len, limit);
}

static void head(struct buf *out, const struct view_table *t)
{
	const struct text_layout *l = t->made;
	unsigned pos = 0;
	size_t line;

	if (t->style->color)
		buf_str(out, BOLD);
	line = out->len;
	for (unsigned i = 0; i < l->count; i++) {
		size_t from = out->len;

		buf_str(out, t->columns[l->columns[i].index]->title);
		text_layout_cell(out, l, i, from, &pos);
	}
	end_line(out, line, l->limit);
	buf_str(out, t->style->color ? PLAIN "\n" : "\n");
}

static void row(struct buf *out, const struct view_table *t, const struct cells *c)
{
	const struct text_layout *l = t->made;
	size_t line = out->len;
	unsigned pos = 0;

	for (unsigned i = 0; i < l->count; i++) {
		unsigned index = l->columns[i].index;
		struct value v = cells_get(c, t->columns[index]->get, index);
		size_t from = out->len;

		view_cell(out, t->columns[index], &v, t->style);
		text_layout_cell(out, l, i, from, &pos);
	}
	end_line(out, line, l->limit);
	buf_char(out, '\n');
}

static void add_map(struct buf *out, const struct record_field *f)
{
	for (unsigned i = 0; i < f->map_size; i++) {
		if (i > 0)
			buf_char(out, ',');
		buf_str(out, f->map[i].name);
		buf_char(out, ':');
		buf_u64(out, f->map[i].count);
	}
}

/* kind key=value …, for a record that brings no line of its own. */
static void add_fields(
	struct buf *out, const struct record *r, const struct view_style *v)
{
	buf_str(out, r->kind);
	for (unsigned i = 0; i < r->count; i++) {
		const struct record_field *f = &r->fields[i];
		const struct column as = {.type = f->type, .width = 20};

		if (f->map ? f->map_size == 0 : !f->value.present)
			continue;
		buf_char(out, ' ');
		buf_str(out, f->key);
		buf_char(out, '=');
		if (f->map)
			add_map(out, f);
		else
			view_cell(out, &as, &f->value, v);
	}
}

static void record(
	struct buf *out, const struct record *r, const struct view_style *v, bool first)
{
	(void)first;
	if (r->text)
		encode_text(out, r->text, strlen(r->text));
	else
		add_fields(out, r, v);
	buf_char(out, '\n');
}

const struct view view_text = {
	.name = "text",
	.made_bytes = sizeof(struct text_layout),
	.make = make,
	.head = head,
	.row = row,
	.record = record,
};
