#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/options.h"
#include "model/column.h"

#define WORDS 32

/* Splits at blanks; `argv` points into `copy`. */
static int split(char *copy, char *argv[WORDS])
{
	int argc = 0;
	char *rest = copy, *word;

	while ((word = strsep(&rest, " ")) && argc < WORDS - 1)
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

/* Words stay valid as long as `copy`, which options may point into. */
static int parse_line(
	const char *line, char copy[static 256], struct options *o, struct err *err)
{
	char *argv[WORDS];

	*err = (struct err){0};
	assert_true(strlen(line) < 256);
	memcpy(copy, line, strlen(line) + 1);
	return options_parse(split(copy, argv), argv, o, err);
}

static void refused(const char *line, const char *part)
{
	struct options o;
	struct err err;
	char copy[256];

	assert_true(parse_line(line, copy, &o, &err) < 0);
	assert_int_equal(err.exit_code, EXIT_USAGE);
	if (!strstr(err.text, part))
		fail_msg("%s: \"%s\" lacks \"%s\"", line, err.text, part);
	assert_null(strchr(err.text, '\n'));
	options_done(&o);
}

static void defaults(void **state)
{
	struct options o;
	struct err err;
	char copy[256];

	(void)state;
	assert_int_equal(parse_line("konn", copy, &o, &err), 0);
	assert_int_equal(o.verb, VERB_NONE);
	assert_null(o.filter);
	assert_string_equal(o.output, "text");
	assert_int_equal(o.sort, -1);
	assert_int_equal(o.interval_ns, 1000000000);
	assert_int_equal(o.keep_ns, 2000000000);
	assert_int_equal(o.count, 0);
	assert_false(o.given[OPTION_INTERVAL]);
	options_done(&o);
}

static void options_stand_anywhere(void **state)
{
	struct options o;
	struct err err;
	char copy[256];

	(void)state;
	assert_int_equal(
		parse_line("konn -j list dst -r a.pcap port -n 80 --read b.pcap --bits",
			copy, &o, &err),
		0);
	assert_int_equal(o.verb, VERB_LIST);
	assert_string_equal(o.filter, "dst port 80");
	assert_int_equal(o.words.count, 3);
	assert_int_equal(o.files.count, 2);
	assert_string_equal(o.files.at[0], "a.pcap");
	assert_string_equal(o.files.at[1], "b.pcap");
	assert_string_equal(o.output, "json");
	assert_true(o.numeric);
	assert_true(o.bits);
	options_done(&o);
}

static void combined_letters_as_in_ss(void **state)
{
	struct options o;
	struct err err;
	char copy[256];

	(void)state;
	assert_int_equal(parse_line("konn -tulpn4 -6a", copy, &o, &err), 0);
	assert_true(o.tcp && o.udp && o.listening && o.processes && o.numeric);
	assert_true(o.ipv4 && o.ipv6 && o.all);
	options_done(&o);
}

static void words_without_a_verb_are_the_filter(void **state)
{
	struct options o;
	struct err err;
	char copy[256];

	(void)state;
	assert_int_equal(parse_line("konn port 443", copy, &o, &err), 0);
	assert_int_equal(o.verb, VERB_NONE);
	assert_string_equal(o.filter, "port 443");
	options_done(&o);
	/* only the first word can be the verb; behind -- nothing is an option */
	assert_int_equal(parse_line("konn list -- list -j", copy, &o, &err), 0);
	assert_int_equal(o.verb, VERB_LIST);
	assert_string_equal(o.filter, "list -j");
	assert_string_equal(o.output, "text");
	options_done(&o);
	assert_int_equal(parse_line("konn -- top", copy, &o, &err), 0);
	assert_int_equal(o.verb, VERB_TOP);
	options_done(&o);
}

static void unknown_word_names_verb_and_field(void **state)
{
	struct options o;
	struct err err;
	char copy[256];

	(void)state;
	assert_int_equal(parse_line("konn lsit", copy, &o, &err), 0);
	assert_true(options_unknown_word(&o, &err) < 0);
	assert_int_equal(err.exit_code, EXIT_USAGE);
	assert_non_null(strstr(err.text, "verb list"));
	options_done(&o);
	assert_int_equal(parse_line("konn duratoin", copy, &o, &err), 0);
	assert_true(options_unknown_word(&o, &err) < 0);
	assert_non_null(strstr(err.text, "field duration"));
	options_done(&o);
}

static void units_are_converted(void **state)
{
	struct options o;
	struct err err;
	char copy[256];

	(void)state;
	assert_int_equal(
		parse_line("konn -d 0.5 --for 2m --idle=30 --keep 0 -c 2k "
			   "--memory 64Mi --max-flows 10000 --snaplen 128 --buffer 1M",
			copy, &o, &err),
		0);
	assert_int_equal(o.interval_ns, 500000000);
	assert_int_equal(o.for_ns, 120000000000);
	assert_int_equal(o.idle_ns, 30000000000);
	assert_int_equal(o.keep_ns, 0);
	assert_true(o.given[OPTION_KEEP]);
	assert_int_equal(o.count, 2000);
	assert_int_equal(o.memory_bytes, 64 << 20);
	assert_int_equal(o.max_flows, 10000);
	assert_int_equal(o.snaplen, 128);
	assert_int_equal(o.buffer_bytes, 1000000);
	options_done(&o);
}

static void columns_and_sort(void **state)
{
	struct options o;
	struct err err;
	char copy[256];

	(void)state;
	assert_int_equal(
		parse_line("konn -C uid,bytes,uid -C PROTO -s -bytes", copy, &o, &err),
		0);
	assert_false(o.columns_added);
	assert_int_equal(o.n_columns, 3);
	assert_int_equal(o.columns[0], column_find("uid", 3));
	assert_int_equal(o.columns[1], column_find("bytes", 5));
	assert_int_equal(o.columns[2], column_find("proto", 5));
	assert_int_equal(o.sort, column_find("bytes", 5));
	assert_true(o.sort_reverse);
	options_done(&o);
	assert_int_equal(parse_line("konn -C +uid,+pkts -s uid", copy, &o, &err), 0);
	assert_true(o.columns_added);
	assert_int_equal(o.n_columns, 2);
	assert_false(o.sort_reverse);
	options_done(&o);
}

static void interfaces_and_home(void **state)
{
	struct options o;
	struct err err;
	char copy[256];

	(void)state;
	assert_int_equal(
		parse_line("konn -i eth0,lo -i any --home 10.0.0.0/8,2001:db8::/32",
			copy, &o, &err),
		0);
	assert_int_equal(o.interfaces.count, 3);
	assert_string_equal(o.interfaces.at[0], "eth0");
	assert_string_equal(o.interfaces.at[2], "any");
	assert_string_equal(o.home, "10.0.0.0/8,2001:db8::/32");
	options_done(&o);
}

static void no_color_of_the_environment(void **state)
{
	struct options o;
	struct err err;
	char copy[256];

	(void)state;
	assert_int_equal(setenv("NO_COLOR", "", 1), 0);
	assert_int_equal(parse_line("konn", copy, &o, &err), 0);
	assert_false(o.no_color);
	options_done(&o);
	assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
	assert_int_equal(parse_line("konn", copy, &o, &err), 0);
	assert_true(o.no_color);
	options_done(&o);
	assert_int_equal(unsetenv("NO_COLOR"), 0);
}

static void wrong_lines_are_refused(void **state)
{
	static const struct {
		const char *line, *part;
	} cases[] = {
		{"konn --no-midstraem", "--no-midstream"},
		{"konn --nosuch=3", "--nosuch"},
		{"konn -Z", "-Z"},
		{"konn -D 3", "--interval"},
		{"konn -tuX", "-X"},
		{"konn --bits=1", "--bits"},
		{"konn -r", "-r"},
		{"konn --memory", "--memory"},
		{"konn -o jsn", "json"},
		{"konn -c -3", "-3"},
		{"konn -c 0", "0"},
		{"konn --max-flows 99999999999999999999", "99999999999999999999"},
		{"konn --memory 5Q", "5Q"},
		{"konn --idle soon", "soon"},
		{"konn -d 0", "range"},
		{"konn --home 10.0.0.0/99", "10.0.0.0/99"},
		{"konn --home nonsense", "nonsense"},
		{"konn -C orig_byte", "orig_bytes"},
		{"konn -C uid,,pkts", "empty"},
		{"konn -i eth0,", "empty"},
		{"konn -s -orig_byte", "orig_bytes"},
		{"konn --sandbox=lax", "strict"},
		{"konn -r a -i b", "-i"},
		{"konn stat", "stat"},
		{"konn rtt --format tcptrace", "connmon or pping"},
		{"konn -N all", "-N"},
		{"konn list --threads 4", "--threads"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		refused(cases[i].line, cases[i].part);
}

/* Every option that is not there says so by its name, whatever it takes. */
static void nothing_is_silently_ignored(void **state)
{
	(void)state;
	for (int i = 0; i < OPTIONS_END; i++) {
		const struct option_row *row = options_row((enum option_id)i);
		char line[80];

		if (row->there)
			continue;
		assert_true(snprintf(line, sizeof(line), "konn --%s%s", row->name,
				    row->metavar ? "=1" : "") > 0);
		refused(line, "not available");
		refused(line, row->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(combined_letters_as_in_ss),
		cmocka_unit_test(words_without_a_verb_are_the_filter),
		cmocka_unit_test(unknown_word_names_verb_and_field),
		cmocka_unit_test(units_are_converted),
		cmocka_unit_test(columns_and_sort),
		cmocka_unit_test(interfaces_and_home),
		cmocka_unit_test(no_color_of_the_environment),
		cmocka_unit_test(wrong_lines_are_refused),
		cmocka_unit_test(nothing_is_silently_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
