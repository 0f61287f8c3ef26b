#include "view/tui/move.h"

#include "view/tui/ask.h"

static long page_rows(const struct tui *t)
{
	int rows = screen_frame(t).body_rows;

	return rows > 1 ? rows : 1;
}

/* Brings the rank into the page. */
static void show_rank(struct tui *t, uint64_t rank)
{
	uint64_t page = (uint64_t)page_rows(t);

	if (rank < t->first)
		t->first = rank;
	else if (rank >= t->first + page)
		t->first = rank - page + 1;
}

void move_select(struct tui *t, uint64_t rank)
{
	uint64_t matched = t->list.block ? t->list.block->totals.matched : 0;
	const struct snapshot *s = t->list.block;

	if (matched == 0)
		return;
	if (rank >= matched)
		rank = matched - 1;
	t->cursor = (struct cursor){.selected = true, .by_rank = true, .rank = rank};
	if (rank >= s->first && rank - s->first < s->rows) {
		t->cursor.by_rank = false;
		t->cursor.uid = snapshot_uid(s, (unsigned)(rank - s->first));
	}
	show_rank(t, rank);
}

/* Where a move starts: the selected row, or the top of the page when none is selected.
 */
static void move_list(struct tui *t, long by)
{
	uint64_t from = t->cursor.rank;
	bool seen = t->cursor.selected &&
		    (t->cursor.by_rank || screen_selected_row(t) >= 0);

	if (!seen) {
		from = t->first;
		by = by == 1 ? 0 : by;
	}
	if (by < 0 && (uint64_t)-by > from)
		move_select(t, 0);
	else
		move_select(t, from + (uint64_t)by);
}

static void move_number(unsigned *at, unsigned most, long by)
{
	long to = (long)*at + by;

	*at = to < 0 ? 0 : to > (long)most ? most : (unsigned)to;
}

void move_by(struct tui *t, long by)
{
	switch (t->mode) {
	case MODE_LIST: move_list(t, by); break;
	case MODE_MENU: move_number(&t->menu_at, column_count() - 1, by); break;
	case MODE_DETAIL:
	case MODE_HELP: move_number(&t->scroll, t->scroll_most, by); break;
	}
}

void move_wheel(struct tui *t, long by)
{
	if (t->mode != MODE_LIST || t->cursor.selected) {
		move_by(t, by);
		return;
	}
	uint64_t matched = t->list.block ? t->list.block->totals.matched : 0;
	uint64_t page = (uint64_t)page_rows(t),
		 last = matched > page ? matched - page : 0;

	if (by < 0)
		t->first = t->first > (uint64_t)-by ? t->first - (uint64_t)-by : 0;
	else
		t->first = t->first + (uint64_t)by < last ? t->first + (uint64_t)by
							  : last;
}

void action_down(struct tui *t)
{
	move_by(t, 1);
}

void action_up(struct tui *t)
{
	move_by(t, -1);
}

void action_page_down(struct tui *t)
{
	move_by(t, page_rows(t));
}

void action_page_up(struct tui *t)
{
	move_by(t, -page_rows(t));
}

void action_half_down(struct tui *t)
{
	move_by(t, (page_rows(t) + 1) / 2);
}

void action_half_up(struct tui *t)
{
	move_by(t, -((page_rows(t) + 1) / 2));
}

void action_top(struct tui *t)
{
	if (t->mode == MODE_LIST) {
		t->first = 0;
		move_select(t, 0);
	} else {
		move_by(t, INT16_MIN);
	}
}

void action_bottom(struct tui *t)
{
	if (t->mode == MODE_LIST)
		move_select(t, UINT64_MAX);
	else
		move_by(t, INT16_MAX);
}

/* The wanted column beside `column`, which need not be one of them. */
static int neighbour(const struct tui *t, int column, int step)
{
	for (unsigned i = 0; i < t->n_wanted; i++) {
		long at = (long)i + step;

		if (t->wanted[i] == column)
			return at < 0 || at >= (long)t->n_wanted ? column
								 : t->wanted[at];
	}
	return t->n_wanted ? t->wanted[0] : -1;
}

/* The chosen column that is shown as `wanted` (they differ while rates are averaged).
 */
static int chosen_of(struct tui *t, int wanted)
{
	for (unsigned i = 0; i < t->n_chosen; i++)
		if (ask_over_window(t, t->chosen[i]) == wanted)
			return t->chosen[i];
	return wanted;
}

static void move_cell(struct tui *t, int step)
{
	t->cell = chosen_of(t, neighbour(t, ask_cell(t), step));
}

void action_left(struct tui *t)
{
	move_cell(t, -1);
}

void action_right(struct tui *t)
{
	move_cell(t, 1);
}

void action_sort_left(struct tui *t)
{
	move_sort(t, chosen_of(t, neighbour(t, ask_over_window(t, t->sort), -1)));
}

void action_sort_right(struct tui *t)
{
	move_sort(t, chosen_of(t, neighbour(t, ask_over_window(t, t->sort), 1)));
}

void move_sort(struct tui *t, int column)
{
	if (column < 0 || column == t->sort)
		return;
	t->sort = column;
	/* of numbers the large ones matter, of names the first */
	t->reverse = layout_right(column_at((unsigned)column)) &&
		     column_at((unsigned)column)->type != TYPE_PORT &&
		     column_at((unsigned)column)->type != TYPE_ID &&
		     column != t->facts.idle_ms && column != t->facts.age_ms;
	if (!t->cursor.selected)
		t->first = 0;
}
