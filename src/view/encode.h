/*
 * encode — strings and values as the bytes of each output, one encoder per output.
 *
 * Strings come in cleaned (text_clean). Each encoder still writes whatever is not
 * printable as \xNN, so that a block from outside cannot smuggle an escape sequence to
 * a terminal.
 */
#ifndef KONN_VIEW_ENCODE_H
#define KONN_VIEW_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "model/column.h"

/* For a terminal. */
void encode_text(struct buf *out, const char *text, size_t len);

/* A JSON string with its quotes (RFC 8259 §7). */
void encode_json(struct buf *out, const char *text, size_t len);

/*
 * A CSV field, quoted when it must be (RFC 4180 §2). Each NUL in the text ends an item
 * of a list; items are joined by ';'.
 */
void encode_csv(struct buf *out, const char *text, size_t len);

/*
 * A present value of any type but TYPE_STR and TYPE_LIST, for machines: plain integers,
 * TYPE_NS in decimal seconds, TYPE_TIME as RFC 3339 UTC or, with `epoch`, in
 * microseconds. `at` has room for ENCODE_SCALAR_MOST bytes; returns where it ends.
 */
#define ENCODE_SCALAR_MOST 45
char *encode_scalar(char *at, enum type type, const struct value *v, bool epoch);

/* The item of a list that begins at `*at` (< len); moves `*at` behind it and its NUL.
 */
struct encode_item {
	const char *ptr;
	size_t len;
};
struct encode_item encode_next(const char *list, size_t len, size_t *at);

#endif
