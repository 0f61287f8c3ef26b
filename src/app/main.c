#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/doctor/doctor.h"
#include "app/session.h"
#include "app/supervisor.h"
#include "app/verb_columns.h"
#include "app/verb_help.h"
#include "base/text.h"

#define FILES_MOST   1024
#define SOCKETS_WIDE 48 /* priority down to which a table of sockets goes */

struct program {
	struct options options;
	struct services *services;
	struct filter *filter;
	struct buf filter_text;
	struct source_file files[FILES_MOST];
	int files_missing; /* exit code of those that could not be opened; 0: none */
	struct session session;
	struct machine machine;
	struct users users;
};

/* A filter's message has lines of its own: the expression and a caret below it. */
static int fail(const struct err *err)
{
	struct buf out = {0};
	const char *line = err->text;

	buf_str(&out, "konn: ");
	for (;;) {
		size_t len = err->exit_code == EXIT_USAGE ? strcspn(line, "\n")
							  : strlen(line);

		text_clean(&out, line, len);
		buf_char(&out, '\n');
		if (line[len] == '\0')
			break;
		line += len + 1;
	}
	(void)fputs(buf_cstr(&out), stderr); /* nowhere else to say it */
	buf_done(&out);
	return err->exit_code;
}

/* The user's filter again, with a caret below the place of the fault. */
static int fail_filter(const char *filter, unsigned at, const struct err *err)
{
	struct buf line = {0};
	size_t columns;

	text_clean(&line, filter, at);
	columns = text_columns(line.data ? line.data : "", line.len);
	text_clean(&line, filter + at, strlen(filter + at));
	(void)fail(err); /* prints */
	(void)fprintf(stderr, "  %s\n  %*s^\n", buf_cstr(&line), (int)columns, "");
	buf_done(&line);
	return err->exit_code;
}

static struct services *read_services(void)
{
	static const char path[] = "/etc/services";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct services *services = NULL;
	struct stat st;
	char *text;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < 0 || st.st_size > 16 << 20)
		st.st_size = 0;
	text = malloc((size_t)st.st_size + 1);
	if (text) {
		ssize_t n = fd < 0 ? 0 : read(fd, text, (size_t)st.st_size);

		services = services_new(text, n < 0 ? 0 : (size_t)n);
	}
	free(text);
	if (fd >= 0)
		(void)close(fd); /* only read from */
	return services;
}

static void add_part(struct buf *text, bool wanted, const char *part)
{
	if (!wanted)
		return;
	buf_str(text, text->len ? " and " : "");
	buf_str(text, part);
}

/* -t -u -4 -6 -l as a filter in front of the user's. */
static void filter_text(struct buf *out, const struct options *o)
{
	add_part(out, o->tcp && !o->udp, "tcp");
	add_part(out, o->udp && !o->tcp, "udp");
	add_part(out, o->udp && o->tcp, "(tcp or udp)");
	add_part(out, o->ipv4 && !o->ipv6, "ip");
	add_part(out, o->ipv6 && !o->ipv4, "ip6");
	add_part(out, o->listening, "socket_state in (LISTEN, UNCONNECTED)");
	if (!o->filter)
		return;
	if (out->len == 0) {
		buf_str(out, o->filter);
		return;
	}
	buf_str(out, " and (");
	buf_str(out, o->filter);
	buf_char(out, ')');
}

/* Exit code; 0: the filter is there (or there is none). */
static int compile_filter(struct program *p)
{
	const struct options *o = &p->options;
	struct err err = {0};
	unsigned at = 0;

	if (o->filter) {
		int ret = filter_compile(o->filter, p->services, &p->filter, &at, &err);

		if (ret < 0 && o->verb == VERB_NONE && o->words.count == 1 && at == 0) {
			(void)options_unknown_word(o, &err); /* fills err */
			return fail(&err);
		}
		if (ret < 0)
			return fail_filter(o->filter, at, &err);
		filter_free(p->filter);
		p->filter = NULL;
	}
	filter_text(&p->filter_text, o);
	if (p->filter_text.len == 0)
		return 0;
	if (filter_compile(
		    buf_cstr(&p->filter_text), p->services, &p->filter, &at, &err) < 0)
		return fail(&err);
	return 0;
}

/* A descriptor; -1 and errno. */
static int open_file(const char *name)
{
	struct stat st;
	int fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO)
					: open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)close(fd); /* only read from */
		errno = EISDIR;
		return -1;
	}
	return fd;
}

/*
 * Files are opened here, with the caller's rights; the worker only gets descriptors.
 * One that cannot be opened does not keep the others from being shown. 0 when there is
 * one at least.
 */
