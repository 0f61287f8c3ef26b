#include "measure/turns.h"

#include <string.h>

#include "measure/hello.h"
#include "measure/http.h"
#include "measure/tcp_measure.h"

/*
 * A turn is a request, data of the originator, and the first data of the responder that
 * was sent with the whole request in hand: its acknowledgement covers it. Data of both
 * that cross on the way are no turn.
 */
enum state {
	TURN_NONE,
	TURN_WAITING, /* for the response */
	TURN_VOID,    /* the same, but its time would say nothing */
};

enum tls {
	TLS_NONE,
	TLS_HELLO,        /* ClientHello; no turns until the handshake is over */
	TLS_KEYS,         /* ServerHello */
	TLS_KEYS_13,      /* of TLS 1.3: the client's Finished looks like data */
	TLS_FRESH_13,     /* data; the server may send tickets (RFC 8446 §4.6.1) */
	TLS_OPEN,         /* data */
	TLS_OPEN_13,      /* here alerts look like data as well */
	TLS_BY_RESPONDER, /* who answers TCP is the client of TLS: no turns */
};

#define LOOKS_MOST   32 /* data segments; STARTTLS comes after 5, with FTP after 20 */
#define RECORDS_MOST 8  /* looked at in a segment */
#define PAUSE_NS     2000000 /* a server that thinks less still sends the tickets */
#define ALERT_13     19      /* bytes of an alert's record in TLS 1.3: RFC 8446 §5.2 */

static bool is_timed(const struct segment *s)
{
	return !s->untimed && !s->back;
}

static bool is_again(const struct segment *s)
{
	return s->class >= SEGMENT_AGAIN;
}

static uint32_t to_us(uint64_t ns)
{
	return ns / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 1000);
}

/* ---- TLS ---- */

static void client_hello(struct turns *t, const struct segment *s)
{
	const uint8_t *at = s->p->payload;

	t->tls = TLS_HELLO;
	t->state = TURN_NONE;
	t->hello_dir = s->dir;
	t->hello_ns = is_timed(s) ? s->p->ts_ns : 0;
	t->hello_end = s->p->seq + 5 + (uint32_t)(at[3] << 8 | at[4]);
}

/* TLS 1.3 encrypts what follows the ServerHello (RFC 8446 §2, appendix D.4). */
static bool is_13(const struct segment *s)
{
	struct cur c = cur_of(s->p->payload, s->p->payload_captured), body;
	unsigned type;

	(void)hello_record(&c, &body);
	type = hello_record(&c, &body);
	if (type == RECORD_CIPHER_SPEC)
		type = hello_record(&c, &body);
	return type == RECORD_DATA;
}

static void server_hello(struct turns *t, const struct segment *s, unsigned orig)
{
	uint64_t now_ns = s->p->ts_ns;

	t->tls = t->hello_dir != orig ? TLS_BY_RESPONDER
		 : is_13(s)           ? TLS_KEYS_13
				      : TLS_KEYS;
	if (!is_timed(s) || !t->hello_ns || now_ns < t->hello_ns || t->has_tls)
		return;
	t->has_tls = true;
	t->tls_us = to_us(now_ns - t->hello_ns);
}

static void tls_segment(struct turns *t, const struct segment *s, unsigned orig)
{
	enum hello_type type;

	if (is_again(s) || !s->p->payload)
		return;
	t->looked++;
	type = hello_type(s->p->payload, s->p->payload_captured);
	if (type == HELLO_CLIENT && t->tls == TLS_NONE && s->p->payload_captured > 5)
		client_hello(t, s);
	else if (t->tls != TLS_HELLO)
		return;
	else if (type == HELLO_SERVER && s->dir != t->hello_dir)
		server_hello(t, s, orig);
	else if (s->dir == t->hello_dir && segment_after(t->hello_end, s->p->seq))
		t->hello_ns = is_timed(s) ? s->p->ts_ns : 0;
}

/* How many records of data a segment begins with, those of the handshake left out. */
static unsigned data_records(const struct segment *s)
{
	struct cur c = cur_of(s->p->payload, s->p->payload_captured), body;
	unsigned count = 0;

	for (unsigned n = 0; n < RECORDS_MOST && cur_left(&c); n++) {
		unsigned type = hello_record(&c, &body);

		if (type == 0)
			break;
		count += type == RECORD_DATA;
	}
	return count;
}

static bool is_alert(const struct turns *t, const struct segment *s)
{
	struct cur c = cur_of(s->p->payload, s->p->payload_captured), body;
	unsigned type = hello_record(&c, &body);

	return type == RECORD_ALERT || (t->tls == TLS_OPEN_13 && type == RECORD_DATA &&
					       cur_left(&body) == ALERT_13);
}

/* Whether the client's segment asks something, and is not of the handshake. */
static bool asks(struct turns *t, const struct segment *s)
{
	unsigned count;

	switch ((enum tls)t->tls) {
	case TLS_NONE: return true;
	case TLS_HELLO:
	case TLS_BY_RESPONDER: return false;
	case TLS_FRESH_13:
	case TLS_OPEN:
	case TLS_OPEN_13: return t->state != TURN_NONE || !is_alert(t, s);
	default: break;
	}
	count = data_records(s);
	if (t->tls == TLS_KEYS && count)
		t->tls = TLS_OPEN;
	else if (t->tls == TLS_KEYS_13 && count--)
		t->tls = TLS_FRESH_13; /* Finished was one of them */
	else
		return false;
	return count > 0;
}

