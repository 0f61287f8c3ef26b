#include "flow/fetch.h"

#include "base/prefetch.h"
#include "base/rare.h"

/*
 * Packets between a fetch and what needs it. Measured: twice as far costs a tenth more,
 * three times as far two fifths, because what was fetched is pushed out again.
 */
#define FIGURES 1u
#define NOTES   3u
#define RECORDS 6u
#define SLOTS   11u

#define SECOND_NS 1000000000ull

static void slot(struct fetch *f, unsigned i)
{
	if (mostly(packet_has_flow(&f->packets[i])))
		index_prefetch(&f->t->index, f->packets[i].hash);
}

static void record(struct fetch *f, unsigned i)
{
	const struct packet *p = &f->packets[i];
	struct flow_table *t = f->t;
	uint32_t at = p->hash, ref;

	f->tcp[i] = NULL;
	ref = packet_has_flow(p) ? index_next(&t->index, p->hash, &at) : 0;
	if (rarely(!ref))
		return;
	if (rarely(REF_KIND(ref) != REF_FULL)) {
		prefetch_lines(pool_small(t, ref), 2 * PREFETCH_LINE);
		return;
	}
	f->flow[i] = pool_full(t, ref);
	prefetch_lines(f->flow[i], FLOW_HOT_BYTES);
	if (rarely(p->kind != PACKET_TCP))
		return;
	f->tcp[i] = pool_tcp(t, ref);
	tcp_measure_fetch_state(f->tcp[i], p);
}

static void notes(struct fetch *f, unsigned i)
{
	const struct packet *p = &f->packets[i];

	if (rarely(!f->tcp[i]))
		return;
	tcp_measure_fetch(&f->t->measure, f->tcp[i], p);
	if (rarely(p->ts_ns / SECOND_NS > f->flow[i]->rate_second))
		prefetch_lines(
			f->flow[i]->rate, sizeof(f->flow[i]->rate)); /* a new one begins
								      */
}

static void figures(struct fetch *f, unsigned i)
{
	if (f->tcp[i])
		tcp_measure_fetch_figures(f->tcp[i], &f->packets[i]);
}

void fetch_begin(struct fetch *f, struct flow_table *t, const struct packet *packets,
	unsigned count)
{
	f->t = t;
	f->packets = packets;
	f->count = count;
	for (unsigned i = 0; i < SLOTS && i < count; i++)
		slot(f, i);
	for (unsigned i = 0; i < RECORDS && i < count; i++)
		record(f, i);
	for (unsigned i = 0; i < NOTES && i < count; i++)
		notes(f, i);
	for (unsigned i = 0; i < FIGURES && i < count; i++)
		figures(f, i);
}

void fetch_ahead(struct fetch *f, unsigned at)
{
	if (at + SLOTS < f->count)
		slot(f, at + SLOTS);
	if (at + RECORDS < f->count)
		record(f, at + RECORDS);
	if (at + NOTES < f->count)
		notes(f, at + NOTES);
	if (at + FIGURES < f->count)
		figures(f, at + FIGURES);
}
