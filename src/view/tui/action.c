#include <curses.h>
#include <stdio.h>
#include <string.h>

#include "view/tui/ask.h"
#include "view/tui/list.h"
#include "view/tui/move.h"
#include "view/tui/screens.h"

/* Selects the top row when none is selected; false when there is none to select. */
static bool has_selection(struct tui *t)
{
	if (!t->cursor.selected)
		move_select(t, t->first);
	if (t->cursor.selected && !t->cursor.by_rank)
		return true;
	screen_say(t, false, "there is no connection to choose");
	return false;
}

void action_details(struct tui *t)
{
	if (!has_selection(t))
		return;
	t->detail_uid = t->cursor.uid;
	t->detail_gone = false;
	t->mode = MODE_DETAIL;
	t->scroll = 0;
}

void action_choose(struct tui *t)
{
	if (t->menu == MENU_SORT)
		move_sort(t, (int)t->menu_at);
	t->mode = MODE_LIST;
}

static void back(struct tui *t)
{
	t->mode = t->mode == MODE_HELP ? t->help_from : MODE_LIST;
	t->scroll = t->scroll_most = 0;
}

void action_back(struct tui *t)
{
	if (t->mode != MODE_LIST) {
		back(t);
	} else if (t->search.active) {
		t->search.active = false;
	} else if (t->cursor.selected || t->cell >= 0) {
		t->cursor.selected = false;
		t->cell = -1;
	} else {
		t->first = 0;
	}
}

void action_quit(struct tui *t)
{
	if (t->mode == MODE_LIST)
		screen_want(t, INTENT_QUIT, 0, 0);
	else
		back(t);
}

void action_interrupt(struct tui *t)
{
	screen_want(t, INTENT_QUIT, 0, 0);
}

void action_suspend(struct tui *t)
{
	screen_want(t, INTENT_SUSPEND, 0, 0);
}

void action_redraw(struct tui *t)
{
	(void)t;
	(void)clearok(curscr, TRUE);
}

void action_help(struct tui *t)
{
	t->help_from = t->mode;
	t->mode = MODE_HELP;
	t->scroll = 0;
}

static void open_menu(struct tui *t, enum menu menu)
{
	int at = ask_cell(t);

	t->menu = menu;
	t->menu_at = at >= 0 ? (unsigned)at : 0;
	t->mode = MODE_MENU;
}

void action_sort(struct tui *t)
{
	open_menu(t, MENU_SORT);
}

void action_columns(struct tui *t)
{
	open_menu(t, MENU_COLUMNS);
}

void action_tick(struct tui *t)
{
	if (t->menu == MENU_COLUMNS)
		ask_toggle_column(t, t->menu_at);
}

void action_reverse(struct tui *t)
{
	t->reverse = !t->reverse;
	if (!t->cursor.selected)
		t->first = 0;
}

void action_follow(struct tui *t)
{
	t->page_stays = !t->page_stays;
	screen_say(t, false, "%s",
		t->page_stays ? "the page stays put when the selected connection moves"
			      : "the page follows the selected connection");
}

void action_pause(struct tui *t)
{
	t->paused = !t->paused;
	screen_want(t, INTENT_PAUSE, 0, t->paused);
}

void action_window(struct tui *t)
{
	t->window = t->window == 1 ? 10 : t->window == 10 ? 60 : 1;
	screen_say(t, false, "rates over %u second%s", t->window,
		t->window > 1 ? "s" : "");
}

void action_bits(struct tui *t)
{
	t->style.bits = !t->style.bits;
	memset(t->content, 0, sizeof(t->content));
	screen_say(t, false, "rates in %s a second", t->style.bits ? "bits" : "bytes");
}

void action_ports(struct tui *t)
{
	t->style.numeric = !t->style.numeric;
	memset(t->content, 0, sizeof(t->content));
	screen_say(t, false, "ports as %s", t->style.numeric ? "numbers" : "names");
}

static void set_interval(struct tui *t, int step)
{
	static const unsigned steps_ms[] = {
		100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000};
	const int last = sizeof(steps_ms) / sizeof(steps_ms[0]) - 1;
	int at = 0;

	while (at < last && steps_ms[at] < t->interval_ms)
		at++;
	/* from 3 s (between two steps) shorter is 2 s, longer is 5 s */
	if (steps_ms[at] <= t->interval_ms || step < 0)
		at += step;
	at = at < 0 ? 0 : at > last ? last : at;
	t->interval_ms = steps_ms[at];
	screen_want(t, INTENT_INTERVAL, 0, t->interval_ms);
	screen_say(t, false, "a new picture every %g s", (double)t->interval_ms / 1000);
}

void action_slower(struct tui *t)
{
	set_interval(t, 1);
}

void action_faster(struct tui *t)
{
	set_interval(t, -1);
}

void action_update(struct tui *t)
{
	t->serial++; /* a paused screen moves on once, too */
	screen_want(t, INTENT_UPDATE, 0, 0);
}

void action_flush(struct tui *t)
{
	screen_want(t, INTENT_FLUSH, 0, 0);
	screen_say(t, false, "closed connections are forgotten");
}

/* The selected row as the screen has it, cells apart by tabs. */
static bool row_text(struct tui *t, struct buf *out)
{
	const struct snapshot *s = t->list.block;
	int row = screen_selected_row(t);

	if (row < 0)
		return false;
	for (unsigned i = 0; i < t->layout.count; i++) {
		int at = screen_find(s, t->layout.at[i].column);
		struct value v = {0};

		if (at >= 0)
			v = snapshot_cell(s, (unsigned)row, (unsigned)at);
		if (i > 0)
			buf_char(out, '\t');
		list_cell(out, t, column_at(t->layout.at[i].column), &v);
	}
	return true;
}

void action_copy(struct tui *t)
{
	struct buf text = {0};
	bool any = true;

	if (t->mode == MODE_DETAIL && t->detail.block && t->detail.block->rows > 0)
		detail_text(&text, t->detail.block);
	else
		any = has_selection(t) && row_text(t, &text);
	if (any && tty_copy(&t->tty, text.data, text.len))
		screen_say(t, false, "copied to the clipboard");
	else if (any)
		screen_say(t, true,
			"this terminal has no clipboard that konn could reach");
	buf_done(&text);
}
