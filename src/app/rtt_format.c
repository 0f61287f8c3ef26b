#include "app/rtt_format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/slab.h"

#define SECOND_NS   1000000000ull
#define ETHERNET    1
#define NOTES_LEAST 8
#define NOTES_MOST  1024 /* TSvals on their way: a second of them at 1 kHz */
#define NOTES_KEPT  16   /* behind the newest echo: echoes come in another order too */
#define NOTES_SHARE 2    /* half of the memory may hold notes */

struct note {           /* the first segment with a TSval */
	uint64_t bytes; /* of its way up to it */
	uint64_t departed;
	uint32_t tsval;
};

struct way {            /* what one end sends */
	uint64_t bytes; /* of all its frames */
	uint64_t
		answered; /* of its frames since both ways were seen; pping counts so */
	uint64_t printed; /* `answered` at its last line */
	uint64_t departed;  /* `answered` up to its segment that was last timed */
	uint64_t last_ns;   /* its last segment */
	uint64_t min_ns;    /* least of its lines; UINT64_MAX: none */
	uint32_t next;      /* highest sequence number + 1; valid when has_next */
	uint32_t syn_tsval; /* of its last SYN; valid when has_syn */
	bool has_next, has_syn;
	uint16_t first, used, size; /* of the ring */
	struct note *notes;         /* owned: not answered yet; oldest first */
};

struct state { /* of a connection */
	uint64_t uid;
	struct way way[2];
	uint32_t chain; /* next one in the bucket; 0: none */
};

struct pending { /* samples that the next segment answers */
	bool has_timestamp, has_seq;
	uint8_t timestamp_kind;
	uint64_t timestamp_ns, seq_ns;
};

struct rtt_format {
	enum rtt_format_kind kind;
	struct slab states;
	uint32_t *buckets; /* owned */
	uint32_t mask;
	uint64_t notes_bytes, notes_most;
	struct pending pending;
};

struct rtt_format *rtt_format_new(enum rtt_format_kind kind, uint64_t memory_bytes)
{
	struct rtt_format *f = calloc(1, sizeof(*f));
	uint64_t most = memory_bytes / NOTES_SHARE / sizeof(struct state);
	uint32_t buckets = 1;

	if (!f)
		return NULL;
	if (most > UINT32_MAX / 4)
		most = UINT32_MAX / 4;
	while (buckets < most)
		buckets *= 2;
	f->kind = kind;
	f->notes_most = memory_bytes / NOTES_SHARE;
	f->mask = buckets - 1;
	f->buckets = calloc(buckets, sizeof(*f->buckets));
	if (f->buckets &&
		slab_init(&f->states, sizeof(struct state), (uint32_t)most) == 0)
		return f;
	free(f->buckets);
	free(f);
	return NULL;
}

static void notes_free(struct rtt_format *f, struct state *s)
{
	for (unsigned d = 0; d < 2; d++) {
		f->notes_bytes -= s->way[d].size * sizeof(struct note);
		free(s->way[d].notes);
	}
}

void rtt_format_free(struct rtt_format *f)
{
	if (!f)
		return;
	for (uint32_t b = 0; b <= f->mask; b++)
		for (uint32_t n = f->buckets[b]; n;) {
			struct state *s = slab_at(&f->states, n);

			notes_free(f, s);
			n = s->chain;
		}
	slab_done(&f->states);
	free(f->buckets);
	free(f);
}

static uint32_t *find(struct rtt_format *f, uint64_t uid)
{
	uint32_t *at = &f->buckets[uid & f->mask];

	while (*at) {
		struct state *s = slab_at(&f->states, *at);

		if (s->uid == uid)
			break;
		at = &s->chain;
	}
	return at;
}

void rtt_format_ended(struct rtt_format *f, uint64_t uid)
{
	uint32_t *at = find(f, uid), number = *at;
	struct state *s;

	if (!number)
		return;
	s = slab_at(&f->states, number);
	*at = s->chain;
	notes_free(f, s);
	slab_free(&f->states, number);
}

