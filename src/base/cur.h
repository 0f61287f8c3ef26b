/* cur — the only way to read untrusted bytes: reads past the end give 0 and set bad. */
#ifndef KONN_BASE_CUR_H
#define KONN_BASE_CUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cur {
	const uint8_t *at, *end; /* borrowed */
	bool bad;                /* a read went past the end; sticky */
};

static inline struct cur cur_of(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	return (struct cur){at, at ? at + len : at, false};
}

static inline size_t cur_left(const struct cur *c)
{
	return (size_t)(c->end - c->at);
}

/* Takes `len` bytes; NULL (and bad) when fewer are left. */
static inline const uint8_t *cur_take(struct cur *c, size_t len)
{
	const uint8_t *at = c->at;

	if (__builtin_expect(cur_left(c) < len, 0)) {
		c->bad = true;
		c->at = c->end;
		return NULL;
	}
	c->at += len;
	return at;
}

static inline void cur_skip(struct cur *c, size_t len)
{
	(void)cur_take(c, len); /* bad says it */
}

static inline uint8_t cur_u8(struct cur *c)
{
	const uint8_t *p = cur_take(c, 1);

	return p ? p[0] : 0;
}

static inline uint16_t cur_be16(struct cur *c)
{
	const uint8_t *p = cur_take(c, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t cur_be24(struct cur *c)
{
	const uint8_t *p = cur_take(c, 3);

	return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t cur_be32(struct cur *c)
{
	const uint8_t *p = cur_take(c, 4);
	uint32_t v;

	if (!p)
		return 0;
	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint64_t cur_be64(struct cur *c)
{
	uint64_t hi = cur_be32(c);

	return hi << 32 | cur_be32(c);
}

static inline uint16_t cur_le16(struct cur *c)
{
	const uint8_t *p = cur_take(c, 2);

	return p ? (uint16_t)(p[1] << 8 | p[0]) : 0;
}

static inline uint32_t cur_le32(struct cur *c)
{
	const uint8_t *p = cur_take(c, 4);
	uint32_t v;

	if (!p)
		return 0;
	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t cur_le64(struct cur *c)
{
	uint64_t lo = cur_le32(c);

	return (uint64_t)cur_le32(c) << 32 | lo;
}

/* Copies `len` bytes into `out` (zeros when fewer are left). */
static inline void cur_copy(struct cur *c, void *out, size_t len)
{
	const uint8_t *p = cur_take(c, len);

	if (p)
		memcpy(out, p, len);
	else
		memset(out, 0, len);
}

/* Cuts the cursor to at most `len` more bytes (an enclosing layer's length). */
static inline void cur_limit(struct cur *c, size_t len)
{
	if (cur_left(c) > len)
		c->end = c->at + len;
}

#endif
