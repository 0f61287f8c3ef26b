/* fields — cells of a connection as fields of a record. */
#ifndef KONN_APP_FIELDS_H
#define KONN_APP_FIELDS_H

#include "base/buf.h"
#include "model/column.h"
#include "view/view.h"

#define FIELDS_MOST 24

struct fields {
	const struct column *columns[FIELDS_MOST];
	unsigned count;
	struct buf text; /* of the last row; owned */
};

/* `keys` are columns, at most FIELDS_MOST together. */
void fields_add(struct fields *f, const char *const *keys, unsigned count);
void fields_done(struct fields *f);

/*
 * Writes a field for each column (f->count of them); those from `told` on are absent.
 * Their text lasts until the next row.
 */
void fields_of(
	struct fields *f, const struct row *r, unsigned told, struct record_field *out);

/*
 * Adds the cell of a column as people see it, with `before` in front; nothing when it
 * is not known. `key` is a column.
 */
void fields_cell(struct buf *out, const struct row *r, const char *before,
	const char *key, const struct view_style *style);

#endif
