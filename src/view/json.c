#include <assert.h>
#include <string.h>

#include "base/put.h"
#include "view/encode.h"
#include "view/outputs.h"

#define START       "{\"kind\":\"conn\""
#define END         "}\n"
#define KEY_ROOM    48 /* of each key, copied whole: a fixed size is cheap */
#define KEY_AROUND  4
#define SCALAR_MOST (ENCODE_SCALAR_MOST + 2) /* with quotes */

/* A key with what is around it: ,"bytes": */
struct json_key {
	char text[KEY_ROOM];
	uint8_t len;
};

struct json_table {
	struct json_key keys[QUERY_COLUMNS];
	size_t most; /* bytes of a row but for its texts */
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

	made->most = sizeof(START) + sizeof(END);
	for (unsigned i = 0; i < t->count; i++) {
		const char *key = t->columns[i]->key;
		struct json_key *k = &made->keys[i];

		assert(strlen(key) <= KEY_ROOM - KEY_AROUND);
		k->len = (uint8_t)(put_key(k->text, key, strlen(key)) - k->text);
		made->most += sizeof(k->text) + SCALAR_MOST;
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

static void row(struct buf *out, const struct view_table *t, const struct cells *c)
{
	const struct json_table *made = t->made;
	bool epoch = t->style->epoch;
	char *at;

	if (!buf_reserve(out, made->most))
		return;
	at = buf_end(out);
	memcpy(at, START, sizeof(START) - 1);
	at += sizeof(START) - 1;
	for (unsigned i = 0; i < t->count; i++) {
		enum type type = t->columns[i]->type;
		struct value v = cells_get(c, t->columns[i], i);

		if (!v.present)
			continue;
		memcpy(at, made->keys[i].text, KEY_ROOM);
		at += made->keys[i].len;
		if (type_is_whole(type)) {
			at = put_u64(at, v.num);
			continue;
		}
		if (!type_is_text(type)) {
			at = put_scalar(at, type, &v, epoch);
			continue;
		}
		buf_end_at(out, at);
		add_text(out, type, &v);
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
