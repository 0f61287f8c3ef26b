#include "measure/dns.h"

#include <errno.h>
#include <string.h>

#include "core/packet.h"
#include "measure/measure.h"
#include "measure/talk.h"

#define QUERY_SHARE   64 /* of the memory */
#define QUERIES_LEAST 64u
#define QUERIES_MOST  65536u
#define QU_BIT        0x8000u /* mDNS: in a question's class (RFC 6762 §5.4) */

struct query {                  /* an entry of the book */
	struct book_entry head; /* hash of tuple, direction, id */
	uint64_t question;      /* hash of name, type, class */
	uint64_t first_ns, last_ns;
	uint32_t sent; /* how often */
	uint32_t unused;
};

struct answer {
	uint64_t hash, question;
	bool has_question;
	uint8_t rcode;
};

struct dns_side {             /* of a TCP connection: the messages that one end sends */
	struct answer answer; /* or query, not whole yet; valid when has_answer */
	uint32_t left;        /* bytes of the message that are to come */
	uint8_t high;         /* first byte of a length; valid when has_high */
	bool has_high, has_answer, response;
	bool fresh;  /* the message's first byte is the next one */
	bool adrift; /* where the next message starts is not known */
};

struct dns_stream { /* a block of POOL_RING8 */
	struct dns_side side[2];
};
_Static_assert(sizeof(struct dns_stream) <= TALK_BLOCK, "fits into the block");

int dns_init(struct dns *d, struct strings *strings, const struct hash_key *key,
	uint64_t memory_bytes)
{
	uint64_t room = memory_bytes / QUERY_SHARE / sizeof(struct query);
	uint32_t entries = QUERIES_LEAST;

	while (entries < QUERIES_MOST && entries * 2 <= room)
		entries *= 2;
	*d = (struct dns){.key = *key};
	if (book_init(&d->queries, sizeof(struct query), entries) == 0 &&
		dns_names_init(&d->names, strings, key, memory_bytes) == 0)
		return 0;
	dns_done(d);
	return -ENOMEM;
}

void dns_done(struct dns *d)
{
	book_done(&d->queries);
	dns_names_done(&d->names);
}

size_t dns_bytes(const struct dns *d)
{
	return book_bytes(&d->queries) + book_bytes(&d->names.book);
}

/* Of the queries that the sender of direction `dir` sent with that id. */
static uint64_t hash_of(
	const struct dns *d, const struct tuple *key, unsigned dir, uint16_t id)
{
	struct hash_state s = hash_begin(&d->key);
	uint64_t w[5];

	memcpy(w, key, sizeof(w));
	for (unsigned i = 0; i < 5; i++)
		hash_word(&s, w[i]);
	hash_word(&s, (uint64_t)dir << 16 | id);
	return hash_end(&s, 48);
}

static uint64_t question_of(const struct dns *d, const struct dns_message *m)
{
	struct hash_state s = hash_begin(&d->key);

	hash_word(&s, hash_bytes(&d->key, m->name.bytes, m->name.len));
	hash_word(&s, (uint64_t)(m->class & ~QU_BIT) << 16 | m->type);
	return hash_end(&s, 16);
}

static struct query *find(const struct dns *d, const struct answer *a)
{
	struct query *q = book_find(&d->queries, a->hash, NULL);

	while (q && a->has_question && q->question != a->question)
		q = book_find(&d->queries, a->hash, q);
	return q;
}

static bool waits(const struct query *q, uint64_t now_ns)
{
	return q->head.used && now_ns < q->last_ns + DNS_RETRY_NS;
}

static void query(struct measure *g, struct talk *t, const struct packet *p,
	const struct dns_message *m)
{
	struct dns *d = &g->dns;
	struct answer key = {
		hash_of(d, &p->key, p->dir, m->id), question_of(d, m), true, 0};
	struct query *q = find(d, &key);

	if (q && waits(q, p->ts_ns)) {
		q->sent++;
		if (p->ts_ns > q->last_ns)
			q->last_ns = p->ts_ns;
		t->dns_retries++;
		return;
	}
	t->asked++;
	if (q)
		book_remove(&d->queries, q);
	q = book_oldest(&d->queries);
	if (waits(q, p->ts_ns))
		g->lost++;
	q = book_add(&d->queries, key.hash);
	q->question = key.question;
	q->first_ns = q->last_ns = p->ts_ns;
	q->sent = 1;
}

static void tell(struct measure *g, struct talk *t, const struct packet *p,
	const struct query *q)
{
	struct sample s = {
		.ts_ns = p->ts_ns,
		.kind = SAMPLE_dns,
		.half = p->dir,
		.bytes = p->payload_len,
	};

	if (p->ts_ns < q->last_ns)
		s.reason = REASON_clock;
	else
		s.rtt_ns = p->ts_ns - q->last_ns;
	/* Which of them was answered is unknown, as Karn says of segments. */
	if (!s.reason && q->sent > 1)
		s.reason = REASON_retransmitted;
	if (!t->has_dns && s.reason != REASON_clock) {
		t->has_dns = true;
		t->dns_us = talk_us(p->ts_ns - q->first_ns);
	}
	talk_sample(g, t, &s);
}

