#include <ctype.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "source/bpf.h"

/*
 * libpcap says what is wrong but not where. Most messages name the word at fault; for a
 * plain "syntax error" the words before it are tried until they stop being the
 * beginning of any expression.
 */

#define SHOWN_BYTES 120 /* of the expression, around the caret */

struct span {
	size_t at, len;
};

static bool word_char(char c)
{
	return isalnum((unsigned char)c) || c == '.' || c == ':' || c == '_' ||
	       c == '-' || c == '/' || c == '\\';
}

/* The first place where `word` stands by itself. */
static bool find_word(const char *text, const char *word, size_t len, struct span *out)
{
	for (const char *p = text; len && (p = memmem(p, strlen(p), word, len)); p++) {
		if (p > text && word_char(p[-1]) || word_char(p[len]))
			continue;
		*out = (struct span){(size_t)(p - text), len};
		return true;
	}
	return false;
}

static bool find_quoted(const char *text, const char *message, struct span *out)
{
	const char *open = strpbrk(message, "'\"");
	const char *close = open ? strchr(open + 1, *open) : NULL;

	return close && find_word(text, open + 1, (size_t)(close - open - 1), out);
}

static bool find_number(const char *text, const char *message, struct span *out)
{
	size_t skip, len;

	for (const char *p = message; *p; p += len) {
		skip = strcspn(p, "0123456789");
		p += skip;
		len = strspn(p, "0123456789abcdefxABCDEF.:/");
		if (find_word(text, p, len, out))
			return true;
	}
	return false;
}

static bool compiles(const char *text, uint16_t linktype)
{
	char message[BPF_MESSAGE_BYTES];
	struct bpf_program code;

	if (!bpf_compile(text, linktype, &code, message))
		return strstr(message, "rejects all packets"); /* sound, but useless */
	pcap_freecode(&code);
	return true;
}

/* Could the first `len` bytes be the beginning of a sound expression? */
static bool may_begin(const char *text, size_t len, uint16_t linktype)
{
	static const char *const ends[] = {"", " 1", " tcp", " host 1.2.3.4",
		" 1.2.3.4", " 1:2:3:4:5:6", "0]=0", "=0", " ::1", " 1-2"};
	struct buf b = {0};
	int open = 0;
	bool yes = false;

	for (size_t i = 0; i < len; i++)
		open += (text[i] == '(') - (text[i] == ')');
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]) && !yes; i++) {
		buf_reset(&b);
		buf_add(&b, text, len);
		buf_str(&b, ends[i]);
		buf_fill(&b, ')', open > 0 ? (size_t)open : 0);
		yes = compiles(buf_cstr(&b), linktype);
	}
	buf_done(&b);
	return yes;
}

static size_t word_end(const char *text, size_t at)
{
	size_t end = at;

	while (word_char(text[end]))
		end++;
	return end > at ? end : at + 1;
}

static void find_syntax_error(const char *text, uint16_t linktype, struct span *out)
{
	size_t at = 0, end;

	for (;;) {
		at += strspn(text + at, " \t\r\n");
		if (!text[at])
			break;
		end = word_end(text, at);
		if (!may_begin(text, end, linktype)) {
			*out = (struct span){at, end - at};
			return;
		}
		at = end;
	}
	*out = (struct span){at, 1}; /* something is missing at the end */
}

static bool find_fault(
	const char *text, uint16_t linktype, const char *message, struct span *out)
{
	if (strstr(message, "syntax error")) {
		find_syntax_error(text, linktype, out);
		return true;
	}
	return find_quoted(text, message, out) || find_number(text, message, out);
}

static void add_lines(struct buf *b, const char *text, const struct span *fault)
{
	size_t from = fault->at > SHOWN_BYTES / 2 ? fault->at - SHOWN_BYTES / 2 : 0;
	size_t len = strnlen(text + from, SHOWN_BYTES), indent, start;
	size_t wide = fault->len < SHOWN_BYTES / 2 ? fault->len : SHOWN_BYTES / 2;

	buf_str(b, "\n  ");
	start = b->len;
	text_clean(b, text + from, fault->at - from);
	indent = text_columns(b->data + start, b->len - start);
	text_clean(b, text + fault->at, len - (fault->at - from));
	buf_str(b, "\n  ");
	buf_fill(b, ' ', indent);
	buf_fill(b, '^', wide);
}

int bpf_error(
	const char *expression, uint16_t linktype, const char *message, struct err *err)
{
	struct span fault;
	struct buf b = {0};
	int r;

	buf_str(&b, "filter: ");
	text_clean(&b, message, strlen(message));
	if (linktype != 1)
		buf_fmt(&b, " (for link type %u)", linktype);
	if (find_fault(expression, linktype, message, &fault))
		add_lines(&b, expression, &fault);
	r = err_set(err, EXIT_USAGE, "%s", buf_cstr(&b));
	buf_done(&b);
	return r;
}
