#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/fields.h"
#include "app/own.h"
#include "app/record.h"
#include "app/session.h"
#include "base/num.h"

/* What an event line tells of its connection; the rest only when it is over. */
static const char *const always[] = {"uid", "id.orig_h", "id.orig_p", "id.resp_h",
	"id.resp_p", "proto", "service", "state", "conn_state", "icmp_type", "icmp_id",
	"icmp_error", "vlan", "tunnel", "interface"};
static const char *const at_end[] = {
	"duration", "orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts", "history"};

#define ALWAYS (sizeof(always) / sizeof(always[0]))
#define AT_END (sizeof(at_end) / sizeof(at_end[0]))

struct watch {
	struct fields cells;
	struct buf text;  /* of one line */
	struct tuple own; /* konn's own ssh session */
	bool has_own, titled;
	uint64_t drops, steps, gaps; /* already told */
};

static const char *event_name(enum flow_event e)
{
	static const char *const names[FLOW_EVENT_COUNT] = {
		[FLOW_EVENT_ATTEMPT] = "attempt",
		[FLOW_EVENT_OPEN] = "open",
		[FLOW_EVENT_CLOSE] = "close",
		[FLOW_EVENT_RESET] = "reset",
		[FLOW_EVENT_REFUSE] = "refuse",
		[FLOW_EVENT_TIMEOUT] = "timeout",
	};

	return names[e];
}

static void text_time(struct buf *out, const struct session *s, uint64_t now_ns)
{
	if (s->style.epoch)
		buf_u64(out, now_ns / 1000);
	else
		num_local(out, now_ns);
}

static void text_cell(struct session *s, const struct row *r, const char *key)
{
	struct watch *w = s->state;
	const struct column *c = column_at((unsigned)column_find(key, strlen(key)));
	struct value v = c->get(r);

	if (v.present)
		view_cell(&w->text, c, &v, &s->style);
	else
		buf_char(&w->text, '-');
}

static void text_line(
	struct session *s, const struct row *r, const char *event, uint64_t now_ns)
{
	static const char *const tail[][2] = {{"", "duration"}, {"sent ", "orig_bytes"},
		{"received ", "resp_bytes"}, {"", "conn_state"}};
	struct watch *w = s->state;

	buf_reset(&w->text);
	text_time(&w->text, s, now_ns);
	buf_fmt(&w->text, "  %-7s  ", event);
	text_cell(s, r, "proto");
	buf_str(&w->text, "  ");
	text_cell(s, r, "orig");
	buf_str(&w->text, " -> ");
	text_cell(s, r, "resp");
	if (strcmp(event, "attempt") == 0 || strcmp(event, "open") == 0)
		return;
	for (unsigned i = 0; i < sizeof(tail) / sizeof(tail[0]); i++) {
		buf_fmt(&w->text, "  %s", tail[i][0]);
		text_cell(s, r, tail[i][1]);
	}
}

static void on_event(void *ctx, const struct row *r, enum flow_event e, uint64_t now_ns)
{
	struct session *s = ctx;
	struct watch *w = s->state;
	struct record_field fields[2 + FIELDS_MOST];
	struct record record = {.kind = "event", .fields = fields};
	bool over = e != FLOW_EVENT_ATTEMPT && e != FLOW_EVENT_OPEN;

	if ((s->filter && !filter_match(s->filter, r)) ||
		(w->has_own && tuple_equal(&w->own, &r->flow->key)))
		return;
	s->shown++;
	fields[0] = record_number("ts", TYPE_TIME, now_ns);
	fields[1] = record_text("event", event_name(e));
	fields_of(&w->cells, r, over ? ALWAYS + AT_END : ALWAYS, fields + 2);
	record.count = 2 + w->cells.count;
	text_line(s, r, event_name(e), now_ns);
	record.text = buf_cstr(&w->text);
	s->view->record(&s->out.buf, &record, &s->style, !w->titled);
	w->titled = true;
	if (s->out.buf.len > 65536)
		session_flush(s);
}

/* An event of konn's own: something was not seen. */
static void tell(struct session *s, const char *event, uint64_t count, uint64_t *told)
{
	struct watch *w = s->state;
	uint64_t now_ns = engine_now(s->engine);
	const struct record_field fields[] = {
		record_number("ts", TYPE_TIME, now_ns),
		record_text("event", event),
		record_number("count", TYPE_COUNT, count - *told),
	};
	struct record record = {.kind = "event", .fields = fields, .count = 3};

	if (count <= *told)
		return;
	buf_reset(&w->text);
	text_time(&w->text, s, now_ns);
	buf_fmt(&w->text, "  %-7s  %" PRIu64, event, count - *told);
	record.text = buf_cstr(&w->text);
	s->view->record(&s->out.buf, &record, &s->style, !w->titled);
	w->titled = true;
	*told = count;
}

static void watch_link(struct session *s, const char *name, bool up)
{
	struct watch *w = s->state;
	const char *event = up ? "interface_up" : "interface_down";
	uint64_t now_ns = engine_now(s->engine);
	const struct record_field fields[] = {
		record_number("ts", TYPE_TIME, now_ns),
		record_text("event", event),
		record_text("interface", name),
	};
	struct record record = {.kind = "event", .fields = fields, .count = 3};

	buf_reset(&w->text);
	text_time(&w->text, s, now_ns);
	buf_fmt(&w->text, "  %s  %s", event, name);
	record.text = buf_cstr(&w->text);
	s->view->record(&s->out.buf, &record, &s->style, !w->titled);
	w->titled = true;
}

static void watch_tick(struct session *s, uint64_t now_ns)
{
	struct watch *w = s->state;
	const struct counters *c = engine_counters(s->engine);

	(void)now_ns;
	tell(s, "drops", c->ring_drops + c->interface_drops, &w->drops);
	tell(s, "clock_step", c->clock_steps, &w->steps);
	tell(s, "gap", c->gaps, &w->gaps);
}

static int watch_open(struct session *s, struct engine_setup *setup, struct err *err)
{
	struct watch *w = calloc(1, sizeof(*w));

	s->state = w;
	if (!w)
		return err_errno(err, "start");
	fields_add(&w->cells, always, ALWAYS);
	fields_add(&w->cells, at_end, AT_END);
	if (!s->o->self && s->n_files == 0)
		w->has_own = own_session(&w->own);
	setup->sink.ctx = s;
	setup->sink.event = on_event;
	return 0;
}

static void watch_finish(struct session *s)
{
	watch_tick(s, 0);
}

static void watch_close(struct session *s)
{
	struct watch *w = s->state;

	if (!w)
		return;
	buf_done(&w->text);
	fields_done(&w->cells);
	free(w);
}

const struct verb_ops verb_watch = {
	.open = watch_open,
	.tick = watch_tick,
	.idle = session_flush,
	.link = watch_link,
	.finish = watch_finish,
	.close = watch_close,
	.endless = true,
};
