#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "view/tui/list.h"
#include "view/tui/screens.h"

enum {
	LABEL = 18, /* columns of a name */
	VALUE = 28, /* columns of the first of two values */
	WIDE = 150, /* columns of a screen with two panes */
};

/* Where the next line goes; lines before `skip` are scrolled away. */
struct page {
	struct tui *t;
	const struct snapshot *s;
	int x, width, line, skip;
	uint64_t done[(QUERY_COLUMNS + 63) / 64]; /* columns already shown */
};

static const char *section_name(unsigned need)
{
	static const struct {
		unsigned need;
		const char *name;
	} names[] = {{NEED_OWNERS, "Owner"}, {NEED_SOCKETS, "Socket"},
		{NEED_CONNTRACK, "Conntrack"}, {NEED_NAMES, "Names"},
		{NEED_PACKETS, "Packets"}};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (need & names[i].need)
			return names[i].name;
	return "Connection";
}

static int y_of(const struct page *p)
{
	struct frame f = screen_frame(p->t);
	int at = p->line - p->skip;

	return at < 0 || at >= f.body_rows ? -1 : f.body + at;
}

/* The number behind a rounded one: 1.2M (1,234,567). */
static void add_exact(struct buf *out, const struct column *c, const struct value *v)
{
	char digits[24], plain[24];
	int n, at = 0;

	if (c->type != TYPE_BYTES && c->type != TYPE_COUNT && c->type != TYPE_BPS)
		return;
	if (v->num < 1000)
		return;
	n = snprintf(plain, sizeof(plain), "%llu", (unsigned long long)v->num);
	if (out->len == (size_t)n && memcmp(out->data, plain, out->len) == 0)
		return; /* it was not rounded */
	for (int i = 0; i < n && at < (int)sizeof(digits) - 2; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			digits[at++] = '\'';
		digits[at++] = plain[i];
	}
	digits[at] = '\0';
	buf_fmt(out, "  (%s%s)", digits, c->type == TYPE_BPS ? " bit/s" : "");
}

static void value_text(struct buf *out, const struct tui *t, const struct column *c,
	const struct value *v)
{
	struct column wide = *c;

	if (!v->present) {
		buf_char(out, '-');
		return;
	}
	wide.width = 40; /* times with their day, counts in full */
	list_cell(out, t, &wide, v);
	add_exact(out, c, v);
}

static void draw_value(struct page *p, int x, int width, unsigned at)
{
	struct value v = snapshot_cell(p->s, 0, at);
	struct buf *b = &p->t->scratch;
	struct layout_cut cut = {width, false, paint_glyph(&p->t->paint, "…", "~")};
	size_t from;
	int y = y_of(p);

	if (y < 0 || width <= 0)
		return;
	buf_reset(b);
	value_text(b, p->t, snapshot_column(p->s, at), &v);
	from = b->len;
	if (!buf_reserve(b, from + 8))
		return;
	layout_shorten(b, b->data, from, &cut);
	paint_text(&p->t->paint, (struct spot){y, x, width},
		v.present ? ROLE_TEXT : ROLE_DIM, b->data + from, b->len - from);
}

static void draw_label(struct page *p, const char *text, int role)
{
	int y = y_of(p);

	if (y >= 0)
		paint_text(&p->t->paint,
			(struct spot){y, p->x + (role == ROLE_DIM), LABEL}, role, text,
			strlen(text));
}

/* The responder's column that goes with an originator's; -1: none. */
static int partner(const struct snapshot *s, unsigned at)
{
	const char *key = snapshot_column(s, at)->key;
	const char *found = strncmp(key, "id.orig", 7) == 0 ? key + 3 : key;
	char other[64];

	if (strncmp(found, "orig", 4) != 0)
		return -1;
	(void)snprintf(
		other, sizeof(other), "%.*sresp%s", (int)(found - key), key, found + 4);
	for (unsigned i = 0; i < s->columns; i++)
		if (strcmp(snapshot_column(s, i)->key, other) == 0)
			return (int)i;
	return -1;
}

static bool is_done(const struct page *p, unsigned at)
{
	return p->done[at / 64] >> (at % 64) & 1;
}

static void draw_pair(struct page *p, unsigned at, unsigned other)
{
	const char *key = snapshot_column(p->s, at)->key;
	int second = p->x + LABEL + VALUE + 2;

	key += strncmp(key, "id.", 3) == 0 ? 3 : 0;
	key += key[4] == '_' ? 5 : 4; /* orig_bytes: bytes */
	draw_label(p,
		strcmp(key, "h") == 0   ? "address"
		: strcmp(key, "p") == 0 ? "port"
					: key,
		ROLE_DIM);
	draw_value(p, p->x + LABEL + 1, VALUE, at);
	draw_value(p, second, p->x + p->width - second, other);
	p->line++;
}

static void draw_title(struct page *p, const char *name, bool pairs)
{
	int y = y_of(p);

	draw_label(p, name, ROLE_STRONG);
	if (pairs && y >= 0) {
		paint_str(&p->t->paint, y, p->x + LABEL + 1, ROLE_STRONG, "client");
		paint_text(&p->t->paint,
			(struct spot){y, p->x + LABEL + VALUE + 2,
				p->width - LABEL - VALUE - 2},
			ROLE_STRONG, "server", 6);
	}
	p->line++;
}