/* False: nobody asked, or it was answered before. */
static bool answered(struct measure *g, struct talk *t, const struct packet *p,
	const struct answer *a)
{
	struct query *q = find(&g->dns, a);

	if (!q)
		return false;
	t->answered++;
	t->has_rcode = true;
	t->dns_rcode = a->rcode;
	tell(g, t, p, q);
	book_remove(&g->dns.queries, q);
	return true;
}

static struct answer answer_of(
	const struct dns *d, const struct packet *p, const struct dns_message *m)
{
	return (struct answer){
		.hash = hash_of(d, &p->key, !p->dir, m->id),
		.question = question_of(d, m),
		.has_question = m->questions != 0,
		.rcode = DNS_RCODE(m),
	};
}

/* What is sent to a group is answered by others, if at all. */
static bool to_group(const struct packet *p)
{
	return addr_is_multicast(&p->key.addr[!p->dir], p->key.family);
}

void dns_datagram(struct measure *g, struct talk *t, const struct packet *p)
{
	struct talk spare = {.kind = TALK_DNS};
	struct dns_message m;
	struct answer a;

	if (!p->payload || p->fragment == 2 || to_group(p) ||
		!dns_message_read(cur_of(p->payload, p->payload_captured), &m))
		return;
	if (!(m.flags & DNS_RESPONSE)) {
		query(g, t ? t : &spare, p, &m);
	} else {
		a = answer_of(&g->dns, p, &m);
		if (answered(g, t ? t : &spare, p, &a))
			dns_names_learn(&g->dns.names, &m);
	}
	if (!t)
		talk_done(g, &spare);
}

/* A message begins; what of it is in this segment can be read. */
static void begin(struct measure *g, struct talk *t, const struct packet *p,
	struct dns_side *s, struct cur c)
{
	struct dns_message m;

	s->has_answer = false;
	cur_limit(&c, s->left);
	if (!dns_message_read(c, &m))
		return;
	s->response = m.flags & DNS_RESPONSE;
	if (!s->response)
		query(g, t, p, &m);
	s->answer = answer_of(&g->dns, p, &m);
	s->has_answer = true;
	if (!s->response) {
		s->answer.hash = hash_of(&g->dns, &p->key, p->dir, m.id);
		return;
	}
	if (find(&g->dns, &s->answer))
		dns_names_learn(&g->dns.names, &m);
}

/* The server can begin when it has the last byte. */
static void sent_whole(const struct dns *d, const struct answer *key, uint64_t now_ns)
{
	struct query *q = find(d, key);

	if (q && now_ns > q->last_ns)
		q->last_ns = now_ns;
}

static void advance(struct measure *g, struct talk *t, const struct packet *p,
	struct dns_side *s, uint32_t bytes)
{
	s->left -= bytes;
	if (s->left || !s->has_answer)
		return;
	s->has_answer = false;
	if (s->response)
		(void)answered(g, t, p, &s->answer); /* perhaps nobody waits for it */
	else
		sent_whole(&g->dns, &s->answer, p->ts_ns);
}

/* True when the length of the next message is known: it begins at `c`. */
static bool read_length(struct dns_side *s, struct cur *c)
{
	if (!s->has_high) {
		s->high = cur_u8(c);
		s->has_high = true;
	}
	if (!cur_left(c))
		return false;
	s->left = (uint32_t)s->high << 8 | cur_u8(c);
	s->has_high = false;
	return true;
}

static void read_messages(
	struct measure *g, struct talk *t, const struct packet *p, struct dns_side *s)
{
	struct cur c = cur_of(p->payload, p->payload_captured);
	uint32_t unseen = p->payload_len - p->payload_captured;

	while (cur_left(&c)) {
		uint32_t take = (uint32_t)cur_left(&c);

		if (!s->left) {
			s->fresh = read_length(s, &c);
			continue;
		}
		if (s->fresh)
			begin(g, t, p, s, c);
		s->fresh = false;
		take = take < s->left ? take : s->left;
		cur_skip(&c, take);
		advance(g, t, p, s, take);
	}
	if (!unseen)
		return;
	s->adrift = unseen > s->left;
	if (s->left)
		advance(g, t, p, s, unseen < s->left ? unseen : s->left);
}

void dns_segment(
	struct measure *g, struct talk *t, const struct packet *p, bool in_order)
{
	struct dns_stream *stream = talk_block(g, t);
	struct dns_side *s;
	struct cur c = cur_of(p->payload, p->payload_captured);

	if (!stream)
		return;
	s = &stream->side[p->dir];
	if (!in_order)
		s->adrift = true;
	if (s->adrift) {
		/* one message in one segment: the most usual way */
		if (!p->payload || cur_be16(&c) + 2u != p->payload_len)
			return;
		*s = (struct dns_side){0};
	}
	read_messages(g, t, p, s);
}
