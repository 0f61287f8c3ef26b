#include "view/tui/tui.h"

#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/tui/ask.h"
#include "view/tui/line.h"
#include "view/tui/list.h"
#include "view/tui/move.h"
#include "view/tui/screens.h"
#include "view/tui/search.h"

static void take_size(struct tui *t)
{
	getmaxyx(stdscr, t->paint.rows, t->paint.cols);
}

static char *copy(const char *text)
{
	return strdup(text ? text : "");
}

int tui_open(const struct tui_setup *setup, struct tui **out, struct err *err)
{
	struct tui *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_set(err, EXIT_SOFTWARE, "no memory for the screen");
	t->host = copy(setup->host);
	t->source = copy(setup->source);
	if (!t->host || !t->source) {
		tui_close(t);
		return err_set(err, EXIT_SOFTWARE, "no memory for the screen");
	}
	t->style = setup->style;
	t->interval_ms = setup->interval_ms ? setup->interval_ms : 1000;
	r = tty_open(&t->tty, setup->tty, err);
	if (r < 0) {
		tui_close(t);
		return r;
	}
	t->paint.utf8 = t->tty.utf8;
	paint_start(&t->paint, setup->style.color);
	take_size(t);
	ask_start(t, setup);
	ask_refresh(t);
	*out = t;
	return 0;
}

void tui_close(struct tui *t)
{
	if (!t)
		return;
	tty_close(&t->tty);
	filter_free(t->own_filter);
	free(t->list.block);
	free(t->detail.block);
	free(t->host);
	free(t->source);
	buf_done(&t->scratch);
	free(t);
}

static void mouse(struct tui *t)
{
	struct frame f = screen_frame(t);
	MEVENT e;

	if (getmouse(&e) != OK || t->asking != ASKING_NOTHING)
		return;
	if (e.bstate & BUTTON4_PRESSED) {
		move_wheel(t, -3);
	} else if (e.bstate & BUTTON5_PRESSED) {
		move_wheel(t, 3);
	} else if (t->mode == MODE_LIST && e.y == f.title) {
		for (unsigned i = 0; i < t->layout.count; i++)
			if (e.x >= t->layout.at[i].x &&
				e.x < t->layout.at[i].x + t->layout.at[i].width)
				move_sort(t, t->layout.at[i].column);
	} else if (t->mode == MODE_LIST && e.y >= f.body &&
		   e.y < f.body + (int)screen_rows(t) && e.y < f.body + f.body_rows) {
		move_select(t, t->list.block->first + (uint64_t)(e.y - f.body));
	}
}

static void no_such_key(struct tui *t, bool is_code, unsigned key)
{
	bool elsewhere = key_known((int)key);

	if (is_code || key < ' ' || key > '~') {
		if (t->mode == MODE_LIST)
			screen_say(t, false,
				"this key does nothing here: h lists those that do");
	} else {
		screen_say(t, false, "%c does nothing %s: h lists the keys that do",
			(char)key, elsewhere ? "on this page" : "yet");
	}
}

static void one_key(struct tui *t, bool is_code, unsigned key)
{
	const struct key *found;

	t->message[0] = '\0';
	if (is_code && key == KEY_RESIZE)
		return;
	if (is_code && key == KEY_MOUSE) {
		mouse(t);
		return;
	}
	if (t->asking != ASKING_NOTHING) {
		line_key(t, is_code, key);
		return;
	}
	/* a character beyond Latin-1 may have the number of a key of curses */
	found = !is_code && key > 0xff ? NULL : key_find((int)key, 1u << t->mode);
	if (found)
		found->run(t);
	else
		no_such_key(t, is_code, key);
}

bool tui_keys(struct tui *t, uint64_t now_ns)
{
	bool any = false;
	wint_t key;
	int r;

	(void)now_ns; /* what fades does so by the snapshots' time */
	if (tty_hung_up(&t->tty)) {
		screen_want(t, INTENT_QUIT, 0, 0);
		return false;
	}
	while ((r = get_wch(&key)) != ERR) {
		one_key(t, r == KEY_CODE_YES, key);
		ask_refresh(t); /* a page holds what the next key moves in */
		any = true;
	}
	return any;
}

void tui_resized(struct tui *t)
{
	tty_resize(&t->tty);
	take_size(t);
	ask_refresh(t);
}

void tui_suspend(struct tui *t)
{
	tty_suspend(&t->tty);
}

