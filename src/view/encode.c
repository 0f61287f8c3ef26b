#include "view/encode.h"

#include <string.h>

#include "base/num.h"
#include "base/put.h"
#include "base/text.h"

_Static_assert(ENCODE_SCALAR_MOST >= ADDR_PUT_MOST &&
		       ENCODE_SCALAR_MOST >= NUM_PUT_MOST &&
		       ENCODE_SCALAR_MOST >= PUT_U64_MOST,
	"a scalar is an address, a number or a time");

/* Bytes that mean themselves in every output: printable ASCII but for " and backslash.
 */
static bool is_plain(char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

#define WORD        sizeof(uint64_t)
#define EACH(byte_) (0x0101010101010101ull * (byte_))

/* High bits where a byte is 0, and perhaps above the first one that is. */
static uint64_t zeros(uint64_t word)
{
	return (word - EACH(1)) & ~word & EACH(0x80);
}

/* True if any of eight bytes is not plain. */
static bool has_rare(uint64_t word)
{
	uint64_t control = (word - EACH(' ')) & ~word;
	uint64_t high = word | (word + EACH(1)); /* 0x7f and above */

	return ((control | high) & EACH(0x80)) | zeros(word ^ EACH('"')) |
	       zeros(word ^ EACH('\\'));
}

static bool copy_word(char *to, const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	if (has_rare(word))
		return false;
	memcpy(to, &word, sizeof(word));
	return true;
}

/* Four to seven bytes: both ends make one word. */
static bool copy_half_words(char *to, const char *text, size_t len)
{
	uint32_t first, last;

	memcpy(&first, text, sizeof(first));
	memcpy(&last, text + len - sizeof(last), sizeof(last));
	if (has_rare((uint64_t)first << 32 | last))
		return false;
	memcpy(to, &first, sizeof(first));
	memcpy(to + len - sizeof(last), &last, sizeof(last));
	return true;
}

/* Copies the plain bytes that a text begins with; returns how many. */
static size_t copy_plain(char *to, const char *text, size_t len)
{
	size_t n = 0;

	if (len >= WORD) {
		while (len - n >= WORD && copy_word(to + n, text + n))
			n += WORD;
		if (n == len || (len - n < WORD &&
					copy_word(to + len - WORD, text + len - WORD)))
			return len;
	} else if (len >= WORD / 2 && copy_half_words(to, text, len)) {
		return len;
	}
	for (; n < len && is_plain(text[n]); n++)
		to[n] = text[n];
	return n;
}

/* The same at the end of `out`; 0 without memory. */
static size_t add_plain(struct buf *out, const char *text, size_t len)
{
	size_t n;

	if (!buf_reserve(out, len))
		return 0;
	n = copy_plain(buf_end(out), text, len);
	out->len += n;
	return n;
}

/* One byte as \xNN; `backslash` is how the output writes that character. */
static void add_hidden(struct buf *out, const char *backslash, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	buf_str(out, backslash);
	buf_char(out, 'x');
	buf_char(out, digits[byte >> 4]);
	buf_char(out, digits[byte & 15]);
}

/* Adds one character that is not plain and returns its bytes. */
static size_t add_rare(
	struct buf *out, const char *text, size_t len, const char *backslash)
{
	uint32_t code = 0;
	size_t n = text_utf8(text, len, &code);

	if (n == 0) {
		add_hidden(out, backslash, (unsigned char)*text);
		return 1;
	}
	if (text_printable(code)) {
		buf_add(out, text, n);
		return n;
	}
	for (size_t i = 0; i < n; i++)
		add_hidden(out, backslash, (unsigned char)text[i]);
	return n;
}

void encode_text(struct buf *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		at += add_plain(out, text + at, len - at);
		if (at < len)
			at += add_rare(out, text + at, len - at, "\\");
	}
}

/* Nearly every string is plain as a whole. */
void encode_json(struct buf *out, const char *text, size_t len)
{
	size_t at;

	if (!buf_reserve(out, len + 2))
		return;
	out->data[out->len] = '"';
	at = copy_plain(out->data + out->len + 1, text, len);
	out->len += at + 1;
	while (at < len) {
		if (text[at] == '"' || text[at] == '\\') {
			buf_char(out, '\\');
			buf_char(out, text[at++]);
		} else {
			at += add_rare(out, text + at, len - at, "\\\\");
		}
		at += add_plain(out, text + at, len - at);
	}
	buf_char(out, '"');
}

static void csv_body(struct buf *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		at += add_plain(out, text + at, len - at);
		if (at == len)
			break;
		if (text[at] == '"') {
			buf_str(out, "\"\"");
			at++;
		} else {
			at += add_rare(out, text + at, len - at, "\\");
		}
	}
}

/* Nearly every field is plain as a whole, without a comma too. */
static bool csv_plain(struct buf *out, const char *text, size_t len)
{
	if (!buf_reserve(out, len) || copy_plain(buf_end(out), text, len) < len ||
		memchr(text, ',', len))
		return false;
	out->len += len;
	return true;
}

void encode_csv(struct buf *out, const char *text, size_t len)
{
	bool quoted;

	if (len == 0 || csv_plain(out, text, len))
		return;
	/* Line ends need no quotes: they are written as \x0a. */
	quoted = memchr(text, ',', len) || memchr(text, '"', len);
	if (quoted)
		buf_char(out, '"');
	for (size_t at = 0; at < len;) {
		bool more = at > 0;
		struct encode_item item = encode_next(text, len, &at);

		if (more)
			buf_char(out, ';');
		csv_body(out, item.ptr, item.len);
	}
	if (quoted)
		buf_char(out, '"');
}

char *encode_scalar(char *at, enum type type, const struct value *v, bool epoch)
{
	switch (type) {
	case TYPE_ADDR: return addr_put(at, &v->addr, v->family);
	case TYPE_NS: return num_put_seconds(at, v->num);
	case TYPE_TIME:
		if (epoch)
			return put_u64(at, v->num / 1000);
		return num_put_utc(at, v->num);
	default: return put_u64(at, v->num);
	}
}

struct encode_item encode_next(const char *list, size_t len, size_t *at)
{
	struct encode_item item = {list + *at, strnlen(list + *at, len - *at)};

	*at += item.len + 1;
	return item;
}
