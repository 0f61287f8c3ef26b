#include "app/verb_columns.h"

#include <string.h>

#include "model/column.h"
#include "view/view.h"

/* One property of a column is one field of a record: each output writes it its own way.
 */
enum {
	FIELD_KEY,
	FIELD_TYPE,
	FIELD_TITLE,
	FIELD_AGGREGATE,
	FIELD_NEED,
	FIELD_HELP,
	FIELDS
};

static const char *aggregate_name(enum aggregate aggregate)
{
	static const char *const names[] = {
		[AGG_NONE] = "none",
		[AGG_SUM] = "sum",
		[AGG_MIN] = "min",
		[AGG_MAX] = "max",
		[AGG_LAST] = "last",
		[AGG_SET] = "set",
	};

	return names[aggregate];
}

/* The sources' names, each ended by NUL. */
static void add_needs(struct buf *out, unsigned need)
{
	static const struct {
		unsigned bit;
		const char *name;
	} needs[] = {
		{NEED_PACKETS, "packets"},
		{NEED_SOCKETS, "sockets"},
		{NEED_CONNTRACK, "conntrack"},
		{NEED_OWNERS, "owners"},
		{NEED_NAMES, "names"},
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
		if (need & needs[i].bit)
			buf_add(out, needs[i].name, strlen(needs[i].name) + 1);
}

static struct record_field field_of(const char *key, const char *text)
{
	struct record_field f = {
		.key = key, .type = TYPE_STR, .value = {.present = true}};

	f.value.str.ptr = text;
	f.value.str.len = (uint32_t)strlen(text);
	return f;
}

static void add_record(
	struct buf *out, const struct column *c, const struct view *view, bool first)
{
	const struct view_style style = {0};
	struct record_field fields[FIELDS] = {
		[FIELD_KEY] = field_of("key", c->key),
		[FIELD_TYPE] = field_of("type", type_name(c->type)),
		[FIELD_TITLE] = field_of("title", c->title),
		[FIELD_AGGREGATE] = field_of("aggregate", aggregate_name(c->aggregate)),
		[FIELD_NEED] = {.key = "need", .type = TYPE_LIST},
		[FIELD_HELP] = field_of("help", c->help),
	};
	struct record r = {.kind = "column", .fields = fields, .count = FIELDS};
	struct buf needs = {0};

	add_needs(&needs, c->need);
	fields[FIELD_NEED].value.present = true;
	fields[FIELD_NEED].value.str.ptr = needs.len ? needs.data : "";
	fields[FIELD_NEED].value.str.len = (uint32_t)needs.len;
	view->record(out, &r, &style, first);
	out->oom |= needs.oom;
	buf_done(&needs);
}

static void add_padded(struct buf *out, const char *text, size_t width)
{
	size_t len = strlen(text);

	buf_str(out, text);
	buf_fill(out, ' ', len < width ? width - len : 0);
	buf_char(out, ' ');
}

static void add_text(struct buf *out, const struct column *c, bool first)
{
	if (first) {
		add_padded(out, "KEY", 16);
		add_padded(out, "TYPE", 8);
		add_padded(out, "TITLE", 12);
		buf_str(out, "MEANING\n");
	}
	add_padded(out, c->key, 16);
	add_padded(out, type_name(c->type), 8);
	add_padded(out, c->title, 12);
	buf_str(out, c->help);
	buf_char(out, '\n');
}

static bool is_wanted(const struct options *o, const struct column *c)
{
	for (unsigned i = 0; i < o->words.count; i++)
		if (strcasestr(c->key, o->words.at[i]))
			return true;
	return o->words.count == 0;
}

int verb_columns(const struct options *o, struct buf *out, struct err *err)
{
	const struct view *view = view_find(o->output);
	bool is_text = strcmp(o->output, "text") == 0, first = true;

	for (unsigned i = 0; i < column_count(); i++) {
		const struct column *c = column_at(i);

		if (!is_wanted(o, c))
			continue;
		if (is_text)
			add_text(out, c, first);
		else
			add_record(out, c, view, first);
		first = false;
	}
	if (!first)
		return 0;
	return err_set(err, EXIT_USAGE,
		"no column has %s in its name; did you mean %s?", o->words.at[0],
		column_nearest(o->words.at[0], strlen(o->words.at[0])));
}
