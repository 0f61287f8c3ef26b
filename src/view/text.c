#include <string.h>

#include "base/text.h"
#include "view/encode.h"
#include "view/outputs.h"
#include "view/text_layout.h"

#define BOLD  "\x1b[1m"
#define PLAIN "\x1b[0m"

/* Adds a finished line, cut at the terminal's edge so that it never wraps. */
static void add_line(struct buf *out, struct buf *line, unsigned limit)
{
	size_t len = line->len;

	if (limit && len > limit)
		len = text_fit(line->data, len, limit);
	buf_add(out, line->data, len);
	out->oom |= line->oom;
}

static void head(struct buf *out, const struct snapshot *s, const struct view_style *v)
{
	struct buf line = {0};
	struct text_layout l;
	unsigned pos = 0;

	text_layout_fit(&l, s, v);
	for (unsigned i = 0; i < l.count; i++) {
		struct buf title = {0};

		buf_str(&title, l.columns[i].column->title);
		text_layout_cell(&line, &l, i, &title, &pos);
		buf_done(&title);
	}
	if (v->color)
		buf_str(out, BOLD);
	add_line(out, &line, l.limit);
	buf_str(out, v->color ? PLAIN "\n" : "\n");
	buf_done(&line);
}

static void rows(struct buf *out, const struct snapshot *s, const struct view_style *v)
{
	struct buf line = {0}, cell = {0};
	struct text_layout l;

	text_layout_fit(&l, s, v);
	for (unsigned row = 0; row < s->rows; row++) {
		unsigned pos = 0;

		buf_reset(&line);
		for (unsigned i = 0; i < l.count; i++) {
			struct value value = snapshot_cell(s, row, l.columns[i].index);

			buf_reset(&cell);
			view_cell(&cell, l.columns[i].column, &value, v);
			text_layout_cell(&line, &l, i, &cell, &pos);
			line.oom |= cell.oom;
		}
		add_line(out, &line, l.limit);
		buf_char(out, '\n');
	}
	buf_done(&cell);
	buf_done(&line);
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
	.head = head,
	.rows = rows,
	.record = record,
};
