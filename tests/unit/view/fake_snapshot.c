#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_snapshot.h"

static const struct fake *fake_of(const struct snapshot *s)
{
	return (const struct fake *)s; /* its first member */
}

struct value snapshot_cell(const struct snapshot *s, unsigned row, unsigned column)
{
	return fake_of(s)->cells[row * s->columns + column];
}

void fake_write(struct buf *out, const char *view, const struct fake *f,
	const struct view_style *style, bool head)
{
	const struct column *columns[QUERY_COLUMNS];
	const struct view *v = view_find(view);
	struct view_table t;

	for (unsigned i = 0; i < f->s.columns; i++)
		columns[i] = &f->columns[i];
	assert_true(view_table_init(&t, v, style, columns, f->s.columns));
	if (head)
		v->head(out, &t);
	for (unsigned i = 0; i < f->s.rows; i++)
		v->row(out, &t, &(struct cells){.snapshot = &f->s, .number = i});
	view_table_done(&t);
}
