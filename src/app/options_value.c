#include "app/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "model/column.h"
#include "model/home.h"
#include "view/view.h"

#define NS_PER_SECOND 1000000000u

int options_add_word(
	struct word_list *list, const char *word, size_t len, struct err *err)
{
	char **grown = realloc(list->at, (list->count + 1) * sizeof(*grown));
	char *copy = strndup(word, len);

	if (grown)
		list->at = grown;
	if (!grown || !copy) {
		free(copy);
		(void)err_set(err, EXIT_SOFTWARE, "out of memory");
		return -ENOMEM;
	}
	list->at[list->count++] = copy;
	return 0;
}

/* Calls `add` with each item of a comma-separated list; empty items are errors. */
static int each_item(struct options *o, const char *said, const char *text,
	int (*add)(struct options *o, const char *item, size_t len, struct err *err),
	struct err *err)
{
	for (const char *at = text;;) {
		size_t len = strcspn(at, ",");
		int rc;

		if (len == 0)
			return err_set(err, EXIT_USAGE,
				"%s: '%s' has an empty item between its commas", said,
				text);
		rc = add(o, at, len, err);
		if (rc || !at[len])
			return rc;
		at += len + 1;
	}
}

static int add_interface(
	struct options *o, const char *item, size_t len, struct err *err)
{
	return options_add_word(&o->interfaces, item, len, err);
}

static int unknown_column(const char *item, size_t len, struct err *err)
{
	return err_set(err, EXIT_USAGE, "unknown column %.*s; did you mean %s?",
		(int)len, item, column_nearest(item, len));
}

static int add_column(struct options *o, const char *item, size_t len, struct err *err)
{
	int column;

	if (item[0] == '+') {
		o->columns_added = true;
		item++;
		len--;
	}
	column = column_find(item, len);
	if (column < 0)
		return unknown_column(item, len, err);
	for (unsigned i = 0; i < o->n_columns; i++)
		if (o->columns[i] == column)
			return 0; /* once is enough */
	if (o->n_columns == QUERY_COLUMNS)
		return err_set(err, EXIT_USAGE, "more than %d columns", QUERY_COLUMNS);
	o->columns[o->n_columns++] = (uint16_t)column;
	return 0;
}

static int set_sort(struct options *o, const char *text, struct err *err)
{
	bool reverse = text[0] == '-';
	const char *key = text + reverse;
	int column = column_find(key, strlen(key));

	if (column < 0)
		return unknown_column(key, strlen(key), err);
	o->sort = column;
	o->sort_reverse = reverse;
	return 0;
}

static int set_output(
	struct options *o, const char *said, const char *text, struct err *err)
{
	static const char *const known[] = {"text", "json", "csv"};
	const char *nearest = known[0];
	const struct view *view = view_find(text);

	if (view) {
		o->output = view->name;
		return 0;
	}
	for (size_t i = 1; i < sizeof(known) / sizeof(*known); i++)
		if (text_distance(text, known[i]) < text_distance(text, nearest))
			nearest = known[i];
	return err_set(err, EXIT_USAGE, "%s: no output is called %s; did you mean %s?",
		said, text, nearest);
}

static int set_home(
	struct options *o, const char *said, const char *text, struct err *err)
{
	struct home *home = home_new();
	struct err why = {0};
	int rc;

	if (!home) {
		(void)err_set(err, EXIT_SOFTWARE, "out of memory");
		return -ENOMEM;
	}
	rc = home_parse(home, text, &why);
	home_free(home);
	if (rc)
		return err_set(err, EXIT_USAGE, "%s %s: %s", said, text, why.text);
	o->home = text;
	return 0;
}

static int set_sandbox(
	struct options *o, const char *said, const char *text, struct err *err)
{
	if (strcmp(text, "strict") != 0)
		return err_set(err, EXIT_USAGE, "%s: '%s' is not strict", said, text);
	o->sandbox_strict = true;
	return 0;
}

static int set_format(
	struct options *o, const char *said, const char *text, struct err *err)
{
	if (strcmp(text, "connmon") != 0 && strcmp(text, "pping") != 0)
		return err_set(err, EXIT_USAGE, "%s: '%s' is not connmon or pping",
			said, text);
	o->format = text;
	return 0;
}

/* "10ms", "1 MiB" and so on would be kinder, but the user wrote plain numbers too. */
static int out_of_range(const struct option_row *row, const char *said,
	const char *text, struct err *err)
{
	struct buf range = {0};

	if (row->kind == OPTION_KIND_DURATION) {
		num_short_ns(&range, row->least);
		buf_str(&range, " to ");
		num_short_ns(&range, row->most);
	} else {
		buf_u64(&range, row->least);
		buf_str(&range, " to ");
		buf_u64(&range, row->most);
	}
	(void)err_set(err, EXIT_USAGE, "%s: %s is not in the range %s", said, text,
		buf_cstr(&range));
	buf_done(&range);
	return -EINVAL;
}

static int set_number(struct options *o, const struct option_row *row, const char *said,
	const char *text, struct err *err)
{
	size_t len = strlen(text);
	uint64_t number;
	bool good;

	switch (row->kind) {
	case OPTION_KIND_DURATION:
		good = num_parse_duration(text, len, NS_PER_SECOND, &number);
		break;
	default: good = num_parse_scaled(text, len, &number); break;
	}
	if (!good)
		return err_set(err, EXIT_USAGE, "%s: '%s' is not a %s", said, text,
			row->kind == OPTION_KIND_DURATION ? "time (0.5, 200ms, 2m)"
			: row->kind == OPTION_KIND_SIZE   ? "size (64M, 1Gi)"
							  : "number");
	if (number < row->least || number > row->most)
		return out_of_range(row, said, text, err);
	memcpy((char *)o + row->offset, &number, sizeof(number));
	return 0;
}

int options_value(struct options *o, enum option_id id, const char *said,
	const char *text, struct err *err)
{
	const struct option_row *row = options_row(id);
	char *field = (char *)o + row->offset;

	switch (row->kind) {
	case OPTION_KIND_FLAG: *(bool *)field = true; return 0;
	case OPTION_KIND_COUNT:
	case OPTION_KIND_SIZE:
	case OPTION_KIND_DURATION: return set_number(o, row, said, text, err);
	case OPTION_KIND_TEXT: memcpy(field, &text, sizeof(text)); return 0;
	case OPTION_KIND_WORDS: return each_item(o, said, text, add_interface, err);
	case OPTION_KIND_FILE:
		return options_add_word(&o->files, text, strlen(text), err);
	case OPTION_KIND_OUTPUT: return set_output(o, said, text, err);
	case OPTION_KIND_JSON: o->output = "json"; return 0;
	case OPTION_KIND_COLUMNS: return each_item(o, said, text, add_column, err);
	case OPTION_KIND_SORT: return set_sort(o, text, err);
	case OPTION_KIND_HOME: return set_home(o, said, text, err);
	case OPTION_KIND_SANDBOX: return set_sandbox(o, said, text, err);
	case OPTION_KIND_FORMAT: return set_format(o, said, text, err);
	}
	return 0;
}
