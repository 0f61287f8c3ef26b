#include "base/text.h"

#include <stdbool.h>
#include <string.h>

#define NAME_MAX_BYTES 32 /* text_distance looks at no more */

struct range {
	uint32_t from, to;
};

static const struct range wide[] = {
#define WIDE(from_, to_) {from_, to_},
#define ZERO(from_, to_)
#include "base/width.def"
#undef ZERO
#undef WIDE
};

static const struct range zero[] = {
#define WIDE(from_, to_)
#define ZERO(from_, to_) {from_, to_},
#include "base/width.def"
#undef ZERO
#undef WIDE
};

static bool range_has(const struct range *ranges, size_t count, uint32_t code_point)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (code_point > ranges[mid].to)
			low = mid + 1;
		else
			high = mid;
	}
	return low < count && code_point >= ranges[low].from;
}

/* Bytes of a sequence by its first byte (RFC 3629 §4); 0: none begins so. */
static size_t utf8_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t text_utf8(const char *bytes, size_t len, uint32_t *out)
{
	static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *at = (const unsigned char *)bytes;
	uint32_t code;
	size_t want;

	if (len == 0)
		return 0;
	want = utf8_length(at[0]);
	if (want == 0 || want > len)
		return 0;
	code = want == 1 ? at[0] : at[0] & 0x7fu >> want;
	for (size_t i = 1; i < want; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3fu);
	}
	if (code < lowest[want] || code > 0x10ffff ||
		(code >= 0xd800 && code <= 0xdfff))
		return 0;
	*out = code;
	return want;
}

int text_printable(uint32_t code_point)
{
	static const struct range hidden[] = {
		{0x00, 0x1f},
		{0x7f, 0x9f},
		{0x061c, 0x061c},
		{0x200b, 0x200f},
		{0x2028, 0x202e},
		{0x2060, 0x206f},
		{0xd800, 0xdfff},
		{0xfdd0, 0xfdef},
		{0xfeff, 0xfeff},
		{0xfff9, 0xfffb},
		{0xe0000, 0xe007f},
	};

	if (code_point >= 0x20 && code_point < 0x7f)
		return 1;
	if (code_point > 0x10ffff || (code_point & 0xfffe) == 0xfffe)
		return 0;
	return !range_has(hidden, sizeof(hidden) / sizeof(*hidden), code_point);
}

int text_width(uint32_t code_point)
{
	if (code_point < 0x300)
		return 1;
	if (range_has(zero, sizeof(zero) / sizeof(*zero), code_point))
		return 0;
	return range_has(wide, sizeof(wide) / sizeof(*wide), code_point) ? 2 : 1;
}

static void add_hex(struct buf *out, const char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		unsigned byte = (unsigned char)bytes[i];
		char text[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};

		buf_add(out, text, sizeof(text));
	}
}

/* Leading bytes that are plain ASCII and mean themselves. */
static size_t plain_run(const char *bytes, size_t len)
{
	size_t n = 0;

	while (n < len && bytes[n] >= 0x20 && bytes[n] < 0x7f && bytes[n] != '\\')
		n++;
	return n;
}

/* Adds one character that is not in a plain run and returns its bytes. */
static size_t add_rare(struct buf *out, const char *bytes, size_t len)
{
	uint32_t code = 0;
	size_t n = text_utf8(bytes, len, &code);

	if (n > 0 && code != '\\' && text_printable(code)) {
		buf_add(out, bytes, n);
		return n;
	}
	n = n ? n : 1;
	add_hex(out, bytes, n);
	return n;
}

void text_clean(struct buf *out, const char *bytes, size_t len)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = plain_run(bytes + at, len - at);
		if (n)
			buf_add(out, bytes + at, n);
		else
			n = add_rare(out, bytes + at, len - at);
	}
}

/* Bytes of the character at `bytes` and its columns; an invalid byte counts as one
 * column. */
static size_t char_at(const char *bytes, size_t len, size_t *columns)
{
	uint32_t code = 0;
	size_t n = text_utf8(bytes, len, &code);

	*columns = n ? (size_t)text_width(code) : 1;
	return n ? n : 1;
}

size_t text_columns(const char *bytes, size_t len)
{
	size_t total = plain_run(bytes, len), columns;

	for (size_t at = total; at < len; total += columns)
		at += char_at(bytes + at, len - at, &columns);
	return total;
}

size_t text_fit(const char *bytes, size_t len, size_t columns)
{
	size_t at = 0, used = 0;

	while (at < len) {
		size_t width, n = char_at(bytes + at, len - at, &width);

		if (used + width > columns)
			break;
		used += width;
		at += n;
	}
	return at;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned least_ab = a < b ? a : b;

	return least_ab < c ? least_ab : c;
}

unsigned text_distance(const char *a, const char *b)
{
	size_t len_a = strnlen(a, NAME_MAX_BYTES), len_b = strnlen(b, NAME_MAX_BYTES);
	unsigned row[NAME_MAX_BYTES + 1];

	for (unsigned j = 0; j <= len_b; j++)
		row[j] = j;
	for (unsigned i = 1; i <= len_a; i++) {
		unsigned diagonal = row[0]; /* of the row above */

		row[0] = i;
		for (unsigned j = 1; j <= len_b; j++) {
			unsigned above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1,
				diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[len_b];
}
