#include <stdlib.h>
#include <string.h>

#include "app/fields.h"
#include "app/own.h"
#include "app/record.h"
#include "app/rtt_format.h"
#include "app/session.h"
#include "base/num.h"
#include "base/text.h"

#define CLOCK_AT      11 /* where HH:MM:SS.uuu begins in a local time */
#define CLOCK_COLUMNS 12
#define FIELDS        16
#define FORMAT_SHARE  16 /* of the memory, for what other tools' lines need */

static const char *const connection[] = {
	"uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto"};

#define CONNECTION (sizeof(connection) / sizeof(connection[0]))

struct rtt_lines {
	struct fields cells;
	struct buf text;  /* of one line */
	struct tuple own; /* konn's own ssh session */
	bool has_own, titled;
	struct rtt_format *format; /* NULL: konn's own lines */
};

static uint64_t microseconds(uint64_t ns)
{
	return ns / 1000 + (ns % 1000 >= 500);
}

/* "client": the path between the capture point and the originator. NULL: all of it. */
static const char *side_of(const struct row *r, const struct sample *s)
{
	if (s->half == SAMPLE_WHOLE)
		return NULL;
	return s->half == r->flow->orig ? "client" : "server";
}

/* Three digits that count, and the unit: 7us 350us 4.21ms 23.4ms 1.43s 12.3s. */
static void text_rtt(struct buf *out, uint64_t ns)
{
	uint64_t us = microseconds(ns);
	const char *unit = us < 1000000 ? "ms" : "s";
	double value = us < 1000000 ? (double)us / 1e3 : (double)us / 1e6;
	struct buf text = {0};

	if (us < 1000)
		buf_fmt(&text, "%uus", (unsigned)us);
	else
		buf_fmt(&text, "%.*f%s", value < 9.995 ? 2 : value < 99.95, value,
			unit);
	buf_fmt(out, "%6s", buf_cstr(&text));
	out->oom |= text.oom;
	buf_done(&text);
}

static void text_time(struct buf *out, const struct session *s, uint64_t ts_ns)
{
	struct buf text = {0};

	if (s->style.epoch) {
		buf_u64(out, ts_ns / 1000);
		return;
	}
	num_local(&text, ts_ns);
	if (s->style.width && text.len >= CLOCK_AT + CLOCK_COLUMNS)
		buf_add(out, text.data + CLOCK_AT, CLOCK_COLUMNS);
	else
		buf_add(out, text.data, text.len);
	out->oom |= text.oom;
	buf_done(&text);
}

static void text_line(
	struct session *s, const struct row *r, const struct sample *sample)
{
	struct rtt_lines *l = s->state;
	struct buf *out = &l->text;
	const char *side = side_of(r, sample);
	const char *reason = sample_reason_name((enum sample_reason)sample->reason);

	buf_reset(out);
	text_time(out, s, sample->ts_ns);
	buf_char(out, ' ');
	if (sample->reason == REASON_clock)
		buf_str(out, "     -");
	else
		text_rtt(out, sample->rtt_ns);
	buf_char(out, ' ');
	if (sample->min_ns == UINT64_MAX)
		buf_str(out, "     -");
	else
		text_rtt(out, sample->min_ns);
	buf_fmt(out, " %-6s %-9s", side ? side : "-",
		sample_kind_name((enum sample_kind)sample->kind));
	if (s->o->all)
		buf_fmt(out, " %-13s", reason ? reason : "-");
	fields_cell(&l->text, r, " ", "orig", &s->style);
	fields_cell(&l->text, r, " -> ", "resp", &s->style);
	fields_cell(&l->text, r, "  ", "service", &s->style);
	fields_cell(&l->text, r, "  ", "server_name", &s->style);
	if (s->style.width)
		out->len = text_fit(out->data, out->len, s->style.width);
}

/* As wide as the times below it are. */
static void text_title(struct session *s)
{
	struct buf time = {0}, out = {0};
	struct record r = {.kind = "rtt"};

	text_time(&time, s, engine_now(s->engine));
	buf_fmt(&out, "%-*s    RTT    MIN SIDE   KIND      %sCONNECTION", (int)time.len,
		"TIME", s->o->all ? "NOT VALID     " : "");
	if (s->style.width)
		out.len = text_fit(out.data, out.len, s->style.width);
	r.text = buf_cstr(&out);
	s->view->record(&s->out.buf, &r, &s->style, false);
	buf_done(&time);
	buf_done(&out);
}

