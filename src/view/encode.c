#include "view/encode.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"

#define BIT(c_) (1ull << ((c_)&63))

/* Bytes that mean themselves in every output: printable ASCII but for " , and
 * backslash. */
static bool is_plain(unsigned char c)
{
	static const uint64_t plain[4] = {
		~0ull << 32 & ~BIT('"') & ~BIT(','), ~BIT('\\') & ~BIT(0x7f)};

	return plain[c >> 6] >> (c & 63) & 1;
}

static size_t plain_run(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && is_plain((unsigned char)text[n]))
		n++;
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
	for (size_t at = 0, n; at < len; at += n) {
		n = plain_run(text + at, len - at);
		if (n)
			buf_add(out, text + at, n);
		else
			n = add_rare(out, text + at, len - at, "\\");
	}
}

/* Nearly every string is plain as a whole. */
static void add_quoted(struct buf *out, const char *text, size_t len)
{
	char *at;

	if (!buf_reserve(out, len + 2))
		return;
	at = out->data + out->len;
	at[0] = '"';
	memcpy(at + 1, text, len);
	at[len + 1] = '"';
	out->len += len + 2;
}

void encode_json(struct buf *out, const char *text, size_t len)
{
	if (plain_run(text, len) == len) {
		add_quoted(out, text, len);
		return;
	}
	buf_char(out, '"');
	for (size_t at = 0, n; at < len; at += n) {
		n = plain_run(text + at, len - at);
		if (n) {
			buf_add(out, text + at, n);
		} else if (text[at] == '"' || text[at] == '\\') {
			buf_char(out, '\\');
			buf_char(out, text[at]);
			n = 1;
		} else {
			n = add_rare(out, text + at, len - at, "\\\\");
		}
	}
	buf_char(out, '"');
}

static void csv_body(struct buf *out, const char *text, size_t len)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = plain_run(text + at, len - at);
		if (n) {
			buf_add(out, text + at, n);
		} else if (text[at] == '"') {
			buf_str(out, "\"\"");
			n = 1;
		} else {
			n = add_rare(out, text + at, len - at, "\\");
		}
	}
}

void encode_csv(struct buf *out, const char *text, size_t len)
{
	/* Line ends need no quotes: they are written as \x0a. */
	bool quoted = memchr(text, ',', len) || memchr(text, '"', len);

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

void encode_scalar(struct buf *out, enum type type, const struct value *v, bool epoch)
{
	switch (type) {
	case TYPE_ADDR: addr_format(out, &v->addr, v->family); break;
	case TYPE_NS: num_seconds(out, v->num); break;
	case TYPE_TIME:
		if (epoch)
			buf_u64(out, v->num / 1000);
		else
			num_utc(out, v->num);
		break;
	default: buf_u64(out, v->num); break;
	}
}

struct encode_item encode_next(const char *list, size_t len, size_t *at)
{
	struct encode_item item = {list + *at, strnlen(list + *at, len - *at)};

	*at += item.len + 1;
	return item;
}
