#include "app/fields.h"

#include <assert.h>
#include <string.h>

void fields_add(struct fields *f, const char *const *keys, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int column = column_find(keys[i], strlen(keys[i]));

		assert(column >= 0 && f->count < FIELDS_MOST);
		f->columns[f->count++] = column_at((unsigned)column);
	}
}

void fields_done(struct fields *f)
{
	buf_done(&f->text);
}

static bool is_text(enum type type)
{
	return type == TYPE_STR || type == TYPE_LIST;
}

/* Text made by getters lasts until the next one: it is copied, and pointed to at the
 * end. */
void fields_of(
	struct fields *f, const struct row *r, unsigned told, struct record_field *out)
{
	size_t at[FIELDS_MOST] = {0};

	buf_reset(&f->text);
	for (unsigned i = 0; i < f->count; i++) {
		const struct column *c = f->columns[i];
		struct value v = {0};

		if (i < told)
			v = c->get(r);
		at[i] = f->text.len;
		if (v.present && is_text(c->type))
			buf_add(&f->text, v.str.ptr, v.str.len);
		out[i] = (struct record_field){
			.key = c->key, .type = c->type, .value = v};
	}
	for (unsigned i = 0; i < f->count; i++)
		if (out[i].value.present && is_text(out[i].type)) {
			out[i].value.present = !f->text.oom;
			out[i].value.str.ptr = f->text.data + at[i];
		}
}

void fields_cell(struct buf *out, const struct row *r, const char *before,
	const char *key, const struct view_style *style)
{
	const struct column *c = column_at((unsigned)column_find(key, strlen(key)));
	struct value v = c->get(r);

	if (!v.present)
		return;
	buf_str(out, before);
	view_cell(out, c, &v, style);
}
