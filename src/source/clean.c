#include "source/clean.h"

#include <string.h>

#include "base/text.h"

/* The end of the last whole character, or of the last whole \xNN, before `most`. */
static size_t whole(const char *text, size_t most)
{
	size_t at = 0, next;
	uint32_t code_point;

	while (at < most) {
		next = text[at] == '\\' ? 4
					: text_utf8(text + at, most - at, &code_point);
		if (next == 0 || next > most - at)
			break;
		at += next;
	}
	return at;
}

bool clean_into(
	struct buf *scratch, const char *raw, size_t raw_len, char *out, size_t size)
{
	size_t len;

	memset(out, 0, size);
	buf_reset(scratch);
	/* A cleaned text is at least as long as the raw one. */
	text_clean(scratch, raw, raw_len < size ? raw_len : size);
	if (scratch->oom)
		return false;
	len = scratch->len < size ? scratch->len : whole(scratch->data, size - 1);
	if (len)
		memcpy(out, scratch->data, len);
	return len == scratch->len && raw_len < size;
}