void tui_resume(struct tui *t)
{
	tty_resume(&t->tty);
	tui_resized(t);
}

const struct query *tui_query(const struct tui *t)
{
	return &t->query;
}

struct intent tui_intent(struct tui *t)
{
	struct intent first = t->intents[0];

	if (t->n_intents == 0)
		return (struct intent){INTENT_NONE, 0, 0};
	t->n_intents--;
	memmove(t->intents, t->intents + 1, t->n_intents * sizeof(t->intents[0]));
	return first;
}

/* False when there is no memory: the last picture stays. */
static bool keep(struct kept *k, const struct snapshot *s, uint64_t serial)
{
	if (!k->block || s->length > k->cap) {
		struct snapshot *block = realloc(k->block, s->length);

		if (!block)
			return false;
		k->block = block;
		k->cap = s->length;
	}
	memcpy(k->block, s, s->length);
	k->serial = serial;
	return true;
}

/* Ties the selection to the connection again, wherever the new order has put it. */
static void find_cursor(struct tui *t)
{
	const struct snapshot *s = t->list.block;
	struct cursor *c = &t->cursor;
	int row;

	t->first = s->first;
	if (!c->selected)
		return;
	if (c->by_rank && s->rows > 0) {
		uint64_t last = s->first + s->rows - 1ull;

		c->rank = c->rank < s->first ? s->first
			  : c->rank > last   ? last
					     : c->rank;
		c->uid = snapshot_uid(s, (unsigned)(c->rank - s->first));
		c->by_rank = false;
		return;
	}
	row = screen_selected_row(t);
	if (row >= 0) {
		c->rank = s->first + (uint64_t)row;
	} else if (!t->page_stays) {
		/* never another one in its place: the next key could close it */
		c->selected = false;
		if (!t->filter_is_new)
			screen_say(t, false, "the selected connection left the list");
	}
}

/* The rows became fewer than what was scrolled over. */
static void clamp_first(struct tui *t)
{
	const struct snapshot *s = t->list.block;
	uint64_t page = (uint64_t)screen_frame(t).body_rows;
	uint64_t last = s->totals.matched > page ? s->totals.matched - page : 0;

	if (t->first > last) {
		t->first = last;
		screen_want(t, INTENT_UPDATE, 0, 0);
	}
}

static void take_list(struct tui *t, const struct snapshot *s)
{
	if (t->search.active) {
		search_look(t, s);
		screen_want(
			t, INTENT_UPDATE, 0, 0); /* the next part, or the page itself */
		return;
	}
	if (t->paused && t->list.block && t->list.serial == t->serial)
		return; /* the display stands still as long as the question is the same
			 */
	if (!keep(&t->list, s, t->serial))
		return;
	list_measure(t, t->list.block);
	find_cursor(t);
	t->filter_is_new = false;
	clamp_first(t);
}

static void take_detail(struct tui *t, const struct snapshot *s)
{
	if (t->paused && t->detail.block && t->detail.serial == t->serial)
		return;
	t->detail_gone = s->rows == 0;
	if (s->rows > 0)
		(void)keep(&t->detail, s, t->serial); /* else the last picture stays */
}

static void draw(struct tui *t)
{
	(void)erase(); /* curses compares: only what changed is sent */
	header_draw(t);
	switch (t->mode) {
	case MODE_LIST: list_draw(t); break;
	case MODE_DETAIL: detail_draw(t); break;
	case MODE_HELP: help_draw(t); break;
	case MODE_MENU: menu_draw(t); break;
	}
	bottom_draw(t);
	(void)refresh();
}

void tui_show(struct tui *t, const struct snapshot *s)
{
	uint64_t columns;

	if (!s || t->tty.away)
		return;
	t->totals = s->totals;
	if (!t->has_totals)
		t->began_ns = s->totals.now_ns;
	t->has_totals = true;
	if (!s->totals.ended)
		graph_add(&t->graph, s->totals.now_ns,
			s->totals.has_direction ? s->totals.in_bps : s->totals.all_bps,
			s->totals.out_bps);
	if (t->query.uid)
		take_detail(t, s);
	else
		take_list(t, s);
	draw(t);
	/* what became known may make room for columns that were not asked for */
	columns = t->query.n_columns;
	ask_refresh(t);
	if (t->mode == MODE_LIST) {
		t->list.serial = t->search.active ? t->list.serial : t->serial;
		if (t->query.n_columns > columns)
			screen_want(t, INTENT_UPDATE, 0, 0);
	}
}