/* What is known of both sides, beside each other. */
static void draw_pairs(struct page *p)
{
	bool first = true;

	for (unsigned i = 0; i < p->s->columns; i++) {
		int other = partner(p->s, i);

		if (other < 0)
			continue;
		p->done[i / 64] |= 1ull << (i % 64);
		p->done[other / 64] |= 1ull << (other % 64);
		if (strcmp(snapshot_column(p->s, i)->key, "orig") == 0)
			continue; /* address and port are lines of their own */
		if (!snapshot_cell(p->s, 0, i).present &&
			!snapshot_cell(p->s, 0, (unsigned)other).present)
			continue;
		if (first)
			draw_title(p, "Both sides", true);
		first = false;
		draw_pair(p, i, (unsigned)other);
	}
}

static void draw_section(struct page *p, const char *section)
{
	bool first = true;

	for (unsigned i = 0; i < p->s->columns; i++) {
		const struct column *c = snapshot_column(p->s, i);

		if (is_done(p, i) || section_name(c->need) != section ||
			!snapshot_cell(p->s, 0, i).present)
			continue;
		if (first)
			draw_title(p, section, false);
		first = false;
		draw_label(p, c->key, ROLE_DIM);
		draw_value(p, p->x + LABEL + 1, p->width - LABEL - 1, i);
		p->line++;
	}
	if (!first)
		p->line++;
}

static void draw_panes(struct tui *t, const struct snapshot *s)
{
	static const unsigned sections[] = {NEED_ANY, NEED_OWNERS, NEED_SOCKETS,
		NEED_CONNTRACK, NEED_NAMES, NEED_PACKETS};
	struct page p = {
		.t = t, .s = s, .width = t->paint.cols, .skip = (int)t->scroll};
	bool wide = t->paint.cols >= WIDE;
	int lines;

	/* pairs first when they have a pane of their own; they claim their columns
	 * anyway */
	if (wide) {
		p.x = t->paint.cols / 2;
		p.width = t->paint.cols - p.x;
	} else {
		p.skip = INT16_MAX; /* only to claim; drawn below */
	}
	draw_pairs(&p);
	lines = wide ? p.line : 0;
	p.x = 1;
	p.width = wide ? t->paint.cols / 2 - 2 : t->paint.cols - 1;
	p.line = 0;
	p.skip = (int)t->scroll;
	draw_section(&p, section_name(sections[0]));
	if (!wide) {
		draw_pairs(&p);
		p.line++;
	}
	for (unsigned i = 1; i < sizeof(sections) / sizeof(sections[0]); i++)
		draw_section(&p, section_name(sections[i]));
	lines = p.line > lines ? p.line : lines;
	lines -= screen_frame(t).body_rows;
	t->scroll_most = lines > 0 ? (unsigned)lines : 0;
	if (t->scroll > t->scroll_most)
		t->scroll = t->scroll_most;
}

static int draw_named(struct tui *t, const struct snapshot *s, const char *key, int x)
{
	int column = column_find(key, strlen(key));
	int at = column < 0 ? -1 : screen_find(s, (unsigned)column);
	struct value v = at < 0 ? (struct value){0} : snapshot_cell(s, 0, (unsigned)at);

	if (!v.present)
		return x;
	buf_reset(&t->scratch);
	list_cell(&t->scratch, t, column_at((unsigned)column), &v);
	return x + paint_text(&t->paint,
			   (struct spot){screen_frame(t).title, x, t->paint.cols},
			   ROLE_TITLE, t->scratch.data, t->scratch.len);
}

/* "192.168.1.5:51514 → 10.0.0.1:443  tcp  ESTABLISHED" */
static void draw_heading(struct tui *t, const struct snapshot *s)
{
	int y = screen_frame(t).title, x;

	if (y < 0)
		return;
	paint_fill(&t->paint, y, 0, t->paint.cols, ROLE_TITLE);
	x = draw_named(t, s, "orig", 1);
	x += paint_str(
		&t->paint, y, x, ROLE_TITLE, paint_glyph(&t->paint, " → ", " -> "));
	x = draw_named(t, s, "resp", x);
	x = draw_named(t, s, "proto", x + 2);
	x = draw_named(t, s, "state", x + 2);
	if (t->detail_gone)
		paint_str(
			&t->paint, y, x + 2, ROLE_TITLE, "gone; this was known of it");
}

void detail_draw(struct tui *t)
{
	const struct snapshot *s = t->detail.block;

	if (!s || s->rows == 0 || snapshot_uid(s, 0) != t->detail_uid) {
		paint_str(&t->paint, screen_frame(t).body, 1, ROLE_DIM,
			"This connection is gone.");
		return;
	}
	draw_heading(t, s);
	draw_panes(t, s);
}

void detail_text(struct buf *out, const struct snapshot *s)
{
	static const struct view_style plain = {.numeric = true};

	for (unsigned i = 0; i < s->columns; i++) {
		struct value v = snapshot_cell(s, 0, i);

		if (!v.present)
			continue;
		buf_fmt(out, "%s: ", snapshot_column(s, i)->key);
		view_cell(out, snapshot_column(s, i), &v, &plain);
		buf_char(out, '\n');
	}
}
