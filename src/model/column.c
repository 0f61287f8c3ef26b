#include "model/column.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "flow/service.h"
#include "model/getters.h"
#include "model/getters_measure.h"
#include "model/why.h"

#define EXACT      (1u << 31) /* in a line's need: goes to column.exact */
#define TABLE_ONLY (1u << 30) /* goes to column.table_only */

/* The lines of columns.def, each made of COL_OF. */
#define COL( \
	id_, key_, title_, type_, width_, priority_, aggregate_, need_, help_, expr_) \
	COL_OF(id_, key_, title_, type_, width_, priority_, aggregate_, need_, help_, \
		END_PLAIN, expr_)
#define ENDS(id_, title_, type_, width_, priority_, aggregate_, need_, help_, expr_) \
	COL_OF(id_, #id_, title_, type_, width_, priority_, aggregate_, need_, help_, \
		END_PLAIN, expr_) \
	COL_OF(orig_##id_, "orig_" #id_, "C " title_, type_, width_ + 2, \
		ENDS_PRIORITY, aggregate_, need_, help_ " (the originator's)", \
		END_ORIG, expr_) \
	COL_OF(resp_##id_, "resp_" #id_, "S " title_, type_, width_ + 2, \
		ENDS_PRIORITY, aggregate_, need_, help_ " (the responder's)", \
		END_RESP, expr_)
#define ENDS_PRIORITY 97 /* of those of one end: behind all others */

#define COL_OF(id_, key_, title_, type_, width_, priority_, aggregate_, need_, help_, \
	end_, expr_) \
	static struct value get_##id_(const struct row *r) \
	{ \
		const struct flow *f = r->flow; \
		const struct tuple *k = row_key(r); \
		const struct socket_entry *e = row_end(r, end_); \
\
		(void)f; /* not every expression uses them */ \
		(void)k; \
		(void)e; \
		return expr_; \
	}
#include "model/columns.def"
#undef COL_OF

static const struct column columns[] = {
#define COL_OF(id_, key_, title_, type_, width_, priority_, aggregate_, need_, help_, \
	end_, expr_) \
	{.key = (key_), \
		.title = (title_), \
		.type = TYPE_##type_, \
		.width = (width_), \
		.priority = (priority_), \
		.aggregate = (aggregate_), \
		.need = (need_) & ~(EXACT | TABLE_ONLY), \
		.exact = ((need_)&EXACT) != 0, \
		.table_only = ((need_)&TABLE_ONLY) != 0, \
		.help = (help_), \
		.get = get_##id_},
#include "model/columns.def"
#undef COL_OF
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

unsigned column_count(void)
{
	return COLUMNS;
}

const struct column *column_at(unsigned index)
{
	assert(index < COLUMNS);
	return &columns[index];
}

int column_find(const char *key, size_t len)
{
	for (unsigned i = 0; i < COLUMNS; i++) {
		const char *known = columns[i].key;

		if (strlen(known) == len && strncasecmp(known, key, len) == 0)
			return (int)i;
	}
	return -1;
}

const char *column_nearest(const char *key, size_t len)
{
	char copy[64];
	const char *best = columns[0].key;
	unsigned best_distance = UINT32_MAX;

	if (len >= sizeof(copy))
		len = sizeof(copy) - 1;
	memcpy(copy, key, len);
	copy[len] = '\0';
	for (unsigned i = 0; i < COLUMNS; i++) {
		unsigned distance = text_distance(copy, columns[i].key);

		if (distance < best_distance) {
			best_distance = distance;
			best = columns[i].key;
		}
	}
	return best;
}

uint64_t column_schema(void)
{
	static const struct hash_key fixed = {0x6b6f6e6e, 1};
	uint64_t schema = COLUMNS;

	for (unsigned i = 0; i < COLUMNS; i++) {
		uint64_t key = hash_bytes(
			&fixed, columns[i].key, strlen(columns[i].key));

		schema = hash_bytes(&fixed,
			(const uint64_t[]){schema, key, (uint64_t)columns[i].type},
			3 * sizeof(uint64_t));
	}
	return schema;
}
