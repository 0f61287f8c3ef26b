/* inflate — compressed captures: zstd, xz, lz4 and bzip2 through libarchive, gzip by
 * zlib. */
#ifndef KONN_SOURCE_INFLATE_H
#define KONN_SOURCE_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "source/input.h"

#define INFLATE_MAGIC 6 /* bytes that inflate_detect wants to see */

struct inflate;

/* Name of the compression that bytes begin with; NULL when it is none of ours. */
const char *inflate_detect(const uint8_t *bytes, size_t len);

/*
 * Unpacks what comes from `raw` (borrowed until inflate_free), after the `len` bytes
 * already taken from it, which are copied. NULL and *err on failure.
 */
struct inflate *inflate_new(
	struct input *raw, const uint8_t *bytes, size_t len, struct err *err);
void inflate_free(struct inflate *f); /* NULL is fine */

/*
 * At most `room` unpacked bytes. On a pipe it may block when the writer stops in the
 * middle of a compressed block: libarchive cannot give a part of one.
 */
enum input_status inflate_read(
	struct inflate *f, uint8_t *out, size_t room, size_t *out_len, struct err *err);

#endif
