/* options — the command line: verb, options (options.def) and filter, as values. */
#ifndef KONN_APP_OPTIONS_H
#define KONN_APP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/query.h"

enum verb {
	VERB_NONE, /* none was said: `top` on a terminal, `list` otherwise */
#define VERB(id_, name_, there_, arguments_, help_) VERB_##id_,
#include "app/verbs.def"
#undef VERB
	VERB_COUNT,
};

enum option_id {
#define OPT(id_, short_, long_, kind_, field_, least_, most_, metavar_, there_, help_) \
	OPTION_##id_,
#include "app/options.def"
#undef OPT
	OPTIONS_END,
};

enum option_kind { /* how the argument is read; see options.def */
	OPTION_KIND_FLAG,
	OPTION_KIND_COUNT,
	OPTION_KIND_SIZE,
	OPTION_KIND_DURATION,
	OPTION_KIND_TEXT,
	OPTION_KIND_WORDS,
	OPTION_KIND_FILE,
	OPTION_KIND_OUTPUT,
	OPTION_KIND_JSON,
	OPTION_KIND_COLUMNS,
	OPTION_KIND_SORT,
	OPTION_KIND_HOME,
	OPTION_KIND_SANDBOX,
	OPTION_KIND_FORMAT,
};

struct word_list {
	char **at; /* owned, and each word too */
	unsigned count;
};

struct options {
	enum verb verb;
	struct word_list words; /* behind the verb; without a verb all of them */
	char *filter; /* owned: the words joined by blanks; NULL: there are none */
	bool given[OPTIONS_END];

	struct word_list interfaces, files;
	const char *bpf; /* borrowed from argv, as every text here */
	bool tcp, udp, ipv4, ipv6, listening, all, processes, numeric;
	uint64_t interval_ns, for_ns, count; /* for_ns, count: 0 without end */
	const char *output;                  /* name of a view */
	uint16_t columns[QUERY_COLUMNS];
	unsigned n_columns;
	bool columns_added; /* to the usual ones */
	int sort;           /* column; -1: none */
	bool sort_reverse;
	bool bits, si, epoch;
	const char *home; /* for home_parse, which has accepted it; NULL: not given */
	bool no_midstream;
	uint64_t idle_ns, keep_ns;
	uint64_t max_flows, memory_bytes; /* 0: konn's own */
	uint64_t snaplen, buffer_bytes;   /* 0: konn's own */
	const char *format;               /* of rtt: connmon, pping; NULL: konn's own */
	bool no_promisc, self, no_color, quiet, sandbox_strict, read_only;
	bool help, version;

	/* refused for now (options.def) */
	const char *netns, *speed, *threads, *config, *log;
	bool resolve, background, enable_acct, yes, dry_run, force;
};

struct option_row {
	int letter;          /* 0: none */
	const char *name;    /* without dashes */
	const char *metavar; /* NULL: takes no argument */
	const char *help;
	enum option_kind kind;
	bool there;
	uint16_t offset; /* of its field in struct options */
	uint64_t least, most;
};

struct verb_row {
	const char *name, *arguments, *help;
	bool there;
};

/* The tables, for parsing, help and manual. */
const struct option_row *options_row(enum option_id id);
const struct verb_row *options_verb(enum verb verb); /* not VERB_NONE */

/*
 * Reads a command line. A first word that is no verb belongs to the filter. Without a
 * file, an interface or a time everything has its default. On failure err has exit code
 * 64, and *out is to be freed all the same.
 */
int options_parse(int argc, char **argv, struct options *out, struct err *err);
void options_done(struct options *o);

/*
 * The error for a command line without a verb whose words are no filter either: names
 * the verb and the field that are most like its first word. Returns -EINVAL.
 */
int options_unknown_word(const struct options *o, struct err *err);

/* ---- for options.c alone ---- */

/* Reads `text` into the option's field (options_value.c). `said` is how the user wrote
 * it. */
int options_value(struct options *o, enum option_id id, const char *said,
	const char *text, struct err *err);

/* Appends a copy of `len` bytes; -ENOMEM with *err. */
int options_add_word(
	struct word_list *list, const char *word, size_t len, struct err *err);

#endif
