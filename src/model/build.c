#include "model/build.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/build_private.h"

struct build *build_new(void)
{
	struct build *b = calloc(1, sizeof(*b));

	if (b)
		b->schema = column_schema();
	return b;
}

void build_free(struct build *b)
{
	if (!b)
		return;
	buf_done(&b->block);
	buf_done(&b->arena);
	buf_done(&b->scratch);
	ranks_done(&b->ranks);
	groups_done(&b->groups);
	free(b);
}

void build_begin(struct build *b, const uint16_t *columns, unsigned n_columns)
{
	unsigned at = cell_first(n_columns);

	assert(n_columns <= QUERY_COLUMNS);
	buf_reset(&b->block);
	buf_reset(&b->arena);
	memset(b->newest, 0, sizeof(b->newest));
	b->n_columns = n_columns;
	b->rows = b->first = 0;
	for (unsigned i = 0; i < n_columns; i++) {
		b->places[i] = (struct cell_place){columns[i], (uint16_t)at};
		at += cell_bytes(column_at(columns[i])->type);
	}
	b->row_bytes = at;
	b->rows_at = sizeof(struct snapshot) +
		     (n_columns * sizeof(struct cell_place) + 7) / 8 * 8;
	buf_fill(&b->block, '\0', b->rows_at);
}

uint8_t *build_add_row(struct build *b, uint64_t uid)
{
	uint8_t *row;

	if (b->block.oom || b->rows == UINT32_MAX ||
		!buf_reserve(&b->block, b->row_bytes))
		return NULL;
	row = (uint8_t *)b->block.data + b->block.len;
	memset(row, 0, b->row_bytes);
	memcpy(row, &uid, sizeof(uid));
	b->block.len += b->row_bytes;
	b->rows++;
	return row;
}

/* Place of a text in the arena; one equal to the row above shares its bytes. */
static bool arena_add(
	struct build *b, unsigned index, const struct value *v, struct cell_text *out)
{
	struct cell_text *newest = &b->newest[index];

	if (v->str.len == 0) {
		*out = (struct cell_text){0};
		return true;
	}
	if (newest->len != v->str.len ||
		memcmp(b->arena.data + newest->at, v->str.ptr, v->str.len) != 0) {
		if (b->arena.len > UINT32_MAX - v->str.len) {
			b->arena.oom = true;
			return false;
		}
		*newest = (struct cell_text){(uint32_t)b->arena.len, v->str.len};
		buf_add(&b->arena, v->str.ptr, v->str.len);
		if (b->arena.oom) {
			*newest = (struct cell_text){0};
			return false;
		}
	}
	*out = *newest;
	return true;
}

void build_put(struct build *b, uint8_t *row, unsigned index, const struct value *v)
{
	uint8_t *cell = row + b->places[index].at;
	enum type type = column_at(b->places[index].column)->type;
	struct cell_text text;

	if (!v->present)
		return;
	if (type == TYPE_ADDR) {
		memcpy(cell, v->addr.b, 16);
		cell[16] = v->family;
	} else if (type_is_text(type)) {
		if (!arena_add(b, index, v, &text))
			return;
		memcpy(cell, &text, sizeof(text));
	} else {
		memcpy(cell, &v->num, 8);
	}
	cell_set_present(row, index);
}

void build_row(struct build *b, const struct row *r, uint64_t uid)
{
	struct row mine = *r;
	uint8_t *row = build_add_row(b, uid);

	if (!row)
		return;
	mine.scratch = &b->scratch;
	for (unsigned i = 0; i < b->n_columns; i++) {
		struct value v = column_at(b->places[i].column)->get(&mine);

		build_put(b, row, i, &v);
	}
}

size_t build_bytes(const struct build *b)
{
	return b->block.len + b->arena.len;
}

/* Brings the rows into the order of the ranks, whose handles are row numbers. */
static void permute(struct build *b, char *spare)
{
	char *rows = b->block.data + b->rows_at;
	struct rank *order = b->ranks.all;

	for (size_t start = 0; start < b->ranks.count; start++) {
		size_t to = start;

		if (order[start].handle == start)
			continue;
		memcpy(spare, rows + start * b->row_bytes, b->row_bytes);
		for (;;) {
			size_t from = order[to].handle;

			order[to].handle = to;
			if (from == start)
				break;
			memcpy(rows + to * b->row_bytes, rows + from * b->row_bytes,
				b->row_bytes);
			to = from;
		}
		memcpy(rows + to * b->row_bytes, spare, b->row_bytes);
	}
}

static int place_find(const struct build *b, int column)
{
	for (unsigned i = 0; i < b->n_columns; i++)
		if (b->places[i].column == column)
			return (int)i;
	return -1;
}

void build_sort(struct build *b, int column, bool reverse)
{
	int index = place_find(b, column);
	const uint8_t *row = (const uint8_t *)b->block.data + b->rows_at;

	assert(index >= 0);
	ranks_reset(&b->ranks, SIZE_MAX, reverse);
	for (unsigned i = 0; i < b->rows && index >= 0; i++, row += b->row_bytes) {
		struct value v = cell_read(
			row, (unsigned)index, b->places[index], b->arena.data);

		ranks_add(&b->ranks, column_at((unsigned)column)->type, &v, i, i);
	}
	buf_reset(&b->scratch);
	if (b->ranks.oom || !buf_reserve(&b->scratch, b->row_bytes)) {
		b->block.oom = true;
		return;
	}
	ranks_finish(&b->ranks, SIZE_MAX);
	permute(b, b->scratch.data);
}

const struct snapshot *build_finish(struct build *b, const struct totals *totals)
{
	struct snapshot head = {
		.magic = SNAPSHOT_MAGIC,
		.version = SNAPSHOT_VERSION,
		.schema = b->schema,
		.rows = b->rows,
		.columns = b->n_columns,
		.first = b->first,
		.row_bytes = b->row_bytes,
		.columns_at = sizeof(struct snapshot),
		.rows_at = b->rows_at,
		.totals = *totals,
	};

	if (b->block.oom || b->arena.oom)
		return NULL;
	b->block.len = b->rows_at + (size_t)b->rows * b->row_bytes;
	head.arena_at = b->block.len;
	buf_add(&b->block, b->arena.data, b->arena.len);
	if (b->block.oom)
		return NULL;
	head.length = b->block.len;
	memcpy(b->block.data, &head, sizeof(head));
	memcpy(b->block.data + sizeof(head), b->places,
		b->n_columns * sizeof(*b->places));
	return (const struct snapshot *)b->block.data;
}
