#include "view/tui/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int find(const char *key)
{
	return column_find(key, strlen(key));
}

static void add_column(uint16_t *columns, unsigned *count, int column)
{
	if (column < 0)
		return;
	for (unsigned i = 0; i < *count; i++)
		if (columns[i] == column)
			return;
	if (*count < QUERY_COLUMNS)
		columns[(*count)++] = (uint16_t)column;
}

static bool is_identity(unsigned column)
{
	return column_at(column)->priority <= 1;
}

/* The screen is told of packets only so far; dozens of empty columns would come and go.
 */
static bool is_told(unsigned column)
{
	return !(column_at(column)->need & (NEED_SOCKETS | NEED_OWNERS));
}

/*
 * All but what is shown only when it is named: who talks to whom comes first, wide
 * stamps of time last.
 */
static void choose_default(struct tui *t)
{
	for (unsigned pass = 0; pass < 3; pass++)
		for (unsigned i = 0; i < column_count() && i < LAYOUT_COLUMNS; i++) {
			bool stamp = column_at(i)->type == TYPE_TIME;
			unsigned wanted_pass = is_identity(i) ? 0 : stamp ? 2 : 1;

			if (column_at(i)->priority < 70 && is_told(i) &&
				wanted_pass == pass)
				add_column(t->chosen, &t->n_chosen, (int)i);
		}
}

void ask_start(struct tui *t, const struct tui_setup *setup)
{
	t->facts = (struct fact_columns){
		.state = find("state"),
		.conn_state = find("conn_state"),
		.icmp_error = find("icmp_error"),
		.evicted = find("evicted"),
		.idle_ms = find("idle_ms"),
		.age_ms = find("age_ms"),
		.orig_pkts = find("orig_pkts"),
		.resp_pkts = find("resp_pkts"),
	};
	for (unsigned i = 0; setup->columns && i < setup->n_columns; i++)
		add_column(t->chosen, &t->n_chosen, setup->columns[i]);
	if (t->n_chosen == 0)
		choose_default(t);
	t->sort = setup->sort;
	t->reverse = setup->reverse;
	t->cell = -1;
	t->window = 1;
	t->filter = setup->filter;
	if (setup->filter_text)
		(void)snprintf(t->filter_text, sizeof(t->filter_text), "%s",
			setup->filter_text); /* a longer one can be replaced, not edited
					      */
}

/*
 * The same rate over another time. Only client's and server's rates are kept over
 * longer times, so those stand in for in and out.
 */
int ask_over_window(const struct tui *t, int column)
{
	char key[64];
	const char *base;
	int other;

	if (t->window == 1 || column < 0 ||
		column_at((unsigned)column)->type != TYPE_BPS)
		return column;
	base = column_at((unsigned)column)->key;
	(void)snprintf(key, sizeof(key), "%s_%us", base, t->window);
	other = find(key);
	if (other < 0 && strcmp(base, "in_bps") == 0)
		other = find(t->window == 10 ? "resp_bps_10s" : "resp_bps_60s");
	if (other < 0 && strcmp(base, "out_bps") == 0)
		other = find(t->window == 10 ? "orig_bps_10s" : "orig_bps_60s");
	return other < 0 ? column : other;
}

int ask_cell(const struct tui *t)
{
	int column = t->cell >= 0 ? t->cell : t->sort;

	return column >= 0   ? ask_over_window(t, column)
	       : t->n_chosen ? t->chosen[0]
			     : 0;
}

/* Asks for whatever could be shown: the layout is final only when the content is known.
 */
static void add_layout(
	struct tui *t, struct query *q, const struct layout_content *content)
{
	struct layout l;
	struct layout_want want = {
		.columns = t->wanted,
		.priority = t->priority,
		.n_columns = t->n_wanted,
		.left = 2,
		.cols = t->paint.cols,
		.cursor = ask_cell(t),
		.sort = ask_over_window(t, t->sort),
		.content = content,
	};

	layout_fit(&l, &want);
	for (unsigned i = 0; i < l.count; i++)
		add_column(q->columns, &q->n_columns, l.at[i].column);
}

static void list_columns(struct tui *t, struct query *q)
{
	const struct fact_columns *f = &t->facts;
	const int needed[] = {f->state, f->conn_state, f->icmp_error, f->evicted,
		f->idle_ms, f->age_ms, f->orig_pkts, f->resp_pkts};

	t->n_wanted = 0;
	for (unsigned i = 0; i < t->n_chosen; i++) {
		unsigned before = t->n_wanted;

		add_column(t->wanted, &t->n_wanted, ask_over_window(t, t->chosen[i]));
		if (t->n_wanted > before)
			t->priority[before] = column_at(t->chosen[i])->priority;
	}
	add_layout(t, q, NULL);
	add_layout(t, q, t->content);
	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		add_column(q->columns, &q->n_columns, needed[i]);
}

