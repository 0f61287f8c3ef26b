#include "fake_snapshot.h"

static const struct fake *fake_of(const struct snapshot *s)
{
	return (const struct fake *)s; /* its first member */
}

const struct column *snapshot_column(const struct snapshot *s, unsigned column)
{
	return &fake_of(s)->columns[column];
}

struct value snapshot_cell(const struct snapshot *s, unsigned row, unsigned column)
{
	return fake_of(s)->cells[row * s->columns + column];
}
