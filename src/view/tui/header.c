#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "view/tui/screens.h"

enum {
	PIECES = 24,
	PIECE_BYTES = 160,
};

/* A piece of a line; the least important ones go when there is no room. */
struct piece {
	char text[PIECE_BYTES];
	int role, importance; /* lower stays longer */
	bool right;
};

struct line {
	struct piece piece[PIECES];
	unsigned count;
};

__attribute__((format(printf, 5, 6))) static void add(
	struct line *l, int importance, int role, bool right, const char *format, ...)
{
	va_list args;

	if (l->count == PIECES)
		return;
	struct piece *p = &l->piece[l->count++];

	p->role = role;
	p->importance = importance;
	p->right = right;
	va_start(args, format);
	(void)vsnprintf(p->text, sizeof(p->text), format, args); /* cut is fine */
	va_end(args);
}

static int width_of(const struct piece *p)
{
	return (int)text_columns(p->text, strlen(p->text));
}

static void drop_least(struct line *l)
{
	unsigned worst = 0;

	for (unsigned i = 1; i < l->count; i++)
		if (l->piece[i].importance >= l->piece[worst].importance)
			worst = i;
	l->count--;
	memmove(&l->piece[worst], &l->piece[worst + 1],
		(l->count - worst) * sizeof(l->piece[0]));
}

/* Pieces are two columns apart; those at the right end where the screen ends. */
static void draw_line(struct tui *t, int y, struct line *l)
{
	int total, right, x = 0;

	for (;; drop_least(l)) {
		total = right = 0;
		for (unsigned i = 0; i < l->count; i++) {
			total += width_of(&l->piece[i]) + 2;
			if (l->piece[i].right)
				right += width_of(&l->piece[i]) + 2;
		}
		if (total - 2 <= t->paint.cols || l->count <= 1)
			break;
	}
	int right_x = t->paint.cols - right + 2;

	for (unsigned i = 0; i < l->count; i++) {
		const struct piece *p = &l->piece[i];
		int *at = p->right ? &right_x : &x;

		paint_str(&t->paint, y, *at, p->role, p->text);
		*at += width_of(p) + 2;
	}
}

/* "84.2 Mb/s": three digits, for a place where there is room. */
static void rate_text(struct buf *out, const struct tui *t, uint64_t bps)
{
	double base = t->style.bits || t->style.si ? 1000 : 1024;
	double value = t->style.bits ? (double)bps : (double)bps / 8;
	const char *prefix = " KMGTPE";

	while (value >= 999.5 && prefix[1]) {
		value /= base;
		prefix++;
	}
	buf_fmt(out, "%.*f ", *prefix == ' ' || value >= 99.95 ? 0 : 1, value);
	if (*prefix != ' ')
		buf_char(out, *prefix);
	buf_str(out, t->style.bits ? "b/s" : "B/s");
}

static unsigned graph_columns(const struct tui *t)
{
	return t->paint.cols >= 140 ? 30 : t->paint.cols >= 100 ? 14 : 8;
}

static void add_rate(struct line *l, struct tui *t, const char *name, uint64_t bps,
	const uint64_t *ring)
{
	struct buf text = {0};

	rate_text(&text, t, bps);
	/* of constant width, so that nothing dances */
	add(l, 4, ROLE_STRONG, true, "%s %9s", name, buf_cstr(&text));
	buf_reset(&text);
	graph_text(&text, &t->graph, ring, graph_columns(t), t->paint.utf8);
	add(l, 6, ROLE_TEXT, true, "%s", buf_cstr(&text));
	buf_done(&text);
}

static void add_time(struct line *l, const struct tui *t)
{
	struct buf text = {0};
	const char *shown;

	num_local(&text, t->totals.now_ns);
	shown = buf_cstr(&text);
	/* "YYYY-MM-DD HH:MM:SS.uuuuuu": the day matters in files only */
	if (text.len >= 19)
		add(l, t->totals.ended ? 7 : 3, ROLE_TEXT, false, "%.*s",
			t->totals.ended ? 19 : 8, t->totals.ended ? shown : shown + 11);
	buf_done(&text);
}

