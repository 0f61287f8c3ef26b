#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/fields.h"
#include "app/record.h"
#include "app/session.h"
#include "base/num.h"
#include "model/why.h"

#define WORTH_BYTES 10000u /* less data than that has nothing to tell */
#define LISTEN_NS   10000000000ull
#define MS_NS       1000000ull
#define OWN_FIELDS  12
#define HELD_SHARE  4 /* of the memory may be held for sorting */

static const char *const connection[] = {"ts", "uid", "id.orig_h", "id.orig_p",
	"id.resp_h", "id.resp_p", "proto", "service", "server_name", "duration",
	"orig_bytes", "resp_bytes", "rtt_us", "limited_by", "limited_detail"};

#define CONNECTION (sizeof(connection) / sizeof(connection[0]))

struct entry { /* finished lines of one connection */
	struct value key;
	size_t key_at; /* of a text key, in why.keys */
	size_t at, len;
	uint64_t order;
};

struct why { /* state of the verb */
	struct fields cells;
	const struct column *sort; /* NULL: by bytes, most first */
	struct buf lines, keys, line;
	struct entry *entries; /* owned */
	size_t count, room;
	struct buf head; /* CSV's titles */
	uint64_t held_most;
	uint64_t small, brief, others; /* connections that are not told */
	bool text, overflowed;
};

/* What one side waited for, in record form. */
struct shares {
	struct record_count map[LIMIT_COUNT];
	unsigned count;
	bool there;
	struct verdict verdict;
};

static void take_shares(struct shares *out, const struct row *r, unsigned dir)
{
	struct verdict *v = &out->verdict;

	*out = (struct shares){0};
	out->there = why_verdict(r->flow, dir, r->now_ns, false, v);
	for (unsigned i = 0; out->there && i < LIMIT_COUNT; i++)
		if (v->ns[i] >= MS_NS)
			out->map[out->count++] = (struct record_count){
				limit_name((enum limit)i), v->ns[i] / MS_NS};
}

/* ---- order ---- */