static int open_files(struct program *p)
{
	const struct word_list *names = &p->options.files;
	struct err err = {0};

	if (names->count > FILES_MOST) {
		(void)err_set(&err, EXIT_USAGE, "more than %d files", FILES_MOST);
		return fail(&err);
	}
	for (unsigned i = 0; i < names->count; i++) {
		int fd = open_file(names->at[i]);

		if (fd >= 0) {
			p->files[p->session.n_files++] = (struct source_file){
				fd, names->at[i]};
			continue;
		}
		(void)err_errno(&err, "%s", names->at[i]); /* fail says it */
		err.exit_code = EXIT_NO_INPUT;
		p->files_missing = fail(&err);
	}
	return names->count && p->session.n_files == 0 ? p->files_missing : 0;
}

/*
 * A closed standard descriptor would be taken by the next thing that is opened, and
 * written to. Standing in for it, /dev/null open for reading lets each write fail as it
 * must.
 */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd); /* only read from */
}

static bool json_or_csv(const struct options *o)
{
	return o->output && strcmp(o->output, "text") != 0;
}

/*
 * Files know nothing of sockets: such a column is for those who name it. A table of
 * sockets alone has no room for columns of packets; for programs it has them all.
 */
static bool never_filled(const struct session *s, const struct column *c)
{
	if (!s->machine)
		return c->need & (NEED_SOCKETS | NEED_OWNERS);
	return !s->captures && !json_or_csv(s->o) && c->need & NEED_PACKETS;
}

/* Text and screen show what fits or is useful; JSON and CSV everything that is data. */
static void choose_columns(struct session *s)
{
	const struct options *o = s->o;
	unsigned wide = s->style.width ? 14 : 24;

	if (!s->captures)
		wide = SOCKETS_WIDE;
	if (!o->n_columns || o->columns_added)
		for (unsigned i = 0; i < column_count(); i++) {
			const struct column *c = column_at(i);

			if (never_filled(s, c))
				continue;
			if (json_or_csv(o) ? !c->table_only && c->priority < 99
					   : c->priority <= wide)
				s->columns[s->n_columns++] = (uint16_t)i;
		}
	for (unsigned i = 0; i < o->n_columns && s->n_columns < QUERY_COLUMNS; i++)
		s->columns[s->n_columns++] = o->columns[i];
}

static void choose_style(struct session *s)
{
	const struct options *o = s->o;
	const char *no_color = getenv("NO_COLOR"); /* https://no-color.org */
	struct winsize size = {0};

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		s->style.width = size.ws_col;
	s->style.bits = o->bits;
	s->style.si = o->si;
	s->style.epoch = o->epoch;
	s->style.numeric = o->numeric;
	s->style.services = s->services;
	s->style.color = !o->no_color && isatty(STDOUT_FILENO) &&
			 !(no_color && *no_color);
	s->view = view_find(o->output ? o->output : "text");
}

static int work(void *ctx, int helper_fd)
{
	struct program *p = ctx;

	p->session.helper_fd = helper_fd;
	return session_run(&p->session);
}

static const struct verb_ops *ops_of(enum verb verb)
{
	switch (verb) {
	case VERB_TOP: return &verb_top;
	case VERB_WATCH: return &verb_watch;
	case VERB_LOAD: return &verb_load;
	case VERB_RTT: return &verb_rtt;
	case VERB_WHY: return &verb_why;
	default: return &verb_list;
	}
}

static enum verb verb_of(const struct options *o)
{
	if (o->verb != VERB_NONE)
		return o->verb;
	return isatty(STDOUT_FILENO) && !json_or_csv(o) ? VERB_TOP : VERB_LIST;
}

