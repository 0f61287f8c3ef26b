/* clean — hostile text into a fixed field: cleaned, cut at a whole character. */
#ifndef KONN_SOURCE_CLEAN_H
#define KONN_SOURCE_CLEAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Writes `size` bytes at most, NUL included; the rest of `out` is zeroed. `scratch` is
 * reset. False when not all fitted (or there was no memory: then nothing is written).
 */
bool clean_into(
	struct buf *scratch, const char *raw, size_t raw_len, char *out, size_t size);

#endif
