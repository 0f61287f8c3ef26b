#include <assert.h>
#include <string.h>

#include "base/put.h"
#include "view/encode.h"
#include "view/outputs.h"

#define START       "{\"kind\":\"conn\""
#define END         "}\n"
#define KEY_ROOM    40 /* copied whole: a fixed size is cheap */
#define KEY_AROUND  4
#define SCALAR_MOST (ENCODE_SCALAR_MOST + 2) /* with quotes */

/* As small as can be: between two rows a lot of packets goes through the caches. */
struct json_column {
	struct value (*get)(const struct row *r);
	uint16_t key_at; /* in json_table.keys */
	uint8_t key_len, type;
};

struct json_table {
	size_t most; /* bytes of a row but for its texts */
	struct json_column columns[QUERY_COLUMNS];
	/* Of all columns, one behind the other: ,"bytes": */
	char keys[QUERY_COLUMNS * KEY_ROOM];
};

static void head(struct buf *out, const struct view_table *t)
{
	(void)out; /* each line names its own keys */
	(void)t;
}

/* Keys come from konn's own tables: they need no escapes. */
static char *put_key(char *at, const char *key, size_t len)
{
	*at++ = ',';
	*at++ = '"';
	memcpy(at, key, len);
	at += len;
	*at++ = '"';
	*at++ = ':';
	return at;
}

static void make(struct view_table *t)
{
	struct json_table *made = t->made;
	char *end = made->keys;

	made->most = sizeof(START) + sizeof(END) + KEY_ROOM;
	for (unsigned i = 0; i < t->count; i++) {
		const struct column *c = t->columns[i];
		size_t len = strlen(c->key) + KEY_AROUND;

		assert(len <= KEY_ROOM);
		made->columns[i] = (struct json_column){c->get,
			(uint16_t)(end - made->keys), (uint8_t)len, (uint8_t)c->type};
		end = put_key(end, c->key, len - KEY_AROUND);
		made->most += len + SCALAR_MOST;
	}
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

static void add_text(struct buf *out, enum type type, const struct value *v)
{
	if (type == TYPE_LIST)
		add_list(out, v->str.ptr, v->str.len);
	else
		encode_json(out, v->str.ptr, v->str.len);
}

/* At a place that has room for SCALAR_MOST bytes. */
static char *put_scalar(char *at, enum type type, const struct value *v, bool epoch)
{
	bool quoted = type == TYPE_ADDR || (type == TYPE_TIME && !epoch);

	if (quoted)
		*at++ = '"';
	at = encode_scalar(at, type, v, epoch);
	if (quoted)
		*at++ = '"';
	return at;
}

static void row(struct buf *out, const struct view_table *t, const struct cells *cells)
{
	const struct json_table *made = t->made;
	char *at;

	if (!buf_reserve(out, made->most))
		return;
	at = buf_end(out);
	memcpy(at, START, sizeof(START) - 1);
	at += sizeof(START) - 1;
	for (unsigned i = 0; i < t->count; i++) {
		const struct json_column *c = &made->columns[i];
		struct value v = cells_get(cells, c->get, i);

		if (!v.present)
			continue;
		memcpy(at, made->keys + c->key_at, KEY_ROOM);
		at += c->key_len;
		if (type_is_whole(c->type)) {
			at = put_u64(at, v.num);
			continue;
		}
		if (!type_is_text(c->type)) {
			at = put_scalar(at, c->type, &v, t->style->epoch);
			continue;
		}
		buf_end_at(out, at);
		add_text(out, c->type, &v);
		if (!buf_reserve(out, made->most))
			return;
		at = buf_end(out);
	}
	memcpy(at, END, sizeof(END) - 1);
	buf_end_at(out, at + sizeof(END) - 1);
}

static void add_value(
	struct buf *out, enum type type, const struct value *v, bool epoch)
{
	if (type_is_text(type))
		add_text(out, type, v);
	else if (buf_reserve(out, SCALAR_MOST))
		buf_end_at(out, put_scalar(buf_end(out), type, v, epoch));
}

static void add_key(struct buf *out, const char *key)
{
	size_t len = strlen(key);

	if (buf_reserve(out, len + KEY_AROUND))
		buf_end_at(out, put_key(buf_end(out), key, len));
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
		add_key(out, f->key);
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
	.made_bytes = sizeof(struct json_table),
	.make = make,
	.head = head,
	.row = row,
	.record = record,
	.summary_inline = true,
};
