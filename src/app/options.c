#include "app/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "model/column.h"

#define LONG_ONLY 256 /* getopt's value of an option is this plus its number */

static const struct option_row rows[OPTIONS_END] = {
#define OPT(id_, short_, long_, kind_, field_, least_, most_, metavar_, there_, help_) \
	[OPTION_##id_] = {.letter = (short_), \
		.name = (long_), \
		.metavar = (metavar_), \
		.help = (help_), \
		.kind = OPTION_KIND_##kind_, \
		.there = (there_), \
		.offset = (uint16_t)offsetof(struct options, field_), \
		.least = (least_), \
		.most = (most_)},
#include "app/options.def"
#undef OPT
};

static const struct verb_row verbs[VERB_COUNT] = {
#define VERB(id_, name_, there_, arguments_, help_) \
	[VERB_##id_] = {(name_), (arguments_), (help_), (there_)},
#include "app/verbs.def"
#undef VERB
};

const struct option_row *options_row(enum option_id id)
{
	return &rows[id];
}

const struct verb_row *options_verb(enum verb verb)
{
	return &verbs[verb];
}

/* What getopt_long(3) wants to know, made of the table. */
struct getopt_tables {
	char letters[2 + 2 * OPTIONS_END + 1];
	struct option names[OPTIONS_END + 1];
};

static void make_tables(struct getopt_tables *t)
{
	char *at = t->letters;

	*at++ = '-'; /* words are handed over in their place: they may stand among
			options */
	*at++ = ':';
	for (int i = 0; i < OPTIONS_END; i++) {
		int argument = rows[i].metavar ? required_argument : no_argument;

		t->names[i] = (struct option){
			rows[i].name, argument, NULL, LONG_ONLY + i};
		if (!rows[i].letter)
			continue;
		*at++ = (char)rows[i].letter;
		if (rows[i].metavar)
			*at++ = ':';
	}
	*at = '\0';
	t->names[OPTIONS_END] = (struct option){0};
}

static int find_letter(int letter)
{
	for (int i = 0; i < OPTIONS_END; i++)
		if (rows[i].letter && rows[i].letter == letter)
			return i;
	return -1;
}

/* The letter's other case, else an option whose name begins with it; -1: none. */
static int near_letter(int letter)
{
	int near = find_letter(letter ^ 0x20);

	for (int i = 0; near < 0 && i < OPTIONS_END; i++)
		if (rows[i].there && rows[i].name[0] == (letter | 0x20))
			near = i;
	return near;
}

static int unknown_letter(int letter, struct err *err)
{
	int near = near_letter(letter);

	if (near < 0)
		return err_set(err, EXIT_USAGE,
			"unknown option -%c; see konn help options", letter);
	return err_set(err, EXIT_USAGE, "unknown option -%c; did you mean --%s?",
		letter, rows[near].name);
}

static int unknown_name(const char *said, struct err *err)
{
	char name[32];
	const char *best = rows[0].name;

	(void)snprintf(
		name, sizeof(name), "%.*s", (int)strcspn(said + 2, "="), said + 2);
	for (int i = 1; i < OPTIONS_END; i++)
		if (text_distance(name, rows[i].name) < text_distance(name, best))
			best = rows[i].name;
	return err_set(
		err, EXIT_USAGE, "unknown option %s; did you mean --%s?", said, best);
}

/* optopt is the letter, the value of a long option, or 0 for an unknown long one. */
static int bad_option(const char *said, struct err *err)
{
	if (optopt >= LONG_ONLY)
		return err_set(err, EXIT_USAGE, "option --%s takes no value",
			rows[optopt - LONG_ONLY].name);
	if (optopt)
		return unknown_letter(optopt, err);
	return unknown_name(said, err);
}

static int take_option(struct options *o, int value, struct err *err)
{
	int id = value >= LONG_ONLY ? value - LONG_ONLY : find_letter(value);
	char said[40];

	if (value >= LONG_ONLY)
		(void)snprintf(said, sizeof(said), "--%s", rows[id].name);
	else
		(void)snprintf(said, sizeof(said), "-%c", value);
	if (!rows[id].there)
		return err_set(err, EXIT_USAGE,
			"option %s is not available in this version of konn", said);
	o->given[id] = true;
	return options_value(o, (enum option_id)id, said, optarg, err);
}

static enum verb verb_find(const char *name)
{
	for (int i = VERB_NONE + 1; i < VERB_COUNT; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return (enum verb)i;
	return VERB_NONE;
}

/* The first word is the verb when it is one. */
static int take_word(struct options *o, const char *word, bool first, struct err *err)
{
	enum verb verb = first ? verb_find(word) : VERB_NONE;

	if (verb == VERB_NONE)
		return options_add_word(&o->words, word, strlen(word), err);
	if (!verbs[verb].there)
		return err_set(err, EXIT_USAGE,
			"konn %s is not available in this version", word);
	o->verb = verb;
	return 0;
}

static int missing_value(const char *said, struct err *err)
{
	int id = optopt >= LONG_ONLY ? optopt - LONG_ONLY : find_letter(optopt);

	if (optopt < LONG_ONLY)
		return err_set(err, EXIT_USAGE, "option -%c needs a value: %s", optopt,
			rows[id].metavar);
	return err_set(
		err, EXIT_USAGE, "option %s needs a value: %s", said, rows[id].metavar);
}

static int parse_all(int argc, char **argv, struct options *o, struct err *err)
{
	struct getopt_tables tables;
	bool first = true;
	int rc = 0;

	make_tables(&tables);
	optind = 0; /* glibc: begin anew */
	opterr = 0;
	while (rc == 0) {
		int value = getopt_long(argc, argv, tables.letters, tables.names, NULL);

		if (value == -1)
			break;
		if (value == '?')
			return bad_option(argv[optind - 1], err);
		if (value == ':')
			return missing_value(argv[optind - 1], err);
		if (value == 1) {
			rc = take_word(o, optarg, first, err);
			first = false;
		} else {
			rc = take_option(o, value, err);
		}
	}
	for (int i = optind; rc == 0 && i < argc; i++, first = false)
		rc = take_word(o, argv[i], first, err); /* behind -- */
	return rc;
}

static int join_words(struct options *o, struct err *err)
{
	struct buf text = {0};

	if (o->words.count == 0)
		return 0;
	for (unsigned i = 0; i < o->words.count; i++) {
		if (i > 0)
			buf_char(&text, ' ');
		buf_str(&text, o->words.at[i]);
	}
	o->filter = strdup(buf_cstr(&text));
	buf_done(&text);
	if (o->filter)
		return 0;
	(void)err_set(err, EXIT_SOFTWARE, "out of memory");
	return -ENOMEM;
}

static int check_together(const struct options *o, struct err *err)
{
	if (o->files.count && o->interfaces.count)
		return err_set(err, EXIT_USAGE,
			"-r and -i exclude each other: a capture or interfaces");
	return 0;
}

int options_parse(int argc, char **argv, struct options *out, struct err *err)
{
	const char *no_color = getenv("NO_COLOR");
	int rc;

	*out = (struct options){
		.interval_ns = 1000000000,
		.keep_ns = 2000000000,
		.output = "text",
		.sort = -1,
		.no_color = no_color && *no_color,
	};
	rc = parse_all(argc, argv, out, err);
	if (rc == 0)
		rc = check_together(out, err);
	if (rc == 0)
		rc = join_words(out, err);
	return rc;
}

static void words_done(struct word_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		free(list->at[i]);
	free(list->at);
}

void options_done(struct options *o)
{
	words_done(&o->words);
	words_done(&o->interfaces);
	words_done(&o->files);
	free(o->filter);
	*o = (struct options){0};
}

int options_unknown_word(const struct options *o, struct err *err)
{
	const char *word = o->words.count ? o->words.at[0] : "";
	int best = VERB_NONE + 1;

	for (int i = best + 1; i < VERB_COUNT; i++)
		if (text_distance(word, verbs[i].name) <
			text_distance(word, verbs[best].name))
			best = i;
	return err_set(err, EXIT_USAGE,
		"%s is no verb and begins no filter; did you mean the verb %s, or the "
		"field %s?",
		word, verbs[best].name, column_nearest(word, strlen(word)));
}
