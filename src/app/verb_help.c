#include "app/verb_help.h"

#include <string.h>

#include "app/verb_columns.h"
#include "base/text.h"

#define WIDTH       80
#define FLAG_COLUMN 26 /* where the meaning of an option begins */

struct topic {
	const char *name, *text;
};

static const struct topic topics[] = {
#define TOPIC(name_, text_) {(name_), (text_)},
#include "app/topics.def"
#undef TOPIC
	{"options", "Options may stand anywhere before, among or behind the words of a "
		    "filter."},
	{"exit-codes", "What konn returns:"},
};
#define TOPICS (sizeof(topics) / sizeof(*topics))

static void add_exit_codes(struct buf *out)
{
	static const struct {
		unsigned code;
		const char *meaning;
	} codes[] = {
#define EXIT_CODE(code_, meaning_) {(code_), (meaning_)},
#include "app/exit_codes.def"
#undef EXIT_CODE
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		buf_fmt(out, "  %2u  %s\n", codes[i].code, codes[i].meaning);
}

/* "-i IF", "--bits", "--sandbox=strict": the short name where there is one. */
static void add_flag(struct buf *out, const struct option_row *row)
{
	if (row->letter)
		buf_fmt(out, "-%c", row->letter);
	else
		buf_fmt(out, "--%s", row->name);
	if (row->metavar)
		buf_fmt(out, "%s%s", row->letter ? " " : "=", row->metavar);
}

static void add_option_line(struct buf *out, const struct option_row *row)
{
	size_t start = out->len, width;

	if (row->letter)
		buf_fmt(out, "  -%c, --%s", row->letter, row->name);
	else
		buf_fmt(out, "      --%s", row->name);
	if (row->metavar)
		buf_fmt(out, "%s%s", row->letter ? " " : "=", row->metavar);
	width = out->len - start;
	if (width >= FLAG_COLUMN) {
		buf_char(out, '\n');
		width = 0;
	}
	buf_fill(out, ' ', FLAG_COLUMN - width);
	buf_str(out, row->help);
	buf_str(out, row->there ? "\n" : " (not available yet)\n");
}

static void add_option_lines(struct buf *out)
{
	for (int i = 0; i < OPTIONS_END; i++)
		add_option_line(out, options_row((enum option_id)i));
}

/* Flags of all options that are there, or are not, wrapped behind a title. */
static void add_flags(struct buf *out, const char *title, bool there)
{
	size_t column = strlen(title);
	struct buf flag = {0};

	buf_str(out, title);
	for (int i = 0; i < OPTIONS_END; i++) {
		const struct option_row *row = options_row((enum option_id)i);

		if (row->there != there)
			continue;
		buf_reset(&flag);
		add_flag(&flag, row);
		if (column + 2 + flag.len > WIDTH) {
			buf_char(out, '\n');
			buf_fill(out, ' ', 8);
			column = 8;
		}
		buf_str(out, "  ");
		buf_add(out, flag.data, flag.len);
		column += 2 + flag.len;
	}
	buf_char(out, '\n');
	buf_done(&flag);
}

static void add_verbs(struct buf *out)
{
	for (int i = VERB_NONE + 1; i < VERB_COUNT; i++) {
		const struct verb_row *v = options_verb((enum verb)i);

		if (v->there)
			buf_fmt(out, "  %-8s %s\n", v->name, v->help);
	}
}

static void add_overview(struct buf *out)
{
	buf_str(out, "konn shows network connections: live, or of a capture file.\n"
		     "usage: konn [VERB] [OPTIONS] [FILTER]   (no VERB: top on a "
		     "terminal, else list)\n\n");
	add_verbs(out);
	buf_char(out, '\n');
	add_flags(out, "options", true);
	add_flags(out, "not yet", false);
	buf_str(out, "\n"
		     "  konn list -r FILE.pcap 'dst port 443 and bytes > 1M'\n"
		     "More: konn help VERB|filter|columns|options|exit-codes\n");
}

static enum verb verb_named(const char *name)
{
	for (int i = VERB_NONE + 1; i < VERB_COUNT; i++)
		if (strcmp(options_verb((enum verb)i)->name, name) == 0)
			return (enum verb)i;
	return VERB_NONE;
}

static int add_columns(struct buf *out, struct err *err)
{
	const struct options all = {.output = "text"};

	return verb_columns(&all, out, err);
}

static int add_topic(struct buf *out, const struct topic *t, struct err *err)
{
	enum verb verb = verb_named(t->name);

	if (verb != VERB_NONE) {
		const struct verb_row *v = options_verb(verb);

		buf_fmt(out, "konn %s [OPTIONS] %s\n%s\n\n", v->name, v->arguments,
			v->help);
	}
	buf_fmt(out, "%s\n", t->text);
	if (strcmp(t->name, "options") == 0)
		add_option_lines(out);
	if (strcmp(t->name, "exit-codes") == 0)
		add_exit_codes(out);
	if (strcmp(t->name, "columns") == 0) {
		buf_char(out, '\n');
		return add_columns(out, err);
	}
	return 0;
}

int verb_help(const struct options *o, struct buf *out, struct err *err)
{
	const char *name = NULL;
	size_t best = 0;

	if (o->verb == VERB_HELP && o->words.count)
		name = o->words.at[0];
	else if (o->verb != VERB_NONE && o->verb != VERB_HELP)
		name = options_verb(o->verb)->name;
	if (!name) {
		add_overview(out);
		return 0;
	}
	for (size_t i = 0; i < TOPICS; i++) {
		if (strcmp(topics[i].name, name) == 0)
			return add_topic(out, &topics[i], err);
		if (text_distance(name, topics[i].name) <
			text_distance(name, topics[best].name))
			best = i;
	}
	return err_set(err, EXIT_USAGE, "there is no help on %s; did you mean %s?",
		name, topics[best].name);
}
