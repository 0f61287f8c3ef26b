#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#include "app/record.h"
#include "app/session.h"

#define FIELDS 24
#define LINKTYPE_USER0 \
	147 /* sixteen for private use; libpcap has no names for them \
	     */

struct maps {
	struct record_count malformed[MALFORMED_COUNT];
	struct record_count unsupported[COUNTERS_LINKTYPES];
	struct record_count evicted[EVICT_COUNT];
	char linktype[COUNTERS_LINKTYPES][32];
	unsigned malformed_n, unsupported_n, evicted_n;
};

static void linktype_text(char *out, size_t size, uint16_t linktype)
{
	const char *name = pcap_datalink_val_to_name(linktype);

	if (linktype == UINT16_MAX)
		(void)snprintf(out, size, "others"); /* fits */
	else if (linktype >= LINKTYPE_USER0 && linktype < LINKTYPE_USER0 + 16)
		(void)snprintf(
			out, size, "USER%u", linktype - LINKTYPE_USER0); /* fits */
	else if (name)
		(void)snprintf(out, size, "%s", name); /* names are short */
	else
		(void)snprintf(out, size, "%u", linktype); /* fits */
}

static void fill_maps(struct maps *m, const struct counters *c)
{
	for (unsigned i = 0; i < MALFORMED_COUNT; i++)
		if (c->malformed[i])
			m->malformed[m->malformed_n++] = (struct record_count){
				malformed_name(i), c->malformed[i]};
	for (unsigned i = 0; i < c->unsupported_types; i++) {
		linktype_text(m->linktype[i], sizeof(m->linktype[i]),
			c->unsupported[i].linktype);
		m->unsupported[m->unsupported_n++] = (struct record_count){
			m->linktype[i], c->unsupported[i].packets};
	}
	for (unsigned i = 0; i < EVICT_COUNT; i++)
		if (c->evicted[i])
			m->evicted[m->evicted_n++] = (struct record_count){
				evict_name(i), c->evicted[i]};
}

static struct record_field map(
	const char *key, const struct record_count *m, unsigned n)
{
	return (struct record_field){.key = key, .map = m, .map_size = n};
}

static unsigned fill_fields(
	struct record_field *f, const struct counters *c, const struct maps *m)
{
	unsigned n = 0;

	f[n++] = record_number("v", TYPE_ID, 1);
	f[n++] = record_number("packets", TYPE_COUNT, c->packets);
	f[n++] = record_number("bytes", TYPE_BYTES, c->bytes);
	f[n++] = record_number("parsed", TYPE_COUNT, c->parsed);
	f[n++] = map("malformed", m->malformed, m->malformed_n);
	f[n++] = map("unsupported", m->unsupported, m->unsupported_n);
	f[n++] = record_number("filtered", TYPE_COUNT, c->filtered);
	f[n++] = record_number("copies", TYPE_COUNT, c->copies);
	f[n++] = record_number("truncated", TYPE_COUNT, c->truncated);
	f[n++] = record_number(
		"fragments_unmatched", TYPE_COUNT, c->fragments_unmatched);
	f[n++] = record_number("ring_drops", TYPE_COUNT, c->ring_drops);
	f[n++] = record_number("interface_drops", TYPE_COUNT, c->interface_drops);
	f[n++] = map("evicted", m->evicted, m->evicted_n);
	f[n++] = record_number("overruns", TYPE_COUNT, c->overruns);
	f[n++] = record_number("rtt_samples", TYPE_COUNT, c->rtt_samples);
	f[n++] = record_number("rtt_lost", TYPE_COUNT, c->rtt_lost);
	f[n++] = record_number("gaps", TYPE_COUNT, c->gaps);
	f[n++] = record_number("clock_steps", TYPE_COUNT, c->clock_steps);
	f[n++] = record_number("conns", TYPE_COUNT, c->conns);
	f[n] = record_number("first_ts", TYPE_TIME, c->first_ns);
	f[n++].value.present = c->packets > 0;
	f[n] = record_number("last_ts", TYPE_TIME, c->last_ns);
	f[n++].value.present = c->packets > 0;
	return n;
}

static void text_map(
	struct buf *out, const char *what, const struct record_count *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_fmt(out, ", %s %s %" PRIu64, what, m[i].name, m[i].count);
}

static void text_count(struct buf *out, const char *what, uint64_t n)
{
	if (n)
		buf_fmt(out, ", %s %" PRIu64, what, n);
}

/* Only what is not zero, apart from the first three. */
static void summary_text(struct buf *out, const struct session *s,
	const struct counters *c, const struct maps *m)
{
	if (s->filter)
		buf_fmt(out, "%" PRIu64 " shown of ", s->shown);
	buf_fmt(out,
		"%" PRIu64 " connection%s, %" PRIu64 " packet%s, %" PRIu64 " bytes",
		c->conns, c->conns == 1 ? "" : "s", c->packets,
		c->packets == 1 ? "" : "s", c->bytes);
	text_map(out, "malformed", m->malformed, m->malformed_n);
	text_map(out, "unsupported", m->unsupported, m->unsupported_n);
	text_count(out, "filtered", c->filtered);
	text_count(out, "copies", c->copies);
	if (s->n_files) /* live, the snaplen is konn's own choice */
		text_count(out, "cut by the snaplen", c->truncated);
	text_count(out, "unmatched fragments", c->fragments_unmatched);
	text_count(out, "DROPPED BY THE RING", c->ring_drops);
	text_count(out, "DROPPED BY THE INTERFACE", c->interface_drops);
	text_map(out, "evicted", m->evicted, m->evicted_n);
	text_count(out, "overruns", c->overruns);
	text_count(out, "ROUND TRIPS NOT MEASURED", c->rtt_lost);
	text_count(out, "gaps", c->gaps);
	text_count(out, "clock steps", c->clock_steps);
}

void summary_write(struct session *s)
{
	const struct counters *c = engine_counters(s->engine);
	struct maps m = {0};
	struct record_field fields[FIELDS];
	struct buf text = {0};
	struct record r = {.kind = "summary", .fields = fields};

	fill_maps(&m, c);
	r.count = fill_fields(fields, c, &m);
	summary_text(&text, s, c, &m);
	r.text = buf_cstr(&text);
	if (s->view->summary_inline)
		s->view->record(&s->out.buf, &r, &s->style, true);
	else if (!s->o->quiet)
		buf_fmt(&s->remarks, "%s\n", r.text);
	buf_done(&text);
}

void summary_unsupported(struct session *s)
{
	const struct counters *c = engine_counters(s->engine);
	struct maps m = {0};
	struct buf text = {0};
	struct err err = {.exit_code = EXIT_NO_INPUT};

	if (c->unsupported_types == 0)
		return;
	fill_maps(&m, c);
	buf_str(&text, "link type not supported:");
	for (unsigned i = 0; i < m.unsupported_n; i++)
		buf_fmt(&text, "%s %s (%u): %" PRIu64 " packets", i ? "," : "",
			m.unsupported[i].name, c->unsupported[i].linktype,
			m.unsupported[i].count);
	(void)err_set(
		&err, c->parsed ? EXIT_PARTIAL : EXIT_NO_INPUT, "%s", buf_cstr(&text));
	session_problem(s, &err);
	buf_done(&text);
}
