#include <string.h>

#include "view/encode.h"
#include "view/outputs.h"

/* Lines end with LF alone, as every other text tool here writes them. */

static void head(struct buf *out, const struct view_table *t)
{
	for (unsigned i = 0; i < t->count; i++) {
		const char *key = t->columns[i]->key;

		if (i > 0)
			buf_char(out, ',');
		encode_csv(out, key, strlen(key));
	}
	buf_char(out, '\n');
}

/* Absent: nothing between the commas. */
static void add_value(
	struct buf *out, enum type type, const struct value *v, bool epoch)
{
	if (!v->present)
		return;
	if (type_is_text(type))
		encode_csv(out, v->str.ptr, v->str.len);
	else if (buf_reserve(out, ENCODE_SCALAR_MOST))
		buf_end_at(out, encode_scalar(buf_end(out), type, v, epoch));
}

static void row(struct buf *out, const struct view_table *t, const struct cells *c)
{
	for (unsigned i = 0; i < t->count; i++) {
		struct value v = cells_get(c, t->columns[i]->get, i);

		if (i > 0)
			buf_char(out, ',');
		add_value(out, t->columns[i]->type, &v, t->style->epoch);
	}
	buf_char(out, '\n');
}

/* name=count;name=count in one field. */
static void add_map(struct buf *out, const struct record_field *f)
{
	struct buf text = {0};

	for (unsigned i = 0; i < f->map_size; i++) {
		buf_str(&text, f->map[i].name);
		buf_char(&text, '=');
		buf_u64(&text, f->map[i].count);
		buf_char(&text, '\0'); /* ends an item of a list */
	}
	out->oom |= text.oom;
	encode_csv(out, buf_cstr(&text), text.len);
	buf_done(&text);
}

static void record_head(struct buf *out, const struct record *r)
{
	buf_str(out, "kind");
	for (unsigned i = 0; i < r->count; i++) {
		buf_char(out, ',');
		encode_csv(out, r->fields[i].key, strlen(r->fields[i].key));
	}
	buf_char(out, '\n');
}

static void record(
	struct buf *out, const struct record *r, const struct view_style *v, bool first)
{
	if (first)
		record_head(out, r);
	encode_csv(out, r->kind, strlen(r->kind));
	for (unsigned i = 0; i < r->count; i++) {
		const struct record_field *f = &r->fields[i];

		buf_char(out, ',');
		if (f->map)
			add_map(out, f);
		else if (f->truth && f->value.present)
			buf_str(out, f->value.num ? "true" : "false");
		else
			add_value(out, f->type, &f->value, v->epoch);
	}
	buf_char(out, '\n');
}

const struct view view_csv = {
	.name = "csv",
	.head = head,
	.row = row,
	.record = record,
};