/* An option that means nothing for this verb or source is refused, not ignored. */
static int check_options(const struct session *s, struct err *err)
{
	static const struct {
		const struct verb_ops *verb; /* NULL: any */
		enum option_id option;
		bool files; /* refused only with files */
		const char *why;
	} refused[] = {
		{&verb_watch, OPTION_COLUMNS, false,
			"watch has its own fields: -C does not go with it"},
		{&verb_watch, OPTION_SORT, false,
			"watch follows the time: -s does not go with it"},
		{&verb_rtt, OPTION_COLUMNS, false,
			"rtt has its own fields: -C does not go with it"},
		{&verb_rtt, OPTION_SORT, false,
			"rtt follows the time: -s does not go with it"},
		{&verb_load, OPTION_COLUMNS, false,
			"load has its own fields: -C does not go with it"},
		{&verb_load, OPTION_SORT, false,
			"load follows the time: -s does not go with it"},
		{&verb_load, OPTION_INTERVAL, false,
			"load counts by the second: -d does not go with it"},
		{NULL, OPTION_LISTENING, true,
			"-l: who listens is not in a capture, only in the kernel"},
		{NULL, OPTION_FOR, true, "--for is for interfaces, not for files"},
		{NULL, OPTION_INTERFACE, true, "-i and -r do not go together"},
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if ((!refused[i].verb || refused[i].verb == s->verb) &&
			s->o->given[refused[i].option] &&
			(!refused[i].files || s->o->files.count))
			return err_set(err, EXIT_USAGE, "%s", refused[i].why);
	return 0;
}

/* Lines of other tools are text, have no reasons, and only rtt has them. */
static int check_format(const struct session *s, struct err *err)
{
	const struct options *o = s->o;
	const char *why = NULL;

	if (!o->format)
		return 0;
	if (s->verb != &verb_rtt)
		why = "--format is of konn rtt";
	else if (json_or_csv(o))
		why = "--format is text: it does not go with JSON or CSV";
	else if (o->all)
		why = "--format has no place for samples that are not valid: -a does "
		      "not go with it";
	return why ? err_set(err, EXIT_USAGE, "%s", why) : 0;
}

/*
 * Sockets and their owners, for verbs that show them. Packets are captured when the
 * user names a time, or something that only packets have; then sockets without any are
 * no rows when it is the latter.
 */
static void open_machine(struct program *p)
{
	struct session *s = &p->session;
	const struct options *o = s->o;

	s->captures = true;
	if (s->n_files || !s->verb->sockets)
		return;
	s->captured_only = o->interfaces.count || o->bpf || o->count;
	s->captures = s->captured_only || o->for_ns;
	(void)machine_scan(&p->machine); /* machine_missing says so */
	users_read(&p->users);
	s->machine = &p->machine;
	s->users = &p->users;
}

static int run(struct program *p)
{
	struct session *s = &p->session;
	struct supervisor_setup setup = {.worker = work, .ctx = p};
	struct err err = {0};
	int ret;

	s->o = &p->options;
	s->verb = ops_of(verb_of(s->o));
	s->services = p->services = read_services();
	s->files = p->files;
	s->out.fd = STDOUT_FILENO;
	if (check_options(s, &err) < 0 || check_format(s, &err) < 0)
		return fail(&err);
	ret = compile_filter(p);
	if (ret == 0)
		ret = open_files(p);
	if (ret)
		return ret;
	if (s->o->bpf && bpf_check(s->o->bpf, &err) < 0)
		return fail(&err);
	open_machine(p);
	s->filter = p->filter;
	s->filter_text = buf_cstr(&p->filter_text);
	choose_style(s);
	choose_columns(s);
	tzset(); /* reads the zone before the worker loses its rights */
	setup.helper = s->n_files == 0 && s->captures;
	setup.terminal = s->verb == &verb_top;
	setup.sandbox_strict = s->o->sandbox_strict;
	ret = supervisor_run(&setup);
	return ret == EXIT_COMPLETE && p->files_missing ? EXIT_PARTIAL : ret;
}

/* Help, columns and version: text without any session. */
static int print(const struct buf *text)
{
	struct output out = {.fd = STDOUT_FILENO};
	struct err err = {0};
	int ret;

	buf_add(&out.buf, text->data, text->len);
	ret = output_flush(&out, &err);
	output_done(&out);
	return ret < 0 ? fail(&err) : EXIT_COMPLETE;
}

static int inform(const struct options *o)
{
	struct buf text = {0};
	struct err err = {0};
	int ret = 0;

	if (o->version)
		buf_str(&text, "konn " KONN_VERSION "\nfeatures: " KONN_FEATURES "\n");
	else if (o->verb == VERB_COLUMNS && !o->help)
		ret = verb_columns(o, &text, &err);
	else
		ret = verb_help(o, &text, &err);
	ret = ret < 0 ? fail(&err) : print(&text);
	buf_done(&text);
	return ret;
}

static int diagnose(const struct options *o)
{
	struct buf text = {0};
	struct err err = {0};
	int found = doctor_run(o, &text, &err);
	int ret = found < 0 ? fail(&err) : print(&text);

	buf_done(&text);
	return ret == EXIT_COMPLETE ? found : ret;
}

int main(int argc, char **argv)
{
	struct program *p = calloc(1, sizeof(*p));
	struct err err = {0};
	int ret;

	if (!p)
		return EXIT_SOFTWARE;
	fill_standard_descriptors();
	if (options_parse(argc, argv, &p->options, &err) < 0)
		ret = fail(&err);
	else if (p->options.help || p->options.version ||
		 p->options.verb == VERB_HELP || p->options.verb == VERB_COLUMNS)
		ret = inform(&p->options);
	else if (p->options.verb == VERB_DOCTOR)
		ret = diagnose(&p->options);
	else
		ret = run(p);
	filter_free(p->filter);
	services_free(p->services);
	machine_done(&p->machine);
	users_done(&p->users);
	buf_done(&p->filter_text);
	options_done(&p->options);
	free(p);
	return ret;
}