/*
 * What stands before the IP header. Behind it may be padding, checksum and trailer,
 * which nothing tells from labels or PPPoE: Ethernet has its header and tags.
 */
static uint32_t link_bytes(const struct packet *p)
{
	if (p->linktype == ETHERNET && p->tunnels == 0)
		return 14 + 4u * p->vlans;
	return p->wire_bytes > p->ip_bytes ? p->wire_bytes - p->ip_bytes : 0;
}

/* All bytes of its side, from the connection's own counters. */
static uint64_t bytes_of(const struct flow *flow, unsigned dir, const struct packet *p)
{
	return flow->side[dir].ip_bytes + flow->side[dir].packets * link_bytes(p);
}

/* SYNs alone, of which there may be a flood, need none. */
static struct state *state_of(struct rtt_format *f, const struct flow *flow,
	uint64_t uid, const struct segment *segment)
{
	uint32_t *at = find(f, uid);
	unsigned dir = segment->dir;
	struct state *s;

	if (*at)
		return slab_at(&f->states, *at);
	if (flow->side[!dir].packets == 0 && segment->p->tcp_flags & TCP_SYN)
		return NULL;
	*at = slab_alloc(&f->states);
	if (!*at)
		return NULL;
	s = slab_at(&f->states, *at);
	*s = (struct state){.uid = uid};
	for (unsigned d = 0; d < 2; d++) {
		s->way[d].bytes = bytes_of(flow, d, segment->p);
		s->way[d].min_ns = UINT64_MAX;
		s->way[d].next = flow->side[d].seq_next;
		s->way[d].has_next = flow->side[d].has_seq;
	}
	s->way[dir].bytes -= segment->p->ip_bytes + link_bytes(segment->p);
	if (flow->facts & FLOW_SMALL) /* that has counted this segment already */
		s->way[dir].has_next = false;
	return s;
}

void rtt_format_sample(struct rtt_format *f, const struct sample *s)
{
	struct pending *p = &f->pending;

	if (s->reason != SAMPLE_VALID)
		return;
	switch (s->kind) {
	case SAMPLE_seq:
		p->has_seq = true;
		p->seq_ns = s->rtt_ns;
		break;
	case SAMPLE_timestamp:
	case SAMPLE_ack:
	case SAMPLE_handshake:
		/* Kinds that time the same echo: the first in this order is the one. */
		if (p->has_timestamp && p->timestamp_kind == SAMPLE_timestamp)
			break;
		p->has_timestamp = true;
		p->timestamp_kind = s->kind;
		p->timestamp_ns = s->rtt_ns;
		break;
	default: break;
	}
}

static struct note *note_at(struct way *w, unsigned index)
{
	return &w->notes[(w->first + index) % w->size];
}

/* False: no memory; the oldest note goes. */
static bool grow(struct rtt_format *f, struct way *w)
{
	unsigned size = w->size ? 2u * w->size : NOTES_LEAST;
	uint64_t more = (size - w->size) * sizeof(struct note);
	struct note *notes;

	if (size > NOTES_MOST || f->notes_bytes + more > f->notes_most)
		return false;
	notes = malloc(size * sizeof(*notes));
	if (!notes)
		return false;
	for (unsigned i = 0; i < w->used; i++)
		notes[i] = *note_at(w, i);
	free(w->notes);
	w->notes = notes;
	w->size = (uint16_t)size;
	w->first = 0;
	f->notes_bytes += more;
	return true;
}

static void note_tsval(struct rtt_format *f, struct way *w, uint32_t tsval)
{
	if (w->used && !segment_after(tsval, note_at(w, w->used - 1u)->tsval))
		return;
	if (w->used == w->size && !grow(f, w)) {
		if (w->size == 0)
			return;
		w->first = (uint16_t)((w->first + 1) % w->size);
		w->used--;
	}
	w->used++;
	*note_at(w, w->used - 1u) = (struct note){w->answered, w->departed, tsval};
}

