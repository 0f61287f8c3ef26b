#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "view/tui/ask.h"
#include "view/tui/screens.h"

enum {
	NAMES = 15, /* columns for the names of a key */
	TWO_PANES = 150,
};

struct page {
	struct tui *t;
	int x, width, line, skip;
};

static int y_of(const struct page *p)
{
	struct frame f = screen_frame(p->t);
	int at = p->line - p->skip;

	return at < 0 || at >= f.body_rows + 1 ? -1 : f.body - 1 + at;
}

static void put(struct page *p, int x, int role, const char *text)
{
	int y = y_of(p);

	if (y >= 0 && x < p->width)
		paint_text(&p->t->paint, (struct spot){y, p->x + x, p->width - x}, role,
			text, strlen(text));
}

static void draw_setting(struct page *p, const char *name, const char *value)
{
	put(p, 1, ROLE_DIM, name);
	put(p, NAMES + 1, ROLE_TEXT, value);
	p->line++;
}

static void draw_settings(struct page *p)
{
	const struct tui *t = p->t;
	char text[PROMPT_BYTES + 64];

	put(p, 0, ROLE_STRONG, "Settings now");
	p->line++;
	(void)snprintf(text, sizeof(text), "%llu.%llu s%s",
		(unsigned long long)t->interval_ms / 1000,
		(unsigned long long)t->interval_ms % 1000 / 100,
		t->paused ? ", display paused" : "");
	draw_setting(p, "interval", text);
	(void)snprintf(text, sizeof(text),
		"%s a second over %u s, sizes in powers of %d",
		t->style.bits ? "bits" : "bytes", t->window, t->style.si ? 1000 : 1024);
	draw_setting(p, "rates", text);
	(void)snprintf(text, sizeof(text), "%s%s",
		t->sort < 0 ? "order of appearance" : column_at((unsigned)t->sort)->key,
		t->reverse ? ", largest first" : ", smallest first");
	draw_setting(p, "sorted by", text);
	(void)snprintf(text, sizeof(text), "%s%s",
		t->filter_text[0] ? t->filter_text : "none",
		t->established_only ? " (established only)" : "");
	draw_setting(p, "filter", text);
	draw_setting(p, "ports", t->style.numeric ? "numbers" : "names");
	draw_setting(p, "selection",
		t->page_stays ? "the page stays put" : "the page follows it");
	p->line++;
}

static void draw_marks(struct page *p)
{
	const struct paint *paint = &p->t->paint;
	const struct {
		const char *mark;
		int role;
		const char *help;
	} marks[] = {
		{"!", ROLE_TROUBLE,
			"trouble: refused, reset, no answer, ICMP error, evicted"},
		{"+", ROLE_NEW, "new"},
		{"~", ROLE_CHANGED, "its state changed"},
		{"-", ROLE_GONE, "closed; dim after a second"},
		{paint_glyph(paint, "↑ ↓ ↕", "^ v *"), ROLE_TEXT,
			"packets from client, from server, both since the last frame"},
	};

	put(p, 0, ROLE_STRONG, "Marks");
	p->line++;
	for (unsigned i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		put(p, 1, marks[i].role, marks[i].mark);
		put(p, NAMES + 1, ROLE_TEXT, marks[i].help);
		p->line++;
	}
	p->line++;
}

/* All keys of one action are one line. Returns the index behind them. */
static unsigned draw_key(struct page *p, unsigned at)
{
	const struct key *first = key_at(at);
	char names[64] = "";
	size_t len = 0;

	for (; at < key_count() && key_at(at)->run == first->run; at++) {
		const char *name = key_at(at)->name;

		if (*name && len < sizeof(names) - 1)
			len += (size_t)snprintf(names + len, sizeof(names) - len,
				"%s%s", len ? " " : "", name);
	}
	put(p, 1, ROLE_KEY, names);
	put(p, NAMES + 1, ROLE_TEXT, first->help);
	p->line++;
	return at;
}

static unsigned draw_group(struct page *p, unsigned at)
{
	put(p, 0, ROLE_STRONG, key_at(at)->name);
	p->line++;
	for (at++; at < key_count() && key_at(at)->code != 0;)
		at = draw_key(p, at);
	p->line++;
	return at;
}

static int draw_page(struct tui *t)
{
	bool two = t->paint.cols >= TWO_PANES;
	struct page p = {.t = t,
		.x = t->paint.cols > 40,
		.width = two ? t->paint.cols / 2 - 2 : t->paint.cols - 1,
		.skip = (int)t->scroll};
	int longest = 0;
	unsigned groups = 0;

	draw_settings(&p);
	for (unsigned at = 0; at < key_count(); groups++) {
		if (two && groups == 2) {
			longest = p.line;
			p.line = 0;
			p.x = t->paint.cols / 2;
		}
		at = draw_group(&p, at);
	}
	draw_marks(&p);
	return p.line > longest ? p.line : longest;
}

void help_draw(struct tui *t)
{
	int rest = draw_page(t) - 1 - (screen_frame(t).body_rows + 1);

	t->scroll_most = rest > 0 ? (unsigned)rest : 0;
	if (t->scroll > t->scroll_most)
		t->scroll =
			t->scroll_most; /* it was resized: right in the next frame */
}
