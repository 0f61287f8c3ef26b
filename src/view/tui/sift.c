#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "view/tui/ask.h"
#include "view/tui/screen.h"

static const char *unit_of(enum type type)
{
	switch (type) {
	case TYPE_PPM: return "";
	case TYPE_US: return "us";
	case TYPE_MS: return "ms";
	case TYPE_NS: return "ns";
	default: return "";
	}
}

static bool is_plain_word(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool plain = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' ||
			     c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.';

		if (!plain)
			return false;
	}
	return len > 0;
}

static void add_text(struct buf *out, const char *text, size_t len)
{
	if (is_plain_word(text, len)) {
		buf_add(out, text, len);
		return;
	}
	buf_char(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			buf_char(out, '\\');
		buf_char(out, text[i]);
	}
	buf_char(out, '"');
}

/*
 * A test that this cell passes. Texts, addresses and identifiers are equal; of amounts
 * "at least as much" is what one looks for.
 */
static void cell_test(struct buf *out, const struct column *c, const struct value *v)
{
	if (!v->present) {
		buf_fmt(out, "not %s", c->key);
		return;
	}
	buf_str(out, c->key);
	switch (c->type) {
	case TYPE_STR:
	case TYPE_LIST: /* of several items the first */
		buf_str(out, " = ");
		add_text(out, v->str.ptr, strnlen(v->str.ptr, v->str.len));
		break;
	case TYPE_ADDR:
		buf_str(out, " = ");
		addr_format(out, &v->addr, v->family);
		break;
	case TYPE_PORT:
	case TYPE_ID: buf_fmt(out, " = %llu", (unsigned long long)v->num); break;
	default:
		buf_fmt(out, " >= %llu%s", (unsigned long long)v->num,
			unit_of(c->type));
	}
}

/* The host of a client or server is what one filters by, not its port of the moment. */
static bool host_test(struct buf *out, const struct column *c, const struct value *v)
{
	bool orig = strcmp(c->key, "orig") == 0, resp = strcmp(c->key, "resp") == 0;
	const char *colon;

	if ((!orig && !resp) || !v->present)
		return false;
	colon = memrchr(v->str.ptr, ':', v->str.len);
	const char *text = v->str.ptr;
	size_t len = colon ? (size_t)(colon - text) : v->str.len;

	if (len == 0)
		return false;
	if (colon && *text == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		text = v->str.ptr; /* IPv6 without a port: the colon was its own */
		len = v->str.len;
	}
	buf_fmt(out, "%s host %.*s", orig ? "src" : "dst", (int)len, text);
	return true;
}

static bool selected_cell(
	struct tui *t, const struct column **out_column, struct value *out)
{
	int row = screen_selected_row(t), column = ask_cell(t);
	int at = row < 0 ? -1 : screen_find(t->list.block, (unsigned)column);

	if (at < 0)
		return false;
	*out_column = column_at((unsigned)column);
	*out = snapshot_cell(t->list.block, (unsigned)row, (unsigned)at);
	return true;
}

static void sift(struct tui *t, bool keep)
{
	struct buf text = {0}, test = {0};
	const struct column *c;
	struct value v;
	struct err err = {0};

	if (!selected_cell(t, &c, &v)) {
		screen_say(
			t, false, "select a row first, and a cell with Left and Right");
		return;
	}
	if (!host_test(&test, c, &v))
		cell_test(&test, c, &v);
	if (t->filter_text[0])
		buf_fmt(&text, strstr(t->filter_text, " or ") ? "(%s) and " : "%s and ",
			t->filter_text);
	buf_fmt(&text, keep ? "%s" : "not (%s)", buf_cstr(&test));
	if (text.oom || test.oom || text.len >= PROMPT_BYTES)
		screen_say(t, true, "the filter would be too long");
	else if (ask_filter(t, buf_cstr(&text), NULL, &err) < 0)
		screen_say(t, true, "%s", err.text);
	buf_done(&text);
	buf_done(&test);
}

void action_cell_in(struct tui *t)
{
	sift(t, true);
}

void action_cell_out(struct tui *t)
{
	sift(t, false);
}

void action_no_filter(struct tui *t)
{
	struct err err = {0};

	t->established_only = false;
	if (ask_filter(t, NULL, NULL, &err) < 0)
		screen_say(t, true, "%s", err.text);
}

void action_established(struct tui *t)
{
	struct err err = {0};

	t->established_only = !t->established_only;
	if (ask_filter(t, t->filter_text, NULL, &err) == 0)
		return;
	t->established_only = !t->established_only;
	screen_say(t, true, "%s", err.text);
}
