#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/put.h"

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->oom = false;
}

bool buf_grow(struct buf *b, size_t extra)
{
	size_t need, cap = b->cap ? b->cap : 256;
	char *grown;

	if (extra <= b->cap - b->len)
		return true;
	if (__builtin_add_overflow(b->len, extra, &need) || need > SIZE_MAX / 2) {
		b->oom = true;
		return false;
	}
	while (cap < need)
		cap *= 2;
	grown = realloc(b->data, cap);
	if (!grown) {
		b->oom = true;
		return false;
	}
	b->data = grown;
	b->cap = cap;
	return true;
}

void buf_fill(struct buf *b, char c, size_t count)
{
	if (!buf_reserve(b, count) || count == 0)
		return;
	memset(b->data + b->len, c, count);
	b->len += count;
}

void buf_u64(struct buf *b, uint64_t value)
{
	if (buf_reserve(b, PUT_U64_MOST))
		buf_end_at(b, put_u64(buf_end(b), value));
}

void buf_fmt(struct buf *b, const char *format, ...)
{
	size_t room = b->cap - b->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(room ? b->data + b->len : NULL, room, format, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t)len >= room) { /* a NUL comes behind it */
		if (!buf_reserve(b, (size_t)len + 1))
			return;
		va_start(args, format);
		(void)vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
		va_end(args);
	}
	b->len += (size_t)len;
}

void buf_shift(struct buf *b, size_t len)
{
	assert(len <= b->len);
	if (len == 0)
		return;
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
}

const char *buf_cstr(struct buf *b)
{
	if (!buf_reserve(b, 1))
		return "";
	b->data[b->len] = '\0';
	return b->data;
}
