#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "app/verb_columns.h"
#include "app/verb_help.h"
#include "model/column.h"

static struct options asking(enum verb verb, const char *output)
{
	return (struct options){.verb = verb, .output = output};
}

static unsigned lines_of(struct buf *b)
{
	unsigned lines = 0;

	for (size_t i = 0; i < b->len; i++)
		lines += b->data[i] == '\n';
	return lines;
}

static void overview_fits_a_terminal(void **state)
{
	const struct options o = asking(VERB_NONE, "text");
	struct err err = {0};
	struct buf b = {0};
	const char *line;

	(void)state;
	assert_int_equal(verb_help(&o, &b, &err), 0);
	assert_in_range(lines_of(&b), 10, 24);
	for (line = buf_cstr(&b); *line; line = strchr(line, '\n') + 1)
		assert_in_range(strcspn(line, "\n"), 0, 80);
	for (int i = 0; i < OPTIONS_END; i++) {
		const struct option_row *row = options_row((enum option_id)i);
		char flag[40];

		if (row->letter)
			assert_true(
				snprintf(flag, sizeof(flag), "-%c", row->letter) > 0);
		else
			assert_true(
				snprintf(flag, sizeof(flag), "--%s", row->name) > 0);
		assert_non_null(strstr(buf_cstr(&b), flag));
	}
	buf_done(&b);
}

static int help_on(const char *topic, struct buf *out, struct err *err)
{
	char word[32];
	char *words[] = {word};
	struct options o = asking(VERB_HELP, "text");

	assert_true(snprintf(word, sizeof(word), "%s", topic) > 0);
	o.words.at = words;
	o.words.count = 1;
	return verb_help(&o, out, err);
}

static void every_verb_and_topic_has_help(void **state)
{
	static const char *const topics[] = {
		"filter", "columns", "options", "exit-codes", "connmon"};
	struct err err = {0};

	(void)state;
	for (int i = VERB_NONE + 1; i < VERB_COUNT; i++) {
		const struct verb_row *v = options_verb((enum verb)i);
		struct buf b = {0};

		if (!v->there)
			continue;
		assert_int_equal(help_on(v->name, &b, &err), 0);
		assert_non_null(strstr(buf_cstr(&b), v->name));
		buf_done(&b);
	}
	for (size_t i = 0; i < sizeof(topics) / sizeof(*topics); i++) {
		struct buf b = {0};

		assert_int_equal(help_on(topics[i], &b, &err), 0);
		assert_true(lines_of(&b) > 5);
		assert_int_equal(b.data[b.len - 1], '\n');
		buf_done(&b);
	}
}

static void unknown_topic_names_the_nearest(void **state)
{
	struct err err = {0};
	struct buf b = {0};

	(void)state;
	assert_true(help_on("filtr", &b, &err) < 0);
	assert_int_equal(err.exit_code, EXIT_USAGE);
	assert_non_null(strstr(err.text, "filter"));
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

static void help_behind_a_verb_is_on_it(void **state)
{
	const struct options o = asking(VERB_LOAD, "text");
	struct err err = {0};
	struct buf b = {0};

	(void)state;
	assert_int_equal(verb_help(&o, &b, &err), 0);
	assert_memory_equal(buf_cstr(&b), "konn load ", 10);
	buf_done(&b);
}

static void columns_are_all_there(void **state)
{
	static const char *const outputs[] = {"text", "json", "csv"};

	(void)state;
	for (unsigned k = 0; k < 3; k++) {
		const struct options o = asking(VERB_COLUMNS, outputs[k]);
		struct err err = {0};
		struct buf b = {0};
		unsigned titles = k == 1 ? 0 : 1;

		assert_int_equal(verb_columns(&o, &b, &err), 0);
		assert_int_equal(lines_of(&b), column_count() + titles);
		for (unsigned i = 0; i < column_count(); i++)
			assert_non_null(strstr(buf_cstr(&b), column_at(i)->key));
		buf_done(&b);
	}
}

static void schema_of_a_column(void **state)
{
	char word[] = "orig_mss";
	char *words[] = {word};
	struct options o = asking(VERB_COLUMNS, "json");
	struct err err = {0};
	struct buf b = {0};

	(void)state;
	o.words.at = words;
	o.words.count = 1;
	assert_int_equal(verb_columns(&o, &b, &err), 0);
	assert_non_null(strstr(buf_cstr(&b),
		"{\"kind\":\"column\",\"key\":\"orig_mss\",\"type\":\"bytes\","));
	assert_non_null(strstr(buf_cstr(&b), "\"need\":[\"packets\"]"));
	assert_int_equal(lines_of(&b), 1);
	memcpy(word, "orig_msz", sizeof(word));
	assert_true(verb_columns(&o, &b, &err) < 0);
	assert_non_null(strstr(err.text, "orig_mss"));
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overview_fits_a_terminal),
		cmocka_unit_test(every_verb_and_topic_has_help),
		cmocka_unit_test(unknown_topic_names_the_nearest),
		cmocka_unit_test(help_behind_a_verb_is_on_it),
		cmocka_unit_test(columns_are_all_there),
		cmocka_unit_test(schema_of_a_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
