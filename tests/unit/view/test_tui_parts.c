/* The parts of the full screen that need no terminal: line editing, layout, graph,
 * marks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "view/tui/graph.h"
#include "view/tui/keys.h"
#include "view/tui/layout.h"
#include "view/tui/marks.h"
#include "view/tui/prompt.h"

static void test_prompt_edits_whole_characters(void **state)
{
	struct prompt p;

	(void)state;
	prompt_set(&p, "a\xc3\xa4");
	prompt_insert(&p, 0x4e2d);
	assert_string_equal(p.text, "a\xc3\xa4\xe4\xb8\xad");
	prompt_edit(&p, PROMPT_LEFT);
	prompt_edit(&p, PROMPT_BACKSPACE);
	assert_string_equal(p.text, "a\xe4\xb8\xad");
	prompt_edit(&p, PROMPT_DELETE);
	assert_string_equal(p.text, "a");
	prompt_set(&p, "port 443 and udp");
	prompt_edit(&p, PROMPT_KILL_WORD);
	assert_string_equal(p.text, "port 443 and ");
	prompt_edit(&p, PROMPT_HOME);
	prompt_edit(&p, PROMPT_RIGHT);
	prompt_edit(&p, PROMPT_KILL_REST);
	assert_string_equal(p.text, "p");
	prompt_edit(&p, PROMPT_KILL_LINE);
	assert_string_equal(p.text, "");
	prompt_edit(&p, PROMPT_BACKSPACE);
	prompt_edit(&p, PROMPT_DELETE);
	assert_int_equal(p.len, 0);
}

static void test_prompt_refuses(void **state)
{
	struct prompt p;
	char text[2 * PROMPT_BYTES];

	(void)state;
	prompt_set(&p, "x");
	prompt_insert(&p, 0x1b);
	prompt_insert(&p, 0x202e);
	prompt_insert(&p, 0xd800);
	prompt_insert(&p, 0x110000);
	assert_string_equal(p.text, "x");
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	prompt_set(&p, text);
	assert_int_equal(p.len, PROMPT_BYTES - 1);
	prompt_insert(&p, 'z');
	assert_int_equal(p.len, PROMPT_BYTES - 1);
}

static void check_cut(const char *text, int width, bool middle, const char *expected)
{
	struct layout_cut cut = {width, middle, "\xe2\x80\xa6"};
	struct buf out = {0};

	layout_shorten(&out, text, strlen(text), &cut);
	assert_string_equal(buf_cstr(&out), expected);
	assert_true(width < 0 || text_columns(out.data, out.len) <= (size_t)width);
	buf_done(&out);
}

static void test_layout_shortens(void **state)
{
	(void)state;
	check_cut("10.0.0.1:80", 11, true, "10.0.0.1:80");
	check_cut("192.168.100.23:51514", 11, true,
		"192.1\xe2\x80\xa6"
		"51514");
	check_cut("interface", 5, false, "inte\xe2\x80\xa6");
	check_cut("interface", 1, false, "\xe2\x80\xa6");
	check_cut("interface", 0, true, "");
	/* a wide character that would be halved goes whole */
	check_cut("\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87", 6, true,
		"\xe4\xb8\xad\xe2\x80\xa6\xe6\x96\x87");
}

/* The columns of columns.def that are shown by themselves, fitted to a width. */
static void fit(struct layout *out, int cols, int sort)
{
	uint16_t columns[QUERY_COLUMNS];
	uint8_t priority[QUERY_COLUMNS];
	struct layout_want want = {.left = 2, .cols = cols, .cursor = -1, .sort = sort};

	for (unsigned i = 0; i < column_count(); i++) {
		if (column_at(i)->priority >= 70)
			continue;
		priority[want.n_columns] = column_at(i)->priority;
		columns[want.n_columns++] = (uint16_t)i;
	}
	want.columns = columns;
	want.priority = priority;
	layout_fit(out, &want);
}

static void test_layout_never_overlaps(void **state)
{
	struct layout l;

	(void)state;
	for (int cols = 1; cols <= 500; cols++) {
		fit(&l, cols, -1);
		assert_true(l.count > 0);
		for (unsigned i = 0; i < l.count; i++) {
			assert_true(l.at[i].width > 0);
			if (i > 0)
				assert_true(
					l.at[i].x > l.at[i - 1].x + l.at[i - 1].width);
		}
		if (cols >= 20)
			assert_true(
				l.at[l.count - 1].x + l.at[l.count - 1].width <= cols);
	}
}

static void test_layout_prefers(void **state)
{
	struct layout narrow, wide;
	int sort = column_find("conn_state", 10);
	bool found = false;

	(void)state;
	fit(&narrow, 80, sort);
	fit(&wide, 200, -1);
	assert_true(wide.count > narrow.count);
	for (unsigned i = 0; i < narrow.count; i++)
		found |= narrow.at[i].column == sort;
	assert_true(found);
}

static void test_graph(void **state)
{
	struct graph g = {0};
	struct buf out = {0};

	(void)state;
	for (uint64_t i = 0; i < 8; i++)
		graph_add(&g, i * 1000000000u, i * 100, 0);
	graph_add(&g, 7100000000u, 999999, 0); /* too soon after the last one */
	graph_text(&out, &g, g.in, 8, false);
	assert_string_equal(buf_cstr(&out), "_..--==#");
	buf_reset(&out);
	graph_text(&out, &g, g.in, 1, true);
	assert_string_equal(buf_cstr(&out), "\xe2\xa3\xbe");
	buf_reset(&out);
	graph_text(&out, &g, g.out, 3, false);
	assert_string_equal(buf_cstr(&out), "___");
	buf_done(&out);
}

static void test_marks(void **state)
{
	static struct marks m; /* too large for some stacks */
	struct mark_facts f = {.uid = 7, .state = 1, .sent = 5, .received = 5};
	struct mark mark;

	(void)state;
	memset(&m, 0, sizeof(m));
	marks_begin(&m, 1000000000u);
	mark = marks_row(&m, &f);
	assert_false(mark.sent || mark.received || mark.changed || mark.gone);

	f.sent = 6;
	f.state = 2;
	for (int again = 0; again < 2; again++) { /* a key redraws the same second */
		marks_begin(&m, 2000000000u);
		mark = marks_row(&m, &f);
		assert_true(mark.sent && mark.changed);
		assert_false(mark.received || mark.gone);
	}
	f.gone = true;
	marks_begin(&m, 3000000000u);
	mark = marks_row(&m, &f);
	assert_true(mark.gone && mark.just_gone && mark.changed);
	marks_begin(&m, 5000000000u);
	mark = marks_row(&m, &f);
	assert_true(mark.gone && !mark.just_gone && !mark.changed);
}

/* Each key of the table is found where it says, and no two of a mode have one code. */
static void test_keys(void **state)
{
	(void)state;
	for (unsigned i = 0; i < key_count(); i++) {
		const struct key *k = key_at(i);

		if (k->code == 0)
			continue;
		assert_non_null(k->run);
		for (unsigned bit = 1; bit & ON_ALL; bit <<= 1)
			if (k->modes & bit)
				assert_ptr_equal(key_find(k->code, bit), k);
	}
	assert_null(key_find('K', ON_LIST));
	assert_false(key_known('@'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prompt_edits_whole_characters),
		cmocka_unit_test(test_prompt_refuses),
		cmocka_unit_test(test_layout_shortens),
		cmocka_unit_test(test_layout_never_overlaps),
		cmocka_unit_test(test_layout_prefers),
		cmocka_unit_test(test_graph),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
