#include "view/tui/rows.h"

#include <string.h>

#define NEW_MS    2000 /* a row is new this long */
#define ANSWER_MS 3000 /* an attempt without an answer for this long is trouble */
#define NS_OF_MS  1000000u

/* `at`: where the column is in the snapshot; -1: nowhere. */
static struct value cell(const struct snapshot *s, unsigned row, int at)
{
	return at < 0 ? (struct value){0} : snapshot_cell(s, row, (unsigned)at);
}

static bool is_text(const struct value *v, const char *text)
{
	return v->present && v->str.len == strlen(text) &&
	       memcmp(v->str.ptr, text, v->str.len) == 0;
}

static uint64_t hash_text(const struct value *v)
{
	static const struct hash_key fixed = {1, 2};

	return v->present ? hash_bytes(&fixed, v->str.ptr, v->str.len) : 0;
}

static uint64_t number(const struct value *v)
{
	return v->present ? v->num : 0;
}

static bool in_trouble(const struct tui *t, const struct snapshot *s, unsigned row)
{
	/* Zeek's verdicts of connections that were refused or broken off */
	static const char *const bad[] = {"REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH"};
	const struct fact_columns *f = &t->facts_at;
	struct value verdict = cell(s, row, f->conn_state);
	struct value idle = cell(s, row, f->idle_ms);
	struct value proto_state = cell(s, row, f->state);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (is_text(&verdict, bad[i]))
			return true;
	if (is_text(&verdict, "S0") && proto_state.present &&
		number(&idle) >= ANSWER_MS)
		return true;
	return cell(s, row, f->icmp_error).present || cell(s, row, f->evicted).present;
}

static bool is_new(const struct tui *t, const struct snapshot *s, unsigned row)
{
	struct value age = cell(s, row, t->facts_at.age_ms);

	if (!age.present || age.num >= NEW_MS || s->totals.ended)
		return false;
	/* what was there when the screen opened is not news */
	return s->totals.now_ns - age.num * NS_OF_MS > t->began_ns;
}

static struct mark mark_of(struct tui *t, const struct snapshot *s, unsigned row)
{
	const struct fact_columns *f = &t->facts_at;
	struct value state = cell(s, row, f->state);
	struct value sent = cell(s, row, f->orig_pkts),
		     back = cell(s, row, f->resp_pkts);
	struct mark_facts facts = {
		.uid = snapshot_uid(s, row),
		.state = hash_text(&state),
		.sent = number(&sent),
		.received = number(&back),
		.gone = is_text(&state, "CLOSED") || is_text(&state, "TIME-WAIT"),
	};

	return marks_row(&t->marks, &facts);
}

static const char *activity(const struct tui *t, const struct mark *m)
{
	if (m->sent && m->received)
		return paint_glyph(&t->paint, "↕", "*");
	if (m->sent)
		return paint_glyph(&t->paint, "↑", "^");
	return m->received ? paint_glyph(&t->paint, "↓", "v") : " ";
}

static int place(const struct snapshot *s, int column)
{
	return column < 0 ? -1 : screen_find(s, (unsigned)column);
}

void rows_begin(struct tui *t, const struct snapshot *s)
{
	const struct fact_columns *f = &t->facts;

	t->facts_at = (struct fact_columns){
		.state = place(s, f->state),
		.conn_state = place(s, f->conn_state),
		.icmp_error = place(s, f->icmp_error),
		.evicted = place(s, f->evicted),
		.idle_ms = place(s, f->idle_ms),
		.age_ms = place(s, f->age_ms),
		.orig_pkts = place(s, f->orig_pkts),
		.resp_pkts = place(s, f->resp_pkts),
	};
	marks_begin(&t->marks, s->totals.now_ns);
}

struct row_look rows_look(struct tui *t, const struct snapshot *s, unsigned row)
{
	struct mark m = mark_of(t, s, row);
	struct row_look look = {ROLE_TEXT, in_trouble(t, s, row), " ", activity(t, &m)};

	if (s->totals.ended) {
		look.activity = " "; /* nothing happens in a file that was read */
	} else if (m.gone) {
		look.role = m.just_gone ? ROLE_GONE : ROLE_DIM;
		look.sign = "-";
	} else if (is_new(t, s, row)) {
		look.role = ROLE_NEW;
		look.sign = "+";
	} else if (m.changed) {
		look.role = ROLE_CHANGED;
		look.sign = "~";
	}
	if (look.trouble)
		look.sign = "!";
	return look;
}
