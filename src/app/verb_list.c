#include <stdlib.h>

#include "app/session.h"

#define FLUSH_BYTES ((size_t)64 * 1024)

struct list {
	struct view_table table;
	struct build *build; /* rows that are held to be sorted; NULL: they stream */
	uint64_t held_most;  /* bytes of them */
	bool titled;
};

static void write_row(struct session *s, const struct cells *cells)
{
	struct list *l = s->state;

	s->view->row(&s->out.buf, &l->table, cells);
	if (s->out.buf.len > FLUSH_BYTES)
		session_flush(s);
}

static void write_titles(struct session *s)
{
	struct list *l = s->state;

	if (!l->titled)
		s->view->head(&s->out.buf, &l->table);
	l->titled = true;
}

/* Writes the rows that were held; those that follow stream. */
static void write_held(struct session *s)
{
	struct list *l = s->state;
	const struct totals totals = {0};
	struct cells cells = {.snapshot = build_finish(l->build, &totals)};

	if (!cells.snapshot)
		s->out.buf.oom = true; /* the next flush says so */
	for (; cells.snapshot && cells.number < cells.snapshot->rows; cells.number++)
		write_row(s, &cells);
	build_free(l->build);
	l->build = NULL;
}

static void overflow(struct session *s)
{
	struct err err = {0};

	(void)err_set(&err, EXIT_PARTIAL,
		"too many rows to sort in half of --memory: they are written unsorted");
	session_problem(s, &err);
	write_titles(s);
	write_held(s);
}

static void on_row(void *ctx, const struct row *r, uint64_t uid)
{
	struct session *s = ctx;
	struct list *l = s->state;

	if (s->filter && !filter_match(s->filter, r))
		return;
	s->shown++;
	cells_fetch(r);
	if (l->build) {
		build_row(l->build, r, uid);
		if (build_bytes(l->build) > l->held_most)
			overflow(s);
		return;
	}
	write_titles(s);
	write_row(s, &(struct cells){.row = r});
}

/* The column to sort by must be in the snapshot, behind those that are shown or not. */
static bool add_sort(struct session *s)
{
	for (unsigned i = 0; i < s->n_columns; i++)
		if (s->columns[i] == s->o->sort)
			return true;
	if (s->n_columns == QUERY_COLUMNS)
		return false;
	s->columns[s->n_columns++] = (uint16_t)s->o->sort;
	return true;
}

static int hold_rows(struct session *s, struct engine_setup *setup, struct err *err)
{
	struct list *l = s->state;

	if (!add_sort(s))
		return err_set(err, EXIT_USAGE, "too many columns to sort by one more");
	l->held_most = setup->memory_bytes / 2;
	setup->memory_bytes /= 2;
	l->build = build_new();
	if (!l->build)
		return err_errno(err, "start");
	build_begin(l->build, s->columns, s->n_columns);
	return 0;
}

static int list_open(struct session *s, struct engine_setup *setup, struct err *err)
{
	const struct column *shown[QUERY_COLUMNS];
	struct list *l = calloc(1, sizeof(*l));

	s->state = l;
	for (unsigned i = 0; i < s->n_columns; i++)
		shown[i] = column_at(s->columns[i]);
	if (!l || !view_table_init(&l->table, s->view, &s->style, shown, s->n_columns))
		return err_errno(err, "start");
	setup->sink.ctx = s;
	setup->sink.ended = on_row;
	return s->o->sort >= 0 ? hold_rows(s, setup, err) : 0;
}

static void list_finish(struct session *s)
{
	struct list *l = s->state;

	write_titles(s);
	if (!l->build)
		return;
	build_sort(l->build, s->o->sort, s->o->sort_reverse);
	write_held(s);
}

static void list_close(struct session *s)
{
	struct list *l = s->state;

	if (!l)
		return;
	view_table_done(&l->table);
	build_free(l->build);
	free(l);
}

const struct verb_ops verb_list = {
	.open = list_open,
	.finish = list_finish,
	.close = list_close,
	.sockets = true,
};
