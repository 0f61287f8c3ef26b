#include "view/tui/search.h"

#include <string.h>
#include <strings.h>

#include "view/tui/list.h"

void search_start(struct tui *t, bool backward)
{
	uint64_t matched = t->list.block ? t->list.block->totals.matched : 0;
	struct search *s = &t->search;
	uint64_t from = t->cursor.selected ? t->cursor.rank : t->first;

	if (s->text[0] == '\0') {
		screen_say(t, false, "nothing to search for yet: / asks");
		return;
	}
	if (matched == 0)
		return;
	s->active = true;
	s->backward = backward;
	s->left = matched;
	s->at = from;
	if (!backward && t->cursor.selected)
		s->at = from + 1 < matched ? from + 1 : 0;
	if (backward && from == 0)
		s->at = matched;
}

static bool contains(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++)
		if (strncasecmp(text + i, word, n) == 0)
			return true;
	return false;
}

/* Looks at what the list shows of the row, as it shows it. `at`: the columns in `s`. */
static bool row_matches(
	struct tui *t, const struct snapshot *s, unsigned row, const int *at)
{
	for (unsigned i = 0; i < t->layout.count; i++) {
		struct value v = {0};

		if (at[i] >= 0)
			v = snapshot_cell(s, row, (unsigned)at[i]);
		if (!v.present)
			continue;
		buf_reset(&t->scratch);
		list_cell(&t->scratch, t, column_at(t->layout.at[i].column), &v);
		if (contains(t->scratch.data, t->scratch.len, t->search.text))
			return true;
	}
	return false;
}

static void found(struct tui *t, const struct snapshot *s, unsigned row)
{
	uint64_t page = (uint64_t)screen_frame(t).body_rows;
	struct cursor *c = &t->cursor;

	t->search.active = false;
	*c = (struct cursor){
		true, false, snapshot_uid(s, row), (uint64_t)s->first + row};
	if (c->rank < t->first || c->rank >= t->first + page)
		t->first = c->rank > page / 2 ? c->rank - page / 2 : 0;
}

static void next_part(struct tui *t, const struct snapshot *s)
{
	struct search *q = &t->search;
	uint64_t seen = s->rows;

	q->left = seen < q->left ? q->left - seen : 0;
	if (q->backward)
		q->at = s->first > 0 ? s->first : s->totals.matched;
	else
		q->at = s->first + seen < s->totals.matched ? s->first + seen : 0;
	if (q->left > 0 && seen > 0)
		return;
	q->active = false;
	screen_say(t, true, "not found: %s", q->text);
}

void search_look(struct tui *t, const struct snapshot *s)
{
	int at[QUERY_COLUMNS] = {0};

	for (unsigned i = 0; i < t->layout.count; i++)
		at[i] = screen_find(s, t->layout.at[i].column);
	for (unsigned i = 0; i < s->rows; i++) {
		unsigned row = t->search.backward ? s->rows - 1 - i : i;

		if (row_matches(t, s, row, at)) {
			found(t, s, row);
			return;
		}
	}
	next_part(t, s);
}