/* The note of that TSval; NULL: there is none. Much older ones are dropped. */
static const struct note *note_echoed(struct way *w, uint32_t tsecr)
{
	unsigned at = 0;

	while (at < w->used && segment_after(tsecr, note_at(w, at)->tsval))
		at++;
	if (at > NOTES_KEPT) {
		unsigned old = at - NOTES_KEPT;

		w->first = (uint16_t)((w->first + old) % w->size);
		w->used = (uint16_t)(w->used - old);
		at = NOTES_KEPT;
	}
	return at < w->used && note_at(w, at)->tsval == tsecr ? note_at(w, at) : NULL;
}

static void add_seconds(struct buf *out, uint64_t ns)
{
	uint64_t us = ns / 1000 + (ns % 1000 >= 500);

	buf_fmt(out, "%" PRIu64 ".%06u", us / 1000000, (unsigned)(us % 1000000));
}

static void add_time(struct buf *out, uint64_t ts_ns)
{
	buf_u64(out, ts_ns / SECOND_NS);
	buf_fmt(out, ".%06u", (unsigned)(ts_ns % SECOND_NS / 1000));
}

static void add_end(struct buf *out, const struct packet *p, unsigned end)
{
	addr_format(out, &p->key.addr[end], p->key.family);
	buf_char(out, ':');
	buf_u64(out, p->key.port[end]);
}

static void add_way(struct buf *out, const struct packet *p)
{
	buf_char(out, ' ');
	add_end(out, p, p->dir);
	buf_char(out, '+');
	add_end(out, p, !p->dir);
}

static void add_known(struct buf *out, bool known, uint64_t bytes)
{
	buf_char(out, ' ');
	if (known)
		buf_u64(out, bytes);
	else
		buf_char(out, '*');
}

/* A handshake is timed by its numbers: whether this echoes a TSval is another question.
 */
static bool echoes(
	const struct rtt_format *f, const struct state *s, const struct packet *p)
{
	if (!f->pending.has_timestamp || !p->has_timestamps)
		return false;
	if (f->pending.timestamp_kind != SAMPLE_handshake || p->tcp_flags & TCP_SYN)
		return true;
	return s && s->way[!p->dir].has_syn && s->way[!p->dir].syn_tsval == p->tsecr;
}

/* One line for each answer to a TSval, of the way that the answer goes. */
static bool pping_line(struct rtt_format *f, struct state *s, const struct packet *p,
	const struct note *n, struct buf *out)
{
	struct way *w = s ? &s->way[p->dir] : NULL;
	uint64_t rtt_ns = f->pending.timestamp_ns;

	if (!echoes(f, s, p))
		return false;
	if (w && rtt_ns < w->min_ns)
		w->min_ns = rtt_ns;
	add_time(out, p->ts_ns);
	buf_char(out, ' ');
	add_seconds(out, rtt_ns);
	buf_char(out, ' ');
	add_seconds(out, w ? w->min_ns : rtt_ns);
	/* (of a SYN nothing was counted: the other way was not seen yet) */
	add_known(out, n || p->tcp_flags & TCP_SYN, n ? n->bytes : 0);
	add_known(out, n || p->tcp_flags & TCP_SYN, n ? n->departed : 0);
	add_known(out, w, w ? w->answered - w->printed : 0);
	add_way(out, p);
	if (w)
		w->printed = w->answered;
	if (n)
		s->way[!p->dir].departed = n->bytes;
	return true;
}

struct connmon_facts {
	int32_t hole;      /* sequence numbers jumped over; < 0: seen before */
	bool dup;          /* duplicate acknowledgement */
	bool echoes;       /* a TSval, for the first time */
	uint64_t since_ns; /* the segment before of that way */
	uint64_t bytes;
};

static void add_optional(struct buf *out, bool known, uint64_t ns)
{
	if (known) {
		buf_char(out, ' ');
		add_seconds(out, ns);
	} else {
		buf_str(out, "    *    ");
	}
}

