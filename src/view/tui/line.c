#include "view/tui/line.h"

#include <stdio.h>

#include "view/tui/ask.h"
#include "view/tui/search.h"

static void check(struct tui *t)
{
	struct filter *filter = NULL;

	t->prompt_err = (struct err){0};
	t->prompt_err_at = 0;
	if (t->asking != ASKING_FILTER || t->prompt.len == 0)
		return;
	if (filter_compile(t->prompt.text, t->style.services, &filter,
		    &t->prompt_err_at, &t->prompt_err) == 0)
		filter_free(filter);
	else if (t->prompt_err.exit_code == 0)
		(void)err_set(&t->prompt_err, EXIT_USAGE, "this filter cannot be used");
}

static void accept(struct tui *t)
{
	if (t->asking == ASKING_SEARCH) {
		t->asking = ASKING_NOTHING;
		(void)snprintf(
			t->search.text, sizeof(t->search.text), "%s", t->prompt.text);
		search_start(t, false);
		return;
	}
	check(t);
	if (t->prompt_err.exit_code != 0)
		return; /* the line stays, with its caret */
	if (ask_filter(t, t->prompt.text, &t->prompt_err_at, &t->prompt_err) < 0)
		return;
	t->asking = ASKING_NOTHING;
}

/* What edits the line; -1 for other keys. */
static int edit_of(bool is_code, unsigned key)
{
	static const struct {
		bool is_code;
		unsigned key;
		enum prompt_edit edit;
	} edits[] = {
		{true, KEY_LEFT, PROMPT_LEFT},
		{false, CTRL('B'), PROMPT_LEFT},
		{true, KEY_RIGHT, PROMPT_RIGHT},
		{false, CTRL('F'), PROMPT_RIGHT},
		{true, KEY_HOME, PROMPT_HOME},
		{false, CTRL('A'), PROMPT_HOME},
		{true, KEY_END, PROMPT_END},
		{false, CTRL('E'), PROMPT_END},
		{true, KEY_BACKSPACE, PROMPT_BACKSPACE},
		{false, 0x7f, PROMPT_BACKSPACE},
		{false, CTRL('H'), PROMPT_BACKSPACE},
		{true, KEY_DC, PROMPT_DELETE},
		{false, CTRL('D'), PROMPT_DELETE},
		{false, CTRL('W'), PROMPT_KILL_WORD},
		{false, CTRL('U'), PROMPT_KILL_LINE},
		{false, CTRL('K'), PROMPT_KILL_REST},
	};

	for (unsigned i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
		if (edits[i].is_code == is_code && edits[i].key == key)
			return (int)edits[i].edit;
	return -1;
}

void line_key(struct tui *t, bool is_code, unsigned key)
{
	int edit = edit_of(is_code, key);

	if (edit >= 0) {
		prompt_edit(&t->prompt, (enum prompt_edit)edit);
		check(t);
	} else if (is_code && key == KEY_ENTER ||
		   !is_code && (key == '\r' || key == '\n')) {
		accept(t);
	} else if (!is_code && key == CTRL('C')) {
		action_interrupt(t);
	} else if (!is_code && key == CTRL('Z')) {
		action_suspend(t);
	} else if (!is_code && key == CTRL('L')) {
		action_redraw(t);
	} else if (!is_code && key == 27) {
		t->asking = ASKING_NOTHING;
	} else if (!is_code) {
		prompt_insert(&t->prompt, key);
		check(t);
	}
}

static void ask_for(struct tui *t, enum asking what, const char *text)
{
	t->asking = what;
	prompt_set(&t->prompt, text);
	check(t);
}

void action_search(struct tui *t)
{
	ask_for(t, ASKING_SEARCH, "");
}

void action_filter(struct tui *t)
{
	ask_for(t, ASKING_FILTER, t->filter_text);
}

void action_search_next(struct tui *t)
{
	search_start(t, false);
}

void action_search_back(struct tui *t)
{
	search_start(t, true);
}
