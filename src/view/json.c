#include <string.h>

#include "model/query.h"
#include "view/encode.h"
#include "view/outputs.h"

static void head(struct buf *out, const struct snapshot *s, const struct view_style *v)
{
	(void)out; /* each line names its own keys */
	(void)s;
	(void)v;
}

static void add_list(struct buf *out, const char *list, size_t len)
{
	buf_char(out, '[');
	for (size_t at = 0; at < len;) {
		bool more = at > 0;
		struct encode_item item = encode_next(list, len, &at);

		if (more)
			buf_char(out, ',');
		encode_json(out, item.ptr, item.len);
	}
	buf_char(out, ']');
}

static void add_value(
	struct buf *out, enum type type, const struct value *v, bool epoch)
{
	bool quoted = type == TYPE_ADDR || (type == TYPE_TIME && !epoch);

	if (type == TYPE_STR) {
		encode_json(out, v->str.ptr, v->str.len);
		return;
	}
	if (type == TYPE_LIST) {
		add_list(out, v->str.ptr, v->str.len);
		return;
	}
	if (quoted)
		buf_char(out, '"');
	encode_scalar(out, type, v, epoch);
	if (quoted)
		buf_char(out, '"');
}

/* Keys come from konn's own tables: they need no escapes. */
static void add_key(struct buf *out, const char *key, size_t len)
{
	char *at;

	if (!buf_reserve(out, len + 4))
		return;
	at = out->data + out->len;
	at[0] = ',';
	at[1] = '"';
	memcpy(at + 2, key, len);
	at[len + 2] = '"';
	at[len + 3] = ':';
	out->len += len + 4;
}

/* What is the same for every row of a snapshot. */
struct json_column {
	const char *key;
	size_t key_len;
	enum type type;
};

static unsigned prepare(struct json_column columns[QUERY_COLUMNS],
	const struct snapshot *s, const struct view_style *v)
{
	unsigned count = view_columns(s, v) < QUERY_COLUMNS ? view_columns(s, v)
							    : QUERY_COLUMNS;

	for (unsigned i = 0; i < count; i++) {
		const struct column *c = snapshot_column(s, i);

		columns[i] = (struct json_column){c->key, strlen(c->key), c->type};
	}
	return count;
}

static void rows(struct buf *out, const struct snapshot *s, const struct view_style *v)
{
	static const char start[] = "{\"kind\":\"conn\"";
	struct json_column columns[QUERY_COLUMNS];
	unsigned count = prepare(columns, s, v);

	for (unsigned row = 0; row < s->rows; row++) {
		buf_add(out, start, sizeof(start) - 1);
		for (unsigned i = 0; i < count; i++) {
			struct value value = snapshot_cell(s, row, i);

			if (!value.present)
				continue;
			add_key(out, columns[i].key, columns[i].key_len);
			add_value(out, columns[i].type, &value, v->epoch);
		}
		buf_add(out, "}\n", 2);
	}
}

static void add_map(struct buf *out, const struct record_field *f)
{
	buf_char(out, '{');
	for (unsigned i = 0; i < f->map_size; i++) {
		if (i > 0)
			buf_char(out, ',');
		encode_json(out, f->map[i].name, strlen(f->map[i].name));
		buf_char(out, ':');
		buf_u64(out, f->map[i].count);
	}
	buf_char(out, '}');
}

static void record(
	struct buf *out, const struct record *r, const struct view_style *v, bool first)
{
	(void)first;
	buf_str(out, "{\"kind\":");
	encode_json(out, r->kind, strlen(r->kind));
	for (unsigned i = 0; i < r->count; i++) {
		const struct record_field *f = &r->fields[i];

		if (!f->map && !f->value.present)
			continue;
		add_key(out, f->key, strlen(f->key));
		if (f->map)
			add_map(out, f);
		else if (f->truth)
			buf_str(out, f->value.num ? "true" : "false");
		else
			add_value(out, f->type, &f->value, v->epoch);
	}
	buf_str(out, "}\n");
}

const struct view view_json = {
	.name = "json",
	.head = head,
	.rows = rows,
	.record = record,
	.summary_inline = true,
};