static unsigned fill_fields(struct session *s, const struct row *r,
	const struct sample *sample, struct record_field *f)
{
	struct rtt_lines *l = s->state;
	const char *side = side_of(r, sample);
	const char *reason = sample_reason_name((enum sample_reason)sample->reason);
	unsigned n = 0;

	f[n++] = record_number("ts", TYPE_TIME, sample->ts_ns);
	fields_of(&l->cells, r, CONNECTION, f + n);
	n += l->cells.count;
	f[n++] = record_text(
		"sample", sample_kind_name((enum sample_kind)sample->kind));
	f[n] = record_text("side", side ? side : "");
	f[n++].value.present = side != NULL;
	f[n] = record_number("rtt_us", TYPE_US, microseconds(sample->rtt_ns));
	f[n++].value.present = sample->reason != REASON_clock;
	f[n] = record_number("min_us", TYPE_US, microseconds(sample->min_ns));
	f[n++].value.present = sample->min_ns != UINT64_MAX;
	f[n] = record_number("bytes", TYPE_BYTES, sample->bytes);
	f[n++].value.present = sample->bytes > 0;
	f[n++] = record_truth("valid", sample->reason == SAMPLE_VALID);
	f[n] = record_text("reason", reason ? reason : "");
	f[n++].value.present = reason != NULL;
	return n;
}

static bool wanted(const struct session *s, const struct row *r)
{
	const struct rtt_lines *l = s->state;

	if (l->has_own && tuple_equal(&l->own, &r->flow->key))
		return false;
	return !s->filter || filter_match(s->filter, r);
}

static void on_sample(void *ctx, const struct row *r, const struct sample *sample)
{
	struct session *s = ctx;
	struct rtt_lines *l = s->state;
	struct record_field fields[FIELDS];
	struct record record = {.kind = "rtt", .fields = fields};

	if ((sample->reason != SAMPLE_VALID && !s->o->all) || !wanted(s, r))
		return;
	s->shown++;
	record.count = fill_fields(s, r, sample, fields);
	text_line(s, r, sample);
	record.text = buf_cstr(&l->text);
	if (!l->titled && strcmp(s->view->name, "text") == 0)
		text_title(s);
	s->view->record(&s->out.buf, &record, &s->style, !l->titled);
	l->titled = true;
	if (s->out.buf.len > 65536)
		session_flush(s);
}

/* ---- the lines of other tools ---- */

static void format_sample(void *ctx, const struct row *r, const struct sample *sample)
{
	struct session *s = ctx;
	struct rtt_lines *l = s->state;

	if (r->flow->key.proto == PROTO_TCP)
		rtt_format_sample(l->format, sample);
}

static void format_segment(
	void *ctx, const struct row *r, const struct segment *segment)
{
	struct session *s = ctx;
	struct rtt_lines *l = s->state;
	uint64_t uid = flow_uid(r->flow, &r->world->uid_key);

	if (!rtt_format_segment(l->format, r->flow, uid, segment, &l->text) ||
		!wanted(s, r))
		return;
	s->shown++;
	buf_add(&s->out.buf, l->text.data, l->text.len);
	buf_char(&s->out.buf, '\n');
	if (s->out.buf.len > 65536)
		session_flush(s);
}

static void format_ended(void *ctx, const struct row *r, uint64_t uid)
{
	const struct session *s = ctx;
	const struct rtt_lines *l = s->state;

	(void)r;
	rtt_format_ended(l->format, uid);
}

static int open_format(struct session *s, struct engine_setup *setup, struct err *err)
{
	struct rtt_lines *l = s->state;
	uint64_t bytes = setup->memory_bytes / FORMAT_SHARE;

	l->format = rtt_format_new(strcmp(s->o->format, "pping") == 0
					   ? RTT_FORMAT_PPING
					   : RTT_FORMAT_CONNMON,
		bytes);
	if (!l->format)
		return err_errno(err, "start");
	setup->memory_bytes -= bytes;
	setup->sink.sample = format_sample;
	setup->sink.segment = format_segment;
	setup->sink.ended = format_ended;
	return 0;
}

static int rtt_open(struct session *s, struct engine_setup *setup, struct err *err)
{
	struct rtt_lines *l = calloc(1, sizeof(*l));

	s->state = l;
	if (!l)
		return err_errno(err, "start");
	fields_add(&l->cells, connection, CONNECTION);
	if (!s->o->self && s->n_files == 0)
		l->has_own = own_session(&l->own);
	setup->sink.ctx = s;
	setup->sink.sample = on_sample;
	return s->o->format ? open_format(s, setup, err) : 0;
}

static void rtt_close(struct session *s)
{
	struct rtt_lines *l = s->state;

	if (!l)
		return;
	rtt_format_free(l->format);
	buf_done(&l->text);
	fields_done(&l->cells);
	free(l);
}

const struct verb_ops verb_rtt = {
	.open = rtt_open,
	.idle = session_flush,
	.close = rtt_close,
	.endless = true,
};
