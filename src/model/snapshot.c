#include "model/snapshot.h"

#include <string.h>

#include "model/cell.h"

static const uint8_t *at(const struct snapshot *s, uint64_t offset)
{
	return (const uint8_t *)s + offset;
}

static struct cell_place place_of(const struct snapshot *s, unsigned column)
{
	struct cell_place place;

	memcpy(&place, at(s, s->columns_at + column * sizeof(place)), sizeof(place));
	return place;
}

const struct column *snapshot_column(const struct snapshot *s, unsigned column)
{
	return column_at(place_of(s, column).column);
}

static const uint8_t *row_at(const struct snapshot *s, unsigned row)
{
	return at(s, s->rows_at + (uint64_t)row * s->row_bytes);
}

uint64_t snapshot_uid(const struct snapshot *s, unsigned row)
{
	uint64_t uid;

	memcpy(&uid, row_at(s, row), sizeof(uid));
	return uid;
}

struct value snapshot_cell(const struct snapshot *s, unsigned row, unsigned column)
{
	return cell_read(row_at(s, row), column, place_of(s, column),
		(const char *)at(s, s->arena_at));
}

/* Nothing but the NUL of lists below a blank: such a text could steer a terminal. */
static bool arena_clean(const uint8_t *bytes, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++)
		if ((bytes[i] < ' ' && bytes[i] != '\0') || bytes[i] == 0x7f)
			return false;
	return true;
}

static bool head_valid(const struct snapshot *s, size_t length)
{
	uint64_t rows_bytes;

	if (s->magic != SNAPSHOT_MAGIC || s->version != SNAPSHOT_VERSION ||
		s->length != length || s->schema != column_schema())
		return false;
	if (s->columns > QUERY_COLUMNS || s->columns_at < sizeof(*s) ||
		s->columns_at > length || s->rows_at > length || s->arena_at > length)
		return false;
	if (s->rows_at < s->columns_at || s->arena_at < s->rows_at || s->row_bytes < 8)
		return false;
	rows_bytes = (uint64_t)s->rows * s->row_bytes; /* 32 × 32 bits */
	return s->rows_at - s->columns_at >= s->columns * sizeof(struct cell_place) &&
	       rows_bytes <= s->arena_at - s->rows_at;
}

static bool places_valid(const struct snapshot *s)
{
	unsigned first = cell_first(s->columns);

	for (unsigned i = 0; i < s->columns; i++) {
		struct cell_place place = place_of(s, i);

		if (place.column >= column_count() || place.at < first ||
			place.at + cell_bytes(column_at(place.column)->type) >
				s->row_bytes)
			return false;
	}
	return first <= s->row_bytes;
}

static bool cell_valid(const struct snapshot *s, const struct value *v, enum type type)
{
	uint64_t arena = s->length - s->arena_at, from;

	if (!v->present)
		return true;
	if (type == TYPE_ADDR)
		return v->family == FAMILY_V4 || v->family == FAMILY_V6;
	if (type != TYPE_STR && type != TYPE_LIST)
		return true;
	from = (uint64_t)((const uint8_t *)v->str.ptr - at(s, s->arena_at));
	if (from > arena || v->str.len > arena - from)
		return false;
	return type == TYPE_STR || v->str.len == 0 ||
	       v->str.ptr[v->str.len - 1] == '\0';
}

bool snapshot_valid(const void *block, size_t length)
{
	const struct snapshot *s = block;

	if (length < sizeof(*s) || (uintptr_t)block % 8 != 0 ||
		!head_valid(s, length) || !places_valid(s) ||
		!arena_clean(at(s, s->arena_at), length - s->arena_at))
		return false;
	for (unsigned row = 0; row < s->rows; row++)
		for (unsigned i = 0; i < s->columns; i++) {
			struct value v = snapshot_cell(s, row, i);

			if (!cell_valid(s, &v, snapshot_column(s, i)->type))
				return false;
		}
	return true;
}
