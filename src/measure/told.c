#include "measure/told.h"

#include "measure/tcp_measure.h"

/* Data that the acknowledgement set free: not when nothing was on its way any more,
 * because then the sender's wait is in it. */
static void tell(struct measure *g, struct tcp_measure *m, const struct segment *s,
	const struct ring_note *note)
{
	const struct packet *p = s->p;
	struct sample sample = {.ts_ns = p->ts_ns,
		.bytes = p->payload_len,
		.seq = note->number,
		.tsval = note->tsval,
		.kind = SAMPLE_ack,
		.half = s->dir};

	if (p->ts_ns < note->ns)
		sample.reason = REASON_clock;
	else
		sample.rtt_ns = p->ts_ns - note->ns;
	if (!sample.reason && !segment_after(p->seq, note->number))
		sample.reason = REASON_idle;
	rtt_take(g, m, &sample, true);
}

/* First transmissions only: others wait for a timer. */
static bool is_new(const struct tcp_measure *m, const struct segment *s)
{
	const struct rtt_state *st = &m->side[s->dir].rtt;

	return s->p->payload_len && !s->untimed && s->class != SEGMENT_PROBE &&
	       st->has_sent && !segment_after(st->sent_end, s->p->seq);
}

/* How many of them the sender certainly has: by its echo. */
static uint32_t echoed(const struct measure *g, struct ring *r, const struct packet *p)
{
	uint32_t n = 0;

	for (; n < r->used; n++) {
		const struct ring_note *note = ring_at(g, r, n);

		if (note->flags & RING_STARTS && segment_after(note->tsval, p->tsecr))
			break;
	}
	return n;
}

/* … by the time that has passed. */
static uint32_t arrived(const struct measure *g, const struct tcp_measure *m,
	const struct segment *s, struct ring *r)
{
	uint32_t least_us, n = 0;

	if (s->untimed || !rtt_least_us(&m->side[s->dir].rtt, &least_us))
		return 0;
	while (n < r->used &&
		ring_at(g, r, n)->ns + (least_us + 1ull) * 1000 <= s->p->ts_ns)
		n++;
	return n;
}

void told_heard(struct measure *g, struct tcp_measure *m, const struct segment *s)
{
	struct rtt_state *peer = &m->side[!s->dir].rtt;
	const struct packet *p = s->p;
	struct ring *r = &peer->told;
	uint32_t n = p->has_timestamps ? echoed(g, r, p) : arrived(g, m, s, r);
	const struct ring_note *note;

	if (n == 0)
		return;
	note = ring_at(g, r, n - 1);
	peer->known_ns = note->ns;
	peer->known_ack = note->number;
	peer->known_edge = note->extent;
	peer->has_known = true;
	if (p->has_timestamps && note->flags & RING_STARTS && note->tsval == p->tsecr &&
		is_new(m, s))
		tell(g, m, s, note);
	ring_pop(g, r, n);
}