static bool connmon_line(struct rtt_format *f, const struct segment *s,
	const struct connmon_facts *facts, struct buf *out)
{
	const struct pending *pending = &f->pending;
	bool timestamp = facts->echoes;

	if (!timestamp && !pending->has_seq && facts->hole <= 0 &&
		!(facts->dup && facts->since_ns))
		return false;
	add_time(out, s->p->ts_ns);
	add_optional(out, timestamp, pending->timestamp_ns);
	add_optional(out, pending->has_seq, pending->seq_ns);
	buf_fmt(out, " %4" PRId32 " ", facts->hole);
	if (facts->dup)
		add_seconds(out, facts->since_ns);
	else
		buf_str(out, "   -    ");
	buf_fmt(out, " %4" PRIu32 " %7" PRIu64, s->p->payload_len, facts->bytes);
	add_way(out, s->p);
	return true;
}

static struct connmon_facts facts_of(
	const struct flow *flow, const struct state *s, const struct segment *segment)
{
	const struct way *w = s ? &s->way[segment->dir] : NULL;
	const struct packet *p = segment->p;
	struct connmon_facts facts = {
		.bytes = w ? w->bytes : bytes_of(flow, segment->dir, p)};

	if (w && w->has_next)
		facts.hole = (int32_t)(p->seq - w->next);
	else if (!w && flow->side[segment->dir].has_seq && !(flow->facts & FLOW_SMALL))
		facts.hole = (int32_t)(p->seq - flow->side[segment->dir].seq_next);
	if (w && w->last_ns && p->ts_ns > w->last_ns)
		facts.since_ns = p->ts_ns - w->last_ns;
	facts.dup = segment->dup_ack && facts.since_ns > 0;
	if (p->tcp_flags & TCP_RST)
		facts.hole = 0;
	return facts;
}

/* As pping, what is answered is counted since both ways were seen. */
static void count(struct rtt_format *f, const struct flow *flow, struct state *s,
	const struct segment *segment)
{
	const struct packet *p = segment->p;
	struct way *w = &s->way[segment->dir];

	w->bytes += p->ip_bytes + link_bytes(p);
	if (flow->side[!segment->dir].packets == 0)
		return;
	w->answered += p->ip_bytes + link_bytes(p);
	if (f->kind == RTT_FORMAT_PPING && p->has_timestamps)
		note_tsval(f, w, p->tsval);
}

static void remember(struct state *s, const struct segment *segment)
{
	struct way *w = &s->way[segment->dir];

	w->last_ns = segment->p->ts_ns;
	if (segment->p->tcp_flags & TCP_SYN && segment->p->has_timestamps) {
		w->syn_tsval = segment->p->tsval;
		w->has_syn = true;
	}
	if (segment->p->tcp_flags & TCP_RST)
		return;
	if (!w->has_next || segment_after(segment->end, w->next))
		w->next = segment->end;
	w->has_next = true;
}

bool rtt_format_segment(struct rtt_format *f, const struct flow *flow, uint64_t uid,
	const struct segment *segment, struct buf *out)
{
	const struct packet *p = segment->p;
	struct state *s = state_of(f, flow, uid, segment);
	struct connmon_facts facts;
	const struct note *n = NULL;
	bool line;

	buf_reset(out);
	if (s)
		count(f, flow, s, segment);
	if (f->kind == RTT_FORMAT_PPING) {
		if (s && p->has_timestamps && p->tcp_flags & TCP_ACK)
			n = note_echoed(&s->way[!segment->dir], p->tsecr);
		line = pping_line(f, s, p, n, out);
	} else {
		facts = facts_of(flow, s, segment);
		facts.echoes = echoes(f, s, p);
		line = connmon_line(f, segment, &facts, out);
	}
	if (s)
		remember(s, segment);
	f->pending = (struct pending){0};
	return line;
}