/* Up to when data may be tickets that the first request met or set free. */
static uint64_t tickets_until(uint64_t now_ns, const struct rtt_state *server)
{
	uint32_t rtt_us;

	if (!rtt_least_us(server, &rtt_us))
		return UINT64_MAX; /* up to the first pause */
	return now_ns + rtt_us * 1000ull + PAUSE_NS;
}

/* Bytes of its records when all are of the first one's size; else 0. */
static unsigned record_bytes(const struct segment *s)
{
	struct cur c = cur_of(s->p->payload, s->p->payload_captured), body;
	unsigned len;

	if (hello_record(&c, &body) != RECORD_DATA || c.bad)
		return 0;
	len = (unsigned)(body.end - s->p->payload);
	return s->p->payload_len % len ? 0 : len;
}

/*
 * Data before the first request, at once after it, and without a pause behind those:
 * no response yet. The second ticket may come later, when the first one is
 * acknowledged (Nagle); it has the same size.
 */
static bool is_ticket(struct turns *t, const struct segment *s)
{
	uint64_t now_ns = s->p->ts_ns;
	unsigned bytes;

	if (t->tls != TLS_FRESH_13)
		return false;
	bytes = record_bytes(s);
	if (t->state != TURN_NONE && now_ns > t->tickets_ns &&
		(!bytes || bytes != t->ticket_bytes))
		return false;
	if (!t->ticket_bytes)
		t->ticket_bytes = (uint16_t)bytes;
	t->tickets_ns = now_ns + PAUSE_NS;
	t->ticketed = t->state != TURN_NONE;
	return true;
}

/* ---- turns ---- */

/* Whoever asks before all of the last answer was there does not take turns. */
static bool crosses(const struct loss_state *server, const struct segment *s)
{
	return server->has_next && segment_after(server->next, s->p->ack);
}

static void begin(struct tcp_measure *m, const struct segment *s)
{
	struct turns *t = &m->turns;
	bool sound = is_timed(s) && !crosses(&m->side[!s->dir].loss, s) &&
		     !t->pipelined;

	if (t->ticketed) /* if that was the response, it is the second request */
		t->tls = TLS_OPEN_13;
	if (t->tls == TLS_FRESH_13)
		t->tickets_ns = tickets_until(s->p->ts_ns, &m->side[!s->dir].rtt);
	t->ticketed = false;

	t->state = sound ? TURN_WAITING : TURN_VOID;
	t->request_ns = s->p->ts_ns;
	t->request_end = s->end;
	t->spoilt = false;
	t->http = s->p->payload && http_begins(s->p->payload, s->p->payload_captured);
	if (t->requests < UINT8_MAX)
		t->requests++;
}

static void go_on(struct turns *t, const struct segment *s)
{
	if (t->http && s->p->payload &&
		http_begins(s->p->payload, s->p->payload_captured)) {
		t->pipelined = true; /* the response to the first one counts */
		return;
	}
	if (t->pipelined)
		return;
	if (segment_after(s->end, t->request_end))
		t->request_end = s->end;
	t->request_ns = s->p->ts_ns;
	if (!is_timed(s))
		t->state = TURN_VOID;
}

static void said(struct tcp_measure *m, const struct segment *s)
{
	struct turns *t = &m->turns;

	if (is_again(s)) {
		t->spoilt |= s->class == SEGMENT_AGAIN && !s->acked_before;
		return;
	}
	if (!asks(t, s))
		return;
	if (t->state == TURN_NONE || t->ticketed)
		begin(m, s);
	else
		go_on(t, s);
}

static void answered(struct measure *g, struct turns *t, const struct segment *s)
{
	uint64_t now_ns = s->p->ts_ns;
	bool valid = t->state == TURN_WAITING && s->class != SEGMENT_AHEAD &&
		     is_timed(s) && now_ns >= t->request_ns;
	uint32_t us;

	/* What fills a hole is older than it comes. */
	if (is_again(s) || s->class == SEGMENT_REPAIR || s->class == SEGMENT_REORDERED)
		return;
	if (is_ticket(t, s))
		return;
	if (t->tls == TLS_FRESH_13)
		t->tls = TLS_OPEN_13;
	if (segment_after(t->request_end, s->p->ack)) {
		t->state = TURN_VOID;
		return;
	}
	t->state = TURN_NONE;
	if (!valid)
		return;
	us = to_us(now_ns - t->request_ns);
	if (t->opened && t->requests == 1) {
		t->has_first_byte = true;
		t->first_byte_us = us;
	}
	if (!t->spoilt)
		spread_add_exact(&t->app, &g->pools, us);
}

void turns_segment(struct measure *g, struct tcp_measure *m, const struct segment *s,
	unsigned orig)
{
	struct turns *t = &m->turns;

	if (__builtin_expect(s->p->tcp_flags & TCP_SYN, 0))
		t->opened = true;
	if (!s->p->payload_len)
		return;
	if (t->looked < LOOKS_MOST)
		tls_segment(t, s, orig);
	if (s->dir == orig)
		said(m, s);
	else if (t->state != TURN_NONE || t->tls == TLS_FRESH_13)
		answered(g, t, s);
}

bool turns_app_us(const struct tcp_measure *m, unsigned orig, uint32_t *out)
{
	uint32_t turn_us, rtt_us;

	if (!m->turns.app.count || !rtt_least_us(&m->side[!orig].rtt, &rtt_us))
		return false;
	turn_us = spread_percentile(&m->turns.app, 50);
	*out = turn_us > rtt_us ? turn_us - rtt_us : 0;
	return true;
}

void turns_done(struct measure *g, struct tcp_measure *m)
{
	spread_done(&m->turns.app, &g->pools);
}
