/* buf — a growing string of bytes; after a failed allocation it drops and says so. */
#ifndef KONN_BASE_BUF_H
#define KONN_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *data; /* owned; not NUL-terminated */
	size_t len, cap;
	bool oom; /* an addition was lost since the last reset */
};

/* A zeroed struct is an empty buffer. */
void buf_done(struct buf *b);
void buf_reset(struct buf *b);

/* Makes room for `extra` more bytes; false (and oom) when there is no memory. */
bool buf_grow(struct buf *b, size_t extra);

static inline bool buf_reserve(struct buf *b, size_t extra)
{
	return extra <= b->cap - b->len || buf_grow(b, extra);
}

/* Behind the last byte; to be written to as far as there is room. */
static inline char *buf_end(const struct buf *b)
{
	return b->data + b->len;
}

/* What was written there ends at `end`. */
static inline void buf_end_at(struct buf *b, const char *end)
{
	b->len = (size_t)(end - b->data);
}

static inline void buf_char(struct buf *b, char c)
{
	if (buf_reserve(b, 1))
		b->data[b->len++] = c;
}

static inline void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (len == 0 || !buf_reserve(b, len))
		return;
	memcpy(b->data + b->len, bytes, len);
	b->len += len;
}

static inline void buf_str(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_fill(struct buf *b, char c, size_t count);
void buf_u64(struct buf *b, uint64_t value);
void buf_fmt(struct buf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Drops the first `len` bytes (len <= b->len); used after a partial write. */
void buf_shift(struct buf *b, size_t len);

/* NUL behind the bytes (not counted in len); "" when out of memory. */
const char *buf_cstr(struct buf *b);

#endif