static void first_line(struct tui *t, struct line *l)
{
	const struct totals *n = &t->totals;

	add(l, 2, ROLE_STRONG, false, "konn");
	if (t->host && *t->host)
		add(l, 8, ROLE_TEXT, false, "%s", t->host);
	if (t->has_totals)
		add_time(l, t);
	if (t->source)
		add(l, n->ended ? 5 : 9, ROLE_TEXT, false, "%.60s", t->source);
	if (n->ended)
		add(l, 4, ROLE_TEXT, false, "file, ended");
	if (t->paused)
		add(l, 1, ROLE_TEXT | PAINT_REVERSE, false, " PAUSED ");
	if (!t->has_totals || n->ended)
		return;
	if (n->has_direction) {
		add_rate(l, t, "in", n->in_bps, t->graph.in);
		add_rate(l, t, "out", n->out_bps, t->graph.out);
	} else {
		add_rate(l, t, "all", n->all_bps, t->graph.in);
	}
}

/* "12 drops" and whatever else was lost: never silently. */
static void add_losses(struct line *l, const struct counters *c)
{
	uint64_t evicted = 0, malformed = 0;
	const struct {
		uint64_t count;
		const char *what;
	} losses[] = {
		{c->ring_drops + c->interface_drops, "drops"},
		{c->overruns, "overruns"},
	};

	for (unsigned i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		if (losses[i].count)
			add(l, 1, ROLE_TROUBLE, true, "! %llu %s",
				(unsigned long long)losses[i].count, losses[i].what);
	for (unsigned i = 0; i < EVICT_COUNT; i++)
		evicted += c->evicted[i];
	if (evicted)
		add(l, 3, ROLE_TROUBLE, true, "! %llu evicted",
			(unsigned long long)evicted);
	for (unsigned i = 0; i < MALFORMED_COUNT; i++)
		malformed += c->malformed[i];
	if (malformed)
		add(l, 20, ROLE_TEXT, true, "%llu malformed",
			(unsigned long long)malformed);
}

static void add_count(struct line *l, int importance, const char *what, uint64_t count)
{
	if (count > 0)
		add(l, importance, ROLE_TEXT, false, "%s %llu", what,
			(unsigned long long)count);
}

static void second_line(struct tui *t, struct line *l)
{
	const struct totals *n = &t->totals;
	const uint64_t *s = n->by_state;

	if (!t->has_totals)
		return;
	add(l, 2, ROLE_TEXT, false, "%llu connections", (unsigned long long)n->rows);
	add_count(l, 4, "est", s[TCP_ESTABLISHED]);
	add_count(l, 6, "listen", s[TCP_LISTEN]);
	add_count(l, 5, "syn", s[TCP_SYN_SENT] + s[TCP_SYN_RECEIVED]);
	add_count(l, 10, "closing",
		s[TCP_FIN_WAIT_1] + s[TCP_FIN_WAIT_2] + s[TCP_CLOSE_WAIT] +
			s[TCP_CLOSING] + s[TCP_LAST_ACK]);
	add_count(l, 11, "closed", s[TCP_TIME_WAIT] + s[TCP_CLOSED]);
	add_count(l, 12, "udp", n->udp);
	add_count(l, 13, "icmp", n->icmp);
	add_count(l, 14, "other", n->other);
	if (!n->ended)
		add_count(l, 9, "closed/min", n->closed_last_minute);
	add_losses(l, &n->counters);
	if (!n->ended) {
		struct buf pps = {0};

		num_short(&pps, n->all_pps, 1000);
		add(l, 15, ROLE_TEXT, true, "%s pkt/s", buf_cstr(&pps));
		buf_done(&pps);
	}
}

void header_draw(struct tui *t)
{
	struct frame f = screen_frame(t);
	struct line l = {.count = 0};

	if (f.header < 0)
		return;
	first_line(t, &l);
	if (f.title < 2) /* one line for both: what was lost must be seen */
		add_losses(&l, &t->totals.counters);
	draw_line(t, f.header, &l);
	if (f.title < 2)
		return;
	l.count = 0;
	second_line(t, &l);
	draw_line(t, f.header + 1, &l);
}
