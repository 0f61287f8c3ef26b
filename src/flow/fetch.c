#include "flow/fetch.h"

/*
 * Packets between a fetch and what needs it. Measured: twice as far costs a tenth more,
 * three times as far two fifths, because what was fetched is pushed out again.
 */
#define FIGURES 1u
#define NOTES   3u
#define RECORDS 6u
#define SLOTS   11u
#define LINE    64u

#define SECOND_NS 1000000000ull

static bool has_flow(const struct packet *p)
{
	return p->outcome == OUTCOME_PARSED && p->kind >= PACKET_TCP &&
	       p->kind <= PACKET_OTHER_IP;
}

/* Always inline: as in tcp_measure.c. */
__attribute__((always_inline)) static inline void lines(const void *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += LINE)
		__builtin_prefetch((const uint8_t *)at + i, 1);
}

static void slot(struct fetch *f, unsigned i)
{
	f->ref[i] = 0;
	if (has_flow(&f->packets[i]))
		index_prefetch(&f->t->index, f->packets[i].hash);
}

static void record(struct fetch *f, unsigned i)
{
	const struct packet *p = &f->packets[i];
	struct flow_table *t = f->t;
	uint32_t at = p->hash, ref;

	if (!has_flow(p))
		return;
	f->ref[i] = ref = index_next(&t->index, p->hash, &at);
	if (!ref)
		return;
	if (REF_KIND(ref) != REF_FULL) {
		lines(pool_small(t, ref), 2 * LINE);
		return;
	}
	lines(pool_full(t, ref), FLOW_HOT_BYTES);
	if (p->kind == PACKET_TCP)
		lines(pool_tcp(t, ref), TCP_MEASURE_HOT_BYTES);
}

/* What is measured of the packet's flow, as far as it is known; else NULL. */
static const struct tcp_measure *measured(const struct fetch *f, unsigned i)
{
	uint32_t ref = f->ref[i];

	if (!ref || REF_KIND(ref) != REF_FULL || f->packets[i].kind != PACKET_TCP)
		return NULL;
	return pool_tcp(f->t, ref);
}

static void notes(struct fetch *f, unsigned i)
{
	const struct tcp_measure *m = measured(f, i);
	const struct packet *p = &f->packets[i];
	const struct flow *flow;

	if (!m)
		return;
	tcp_measure_fetch(&f->t->measure, m, p);
	flow = pool_full(f->t, f->ref[i]);
	if (p->ts_ns / SECOND_NS > flow->rate_second) /* the rates begin a new one */
		lines(flow->rate, sizeof(flow->rate));
}

static void figures(struct fetch *f, unsigned i)
{
	const struct tcp_measure *m = measured(f, i);

	if (m)
		tcp_measure_fetch_figures(m, &f->packets[i]);
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
