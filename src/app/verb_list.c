#include <stdlib.h>

#include "app/session.h"

#define ROWS_MOST 256 /* rows gathered before they are written */

struct list {
	struct build *build;
	int sort;           /* place among the session's columns; -1: rows stream */
	uint64_t held_most; /* bytes of rows held for sorting */
	bool begun, titled, overflowed;
};

static void begin(struct session *s)
{
	struct list *l = s->state;

	if (!l->begun)
		build_begin(l->build, s->columns, s->n_columns);
	l->begun = true;
}

static void write_rows(struct session *s)
{
	struct list *l = s->state;
	const struct totals totals = {0};
	const struct snapshot *snapshot;

	begin(s);
	snapshot = build_finish(l->build, &totals);
	l->begun = false;
	if (!snapshot) {
		s->out.buf.oom = true; /* the next flush says so */
		return;
	}
	if (!l->titled)
		s->view->head(&s->out.buf, snapshot, &s->style);
	l->titled = true;
	s->view->rows(&s->out.buf, snapshot, &s->style);
}

static void overflow(struct session *s)
{
	struct list *l = s->state;
	struct err err = {0};

	l->overflowed = true;
	(void)err_set(&err, EXIT_PARTIAL,
		"too many rows to sort in half of --memory: they are written unsorted");
	session_problem(s, &err);
}

static void on_row(void *ctx, const struct row *r, uint64_t uid)
{
	struct session *s = ctx;
	struct list *l = s->state;

	if (s->filter && !filter_match(s->filter, r))
		return;
	s->shown++;
	begin(s);
	build_row(l->build, r, uid);
	if (l->sort >= 0 && !l->overflowed) {
		if (build_bytes(l->build) <= l->held_most)
			return;
		overflow(s);
	}
	if (build_rows(l->build) >= ROWS_MOST)
		write_rows(s);
	if (s->out.buf.len > 65536)
		session_flush(s);
}

/* The column to sort by must be in the snapshot, shown or not. */
static int place_of_sort(struct session *s)
{
	for (unsigned i = 0; i < s->n_columns; i++)
		if (s->columns[i] == s->o->sort)
			return (int)i;
	if (s->n_columns == QUERY_COLUMNS)
		return -1;
	s->columns[s->n_columns] = (uint16_t)s->o->sort;
	s->style.hidden = 1;
	return (int)s->n_columns++;
}

static int list_open(struct session *s, struct engine_setup *setup, struct err *err)
{
	struct list *l = calloc(1, sizeof(*l));

	s->state = l;
	if (l)
		l->build = build_new();
	if (!l || !l->build)
		return err_errno(err, "start");
	l->sort = -1;
	if (s->o->sort >= 0) {
		l->held_most = setup->memory_bytes / 2;
		setup->memory_bytes /= 2;
		l->sort = place_of_sort(s);
		if (l->sort < 0)
			return err_set(err, EXIT_USAGE,
				"too many columns to sort by one more");
	}
	setup->sink.ctx = s;
	setup->sink.ended = on_row;
	return 0;
}

static void list_tick(struct session *s, uint64_t now_ns)
{
	const struct list *l = s->state;

	(void)now_ns;
	if (l->begun && (l->sort < 0 || l->overflowed))
		write_rows(s);
}

static void list_finish(struct session *s)
{
	struct list *l = s->state;

	begin(s);
	if (l->sort >= 0 && !l->overflowed)
		build_sort(l->build, s->o->sort, s->o->sort_reverse);
	write_rows(s);
}

static void list_close(struct session *s)
{
	struct list *l = s->state;

	if (l)
		build_free(l->build);
	free(l);
}

const struct verb_ops verb_list = {
	.open = list_open,
	.tick = list_tick,
	.finish = list_finish,
	.close = list_close,
};
