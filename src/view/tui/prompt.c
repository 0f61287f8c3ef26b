#include "view/tui/prompt.h"

#include <string.h>

#include "base/text.h"

void prompt_set(struct prompt *p, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	while (len > PROMPT_BYTES - 1 ||
		(len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80))
		len--;
	if (len > 0)
		memcpy(p->text, text, len);
	p->text[len] = '\0';
	p->len = p->at = len;
}

static size_t encode(uint32_t c, char out[static 4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

void prompt_insert(struct prompt *p, uint32_t code_point)
{
	char bytes[4];
	size_t n;

	if (code_point > 0x10ffff || !text_printable(code_point))
		return;
	n = encode(code_point, bytes);
	if (p->len + n >= PROMPT_BYTES)
		return;
	memmove(p->text + p->at + n, p->text + p->at, p->len - p->at + 1);
	memcpy(p->text + p->at, bytes, n);
	p->len += n;
	p->at += n;
}

static size_t before(const struct prompt *p, size_t at)
{
	while (at > 0 && ((uint8_t)p->text[--at] & 0xc0) == 0x80)
		;
	return at;
}

static size_t after(const struct prompt *p, size_t at)
{
	if (at < p->len)
		at++;
	while (at < p->len && ((uint8_t)p->text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static size_t word_start(const struct prompt *p)
{
	size_t at = p->at;

	while (at > 0 && p->text[at - 1] == ' ')
		at--;
	while (at > 0 && p->text[at - 1] != ' ')
		at--;
	return at;
}

/* Removes [from, to) and leaves the cursor there. */
static void cut(struct prompt *p, size_t from, size_t to)
{
	memmove(p->text + from, p->text + to, p->len - to + 1);
	p->len -= to - from;
	p->at = from;
}

void prompt_edit(struct prompt *p, enum prompt_edit edit)
{
	switch (edit) {
	case PROMPT_LEFT: p->at = before(p, p->at); break;
	case PROMPT_RIGHT: p->at = after(p, p->at); break;
	case PROMPT_HOME: p->at = 0; break;
	case PROMPT_END: p->at = p->len; break;
	case PROMPT_BACKSPACE: cut(p, before(p, p->at), p->at); break;
	case PROMPT_DELETE: cut(p, p->at, after(p, p->at)); break;
	case PROMPT_KILL_WORD: cut(p, word_start(p), p->at); break;
	case PROMPT_KILL_LINE: cut(p, 0, p->at); break;
	case PROMPT_KILL_REST: cut(p, p->at, p->len); break;
	}
}