static int compare(const void *a, const void *b, void *ctx)
{
	const struct session *s = ctx;
	const struct why *w = s->state;
	const struct entry *x = a, *y = b;
	enum type type = w->sort ? w->sort->type : TYPE_COUNT;
	bool reverse = w->sort ? s->o->sort_reverse : true;
	int order = 0;

	if (x->key.present != y->key.present)
		return x->key.present ? -1 : 1;
	if (x->key.present)
		order = value_compare(type, &x->key, &y->key);
	if (order)
		return reverse ? -order : order;
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool is_text_key(const struct why *w)
{
	return w->sort && (w->sort->type == TYPE_STR || w->sort->type == TYPE_LIST);
}

static void write_all(struct session *s)
{
	struct why *w = s->state;

	for (size_t i = 0; is_text_key(w) && i < w->count; i++)
		if (w->entries[i].key.present)
			w->entries[i].key.str.ptr = w->keys.data + w->entries[i].key_at;
	if (w->count)
		qsort_r(w->entries, w->count, sizeof(*w->entries), compare, s);
	if (w->head.len)
		buf_add(&s->out.buf, w->head.data, w->head.len);
	for (size_t i = 0; i < w->count; i++) {
		buf_add(&s->out.buf, w->lines.data + w->entries[i].at,
			w->entries[i].len);
		if (s->out.buf.len > 65536)
			session_flush(s);
	}
	s->out.buf.oom |= w->lines.oom | w->keys.oom;
	buf_reset(&w->head);
	buf_reset(&w->lines);
	buf_reset(&w->keys);
	w->count = 0;
}

static void overflow(struct session *s)
{
	struct why *w = s->state;
	struct err err = {0};

	write_all(s);
	if (w->overflowed)
		return;
	w->overflowed = true;
	(void)err_set(&err, EXIT_PARTIAL,
		"too many connections to sort in a quarter of --memory: each part is "
		"sorted for itself");
	session_problem(s, &err);
}

static struct entry *new_entry(struct session *s)
{
	struct why *w = s->state;

	if (w->lines.len + w->keys.len + w->count * sizeof(*w->entries) > w->held_most)
		overflow(s);
	if (w->count == w->room) {
		size_t room = w->room ? 2 * w->room : 64;
		struct entry *more = realloc(w->entries, room * sizeof(*more));

		if (!more) {
			w->lines.oom = true;
			return NULL;
		}
		w->entries = more;
		w->room = room;
	}
	w->entries[w->count] = (struct entry){.at = w->lines.len, .order = w->count};
	return &w->entries[w->count++];
}

static void take_key(struct why *w, const struct row *r, struct entry *e)
{
	const struct flow *f = r->flow;

	if (!w->sort) {
		e->key.present = true;
		e->key.num = f->side[0].payload_bytes + f->side[1].payload_bytes;
		return;
	}
	e->key = w->sort->get(r);
	if (!e->key.present || !is_text_key(w))
		return;
	e->key_at = w->keys.len;
	buf_add(&w->keys, e->key.str.ptr, e->key.str.len);
}

/* ---- text ---- */

/* The gathered line, with or without the blanks that make it part of an entry. */
static void end_line(struct session *s)
{
	struct why *w = s->state;
	struct record r = {.kind = "why", .text = buf_cstr(&w->line)};

	s->view->record(&w->lines, &r, &s->style, false);
	buf_reset(&w->line);
}

static void text_head(struct session *s, const struct row *r, const struct verdict *v)
{
	struct why *w = s->state;

	fields_cell(&w->line, r, "", "orig", &s->style);
	fields_cell(&w->line, r, " -> ", "resp", &s->style);
	fields_cell(&w->line, r, "  ", "service", &s->style);
	fields_cell(&w->line, r, " ", "server_name", &s->style);
	fields_cell(&w->line, r, "  ", "bytes", &s->style);
	fields_cell(&w->line, r, " in ", "duration", &s->style);
	buf_fmt(&w->line, ": %s: ", why_title(v));
	why_sentence(&w->line, r->flow, v);
	end_line(s);
	buf_str(&w->line, "    ");
	why_advice(&w->line, r->flow, v);
	if (w->line.len > 4)
		end_line(s);
	buf_reset(&w->line);
}

static void text_shares(struct session *s, const char *who, const struct shares *of)
{
	struct why *w = s->state;
	const struct verdict *v = &of->verdict;
	const char *comma = "";

	if (!of->there || v->bytes < WORTH_BYTES || !v->all_ns)
		return;
	buf_fmt(&w->line, "    %s: ", who);
	for (unsigned i = 0; i < LIMIT_COUNT; i++) {
		unsigned percent = (unsigned)((double)v->ns[i] * 100 /
						      (double)v->all_ns +
					      0.5);

		if (!percent)
			continue;
		buf_fmt(&w->line, "%s%s %u %%", comma, limit_name((enum limit)i),
			percent);
		comma = ", ";
	}
	end_line(s);
}

/* Live, and long enough that it may have changed. */
static void text_recent(
	struct session *s, const struct row *r, const struct verdict *whole)
{
	struct why *w = s->state;
	struct verdict v;

	if (s->n_files || r->flow->closed_ns ||
		!why_verdict(r->flow, whole->dir, r->now_ns, true, &v) ||
		v.by == whole->by)
		return;
	buf_fmt(&w->line, "    of late: %s: ", why_title(&v));
	why_sentence(&w->line, r->flow, &v);
	end_line(s);
}

static void text_columns(struct session *s, const struct record_field *fields)
{
	struct why *w = s->state;

	if (w->cells.count == CONNECTION)
		return;
	buf_str(&w->line, "   ");
	for (unsigned i = CONNECTION; i < w->cells.count; i++) {
		const struct column *c = w->cells.columns[i];

		buf_fmt(&w->line, " %s ", c->key);
		view_cell(&w->line, c, &fields[i].value, &s->style);
	}
	end_line(s);
}

/* ---- records ---- */

static struct record_field map(const char *key, const struct shares *of)
{
	return (struct record_field){.key = key, .map = of->map, .map_size = of->count};
}

static struct record_field limited(const char *key, const struct shares *of)
{
	struct record_field f = record_text(
		key, of->there ? verdict_name((enum verdict_by)of->verdict.by) : "");

	f.value.present = of->there;
	return f;
}

static void add_record(struct session *s, const struct row *r,
	struct record_field *fields, const struct shares of[2])
{
	struct why *w = s->state;
	struct record record = {.kind = "why", .fields = fields};
	unsigned n = w->cells.count, dir = why_sender(r->flow);
	const struct verdict *v = &of[dir != r->flow->orig].verdict;
	const char *end;

	buf_reset(&w->line);
	why_advice(&w->line, r->flow, v);
	fields[n++] = record_text("sender", dir == r->flow->orig ? "orig" : "resp");
	fields[n] = record_text("next_step", buf_cstr(&w->line));
	fields[n++].value.present = w->line.len > 0;
	fields[n++] = limited("orig_limited_by", &of[0]);
	fields[n++] = map("orig_shares_ms", &of[0]);
	fields[n++] = limited("resp_limited_by", &of[1]);
	fields[n++] = map("resp_shares_ms", &of[1]);
	record.count = n;
	if (!s->view->summary_inline && !w->head.len && !w->overflowed &&
		w->count == 1) {
		/* The titles come first, whatever the order of the lines. */
		s->view->record(&w->head, &record, &s->style, true);
		end = memchr(w->head.data, '\n', w->head.len);
		w->head.len = end ? (size_t)(end + 1 - w->head.data) : 0;
	}
	s->view->record(&w->lines, &record, &s->style, false);
	buf_reset(&w->line);
}

static bool is_worth(const struct verdict *v)
{
	return v->bytes >= WORTH_BYTES || v->by == VERDICT_rto;
}

static void on_row(void *ctx, const struct row *r, uint64_t uid)
{
	struct session *s = ctx;
	struct why *w = s->state;
	struct record_field fields[FIELDS_MOST + OWN_FIELDS];
	struct shares of[2];
	const struct verdict *v;
	struct entry *e;
	unsigned orig;

	(void)uid;
	if (s->filter && !filter_match(s->filter, r))
		return;
	s->shown++;
	if (!r->flow->tcp) {
		w->others++;
		return;
	}
	orig = r->flow->orig;
	take_shares(&of[0], r, orig);
	take_shares(&of[1], r, !orig);
	v = &of[why_sender(r->flow) != orig].verdict;
	if (!of[v->dir != orig].there || (w->text && !is_worth(v))) {
		w->small++;
		return;
	}
	if (w->text && v->by == VERDICT_short) {
		w->brief++;
		return;
	}
	e = new_entry(s);
	if (!e)
		return;
	take_key(w, r, e);
	fields_of(&w->cells, r, w->cells.count, fields);
	if (w->text) {
		text_head(s, r, v);
		text_shares(s, "client's data", &of[0]);
		text_shares(s, "server's data", &of[1]);
		text_recent(s, r, v);
		text_columns(s, fields);
	} else {
		add_record(s, r, fields, of);
	}
	e->len = w->lines.len - e->at;
}

static void text_rest(struct session *s)
{
	struct why *w = s->state;
	const struct {
		uint64_t count;
		const char *what;
	} rest[] = {
		{w->small, "carried less than 10 kB"},
		{w->brief, "were over within 12 round trips or 50 ms"},
		{w->others, "without TCP"},
	};
	uint64_t sum = w->small + w->brief + w->others;
	const char *comma = ":";

	if (sum == 0)
		return;
	buf_fmt(&w->line, "%" PRIu64 " more", sum);
	for (unsigned i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
		if (!rest[i].count)
			continue;
		buf_fmt(&w->line, "%s %" PRIu64 " %s", comma, rest[i].count,
			rest[i].what);
		comma = ",";
	}
	buf_str(&w->line, "; nothing to say");
	end_line(s);
	buf_add(&s->out.buf, w->lines.data, w->lines.len);
}

static void why_finish(struct session *s)
{
	const struct why *w = s->state;

	write_all(s);
	if (w->text)
		text_rest(s);
}

static int take_columns(struct session *s, struct err *err)
{
	struct why *w = s->state;

	fields_add(&w->cells, connection, CONNECTION);
	if (s->o->n_columns > FIELDS_MOST - CONNECTION)
		return err_set(err, EXIT_USAGE, "why takes at most %u columns more",
			(unsigned)(FIELDS_MOST - CONNECTION));
	for (unsigned i = 0; i < s->o->n_columns; i++)
		fields_add(&w->cells, &column_at(s->o->columns[i])->key, 1);
	return 0;
}

static int why_open(struct session *s, struct engine_setup *setup, struct err *err)
{
	struct why *w = calloc(1, sizeof(*w));

	s->state = w;
	if (!w)
		return err_errno(err, "start");
	w->text = strcmp(s->view->name, "text") == 0;
	w->held_most = setup->memory_bytes / HELD_SHARE;
	setup->memory_bytes -= w->held_most;
	if (s->o->sort >= 0)
		w->sort = column_at((unsigned)s->o->sort);
	setup->sink.ctx = s;
	setup->sink.ended = on_row;
	return take_columns(s, err);
}

static void why_close(struct session *s)
{
	struct why *w = s->state;

	if (!w)
		return;
	fields_done(&w->cells);
	buf_done(&w->lines);
	buf_done(&w->keys);
	buf_done(&w->line);
	buf_done(&w->head);
	free(w->entries);
	free(w);
}

const struct verb_ops verb_why = {
	.open = why_open,
	.finish = why_finish,
	.close = why_close,
	.listen_ns = LISTEN_NS,
};