static void ask_list(struct tui *t, struct query *q)
{
	uint64_t page = (uint64_t)screen_frame(t).body_rows;

	list_columns(t, q);
	q->filter = t->filter;
	q->sort = ask_over_window(t, t->sort);
	q->reverse = t->reverse;
	q->count = page ? (uint32_t)page : 1;
	if (t->first > UINT32_MAX)
		t->first = UINT32_MAX;
	q->first = (uint32_t)t->first;
	if (t->search.active) {
		const struct search *s = &t->search;
		uint64_t from = s->at > ASK_SEARCH_ROWS ? s->at - ASK_SEARCH_ROWS : 0;

		q->first = (uint32_t)(s->backward ? from : s->at);
		q->count = s->backward ? (uint32_t)(s->at - from) : ASK_SEARCH_ROWS;
	} else if (t->cursor.selected && !t->cursor.by_rank && !t->page_stays) {
		q->follow = t->cursor.uid;
	}
}

/* One connection with every column there is. */
static void ask_detail(const struct tui *t, struct query *q)
{
	q->uid = t->detail_uid;
	q->count = 1;
	q->sort = -1;
	for (unsigned i = 0; i < column_count(); i++)
		if (column_at(i)->priority < 99)
			add_column(q->columns, &q->n_columns, (int)i);
}

static bool same(const struct query *a, const struct query *b)
{
	return a->filter == b->filter && a->sort == b->sort &&
	       a->reverse == b->reverse && a->first == b->first &&
	       a->count == b->count && a->uid == b->uid && a->follow == b->follow &&
	       a->n_columns == b->n_columns &&
	       memcmp(a->columns, b->columns, a->n_columns * sizeof(a->columns[0])) ==
		       0;
}

void ask_refresh(struct tui *t)
{
	struct query q = {.group = -1};

	if (t->mode == MODE_DETAIL ||
		(t->mode == MODE_HELP && t->help_from == MODE_DETAIL))
		ask_detail(t, &q);
	else
		ask_list(t, &q);
	if (!same(&q, &t->query)) {
		t->query = q;
		t->serial++;
	}
}

int ask_filter(struct tui *t, const char *text, unsigned *out_at, struct err *err)
{
	struct filter *filter = NULL;
	struct buf whole = {0};
	int r = 0;

	text = text ? text : "";
	/* first alone, so that a fault's place is right */
	if (*text)
		r = filter_compile(text, t->style.services, &filter, out_at, err);
	if (r == 0 && t->established_only) {
		filter_free(filter);
		filter = NULL;
		buf_fmt(&whole, *text ? "(%s) and " : "%s", text);
		buf_str(&whole, "state established");
		r = whole.oom ? -ENOMEM
			      : filter_compile(buf_cstr(&whole), t->style.services,
					&filter, NULL, err);
	}
	buf_done(&whole);
	if (r < 0)
		return r;
	filter_free(t->own_filter);
	t->own_filter = filter;
	t->filter = filter;
	if (text != t->filter_text)
		(void)snprintf(t->filter_text, sizeof(t->filter_text), "%s", text);
	t->first = 0;
	t->filter_is_new = true;
	t->serial++; /* a new filter may lie where the old one was */
	memset(t->content, 0, sizeof(t->content));
	return 0;
}

bool ask_is_chosen(const struct tui *t, unsigned column)
{
	for (unsigned i = 0; i < t->n_chosen; i++)
		if (t->chosen[i] == column)
			return true;
	return false;
}

void ask_toggle_column(struct tui *t, unsigned column)
{
	unsigned at = 0;

	if (ask_is_chosen(t, column)) {
		if (t->n_chosen == 1)
			return;
		while (t->chosen[at] != column)
			at++;
		t->n_chosen--;
		memmove(t->chosen + at, t->chosen + at + 1,
			(t->n_chosen - at) * sizeof(t->chosen[0]));
		return;
	}
	if (t->n_chosen == QUERY_COLUMNS)
		return;
	while (at < t->n_chosen &&
		(t->chosen[at] < column ||
			(is_identity(t->chosen[at]) && !is_identity(column))))
		at++;
	memmove(t->chosen + at + 1, t->chosen + at,
		(t->n_chosen - at) * sizeof(t->chosen[0]));
	t->chosen[at] = (uint16_t)column;
	t->n_chosen++;
}
