#include "measure/quic.h"

#include <string.h>

#include "core/packet.h"
#include "measure/measure.h"
#include "measure/spin.h"
#include "measure/talk.h"

#define VERSION_2 0x6b3343cfu /* RFC 9369: other numbers for the types */
#define ID_MOST   20
#define RESENT_NS 20000000u /* a flight's packets come closer than that */
#define SPIN_BIT  0x20u
#define LONG_BIT  0x80u

enum type { TYPE_INITIAL, TYPE_0RTT, TYPE_HANDSHAKE, TYPE_RETRY, TYPE_NEGOTIATION };

enum stage {
	STAGE_CLIENT, /* the client's first flight, and the answer to it */
	STAGE_SERVER, /* the server answered: its flight, and the answer to that */
	STAGE_DONE,
};

struct flight {                     /* of an endpoint */
	uint64_t first_ns, last_ns; /* valid when seen */
	bool seen;
	bool named; /* the client's: its name for the server is known */
	bool again; /* some of it came so late that it was sent again */
};

struct id {
	uint8_t bytes[ID_MOST], len;
};

struct quic { /* a block of POOL_RING8 */
	struct flight client, server;
	struct id client_id, server_id; /* names for the server: theirs */
	uint8_t stage;                  /* enum stage */
	bool retried;                   /* its answer was a Retry */
	struct spin spin;
};
_Static_assert(sizeof(struct quic) <= TALK_BLOCK, "fits into the block");

struct header {
	enum type type;
	uint32_t version;
	const uint8_t *to, *from; /* connection ids; borrowed */
	uint8_t to_len, from_len;
};

static enum type type_of(unsigned first, uint32_t version)
{
	unsigned bits = first >> 4 & 3;

	if (version == 0)
		return TYPE_NEGOTIATION;
	return (enum type)(version == VERSION_2 ? (bits + 3) & 3 : bits);
}

/* Of a long header (RFC 9000 §17.2); false: none. */
static bool read_header(struct cur c, struct header *out)
{
	unsigned first = cur_u8(&c);

	out->version = cur_be32(&c);
	out->type = type_of(first, out->version);
	out->to_len = cur_u8(&c);
	out->to = cur_take(&c, out->to_len);
	out->from_len = cur_u8(&c);
	out->from = cur_take(&c, out->from_len);
	return !c.bad && out->to_len <= ID_MOST && out->from_len <= ID_MOST;
}

static void flight_packet(struct flight *f, uint64_t now_ns)
{
	if (!f->seen)
		*f = (struct flight){.first_ns = now_ns, .seen = true};
	else if (now_ns > f->last_ns + RESENT_NS)
		f->again = true;
	f->last_ns = now_ns;
}

/* From what was sent at `from_ns` to its answer p. */
static void tell(struct measure *g, struct talk *t, const struct packet *p,
	const struct flight *f, uint64_t from_ns)
{
	struct sample s = {
		.ts_ns = p->ts_ns,
		.min_ns = UINT64_MAX,
		.kind = SAMPLE_quic,
		.half = p->dir,
	};

	if (p->ts_ns < from_ns)
		s.reason = REASON_clock;
	else
		s.rtt_ns = p->ts_ns - from_ns;
	if (!s.reason && f->again)
		s.reason = REASON_retransmitted;
	if (!s.reason) {
		t->handshake_us[p->dir] = talk_us(s.rtt_ns);
		t->has_handshake[p->dir] = true;
		s.min_ns = s.rtt_ns;
	}
	measure_sample(g, &s);
}

static void set_id(struct id *id, const uint8_t *bytes, uint8_t len)
{
	memcpy(id->bytes, bytes, len);
	id->len = len;
}

static bool same_id(const struct id *id, const uint8_t *bytes, size_t len)
{
	return id->len == len && memcmp(id->bytes, bytes, len) == 0;
}

/*
 * A hello in several datagrams is answered when it is whole: from the last one. Once
 * more after a Retry, which is an answer too, but none of the handshake.
 */
static void from_server(struct measure *g, struct talk *t, struct quic *q,
	const struct packet *p, const struct header *h)
{
	if (q->stage == STAGE_CLIENT) {
		if (h->type == TYPE_0RTT)
			return;
		if (q->client.seen)
			tell(g, t, p, &q->client, q->client.last_ns);
		if (h->type == TYPE_NEGOTIATION) { /* the client begins anew */
			t->has_handshake[p->dir] = false;
			q->client.seen = false;
			return;
		}
		set_id(&q->server_id, h->from, h->from_len);
		q->server.seen = false;
		q->retried = h->type == TYPE_RETRY;
		q->stage = STAGE_SERVER;
	}
	if (q->stage == STAGE_SERVER)
		flight_packet(&q->server, p->ts_ns);
}

/*
 * Only who got the server's flight has keys for a Handshake packet, or knows another
 * name for the server than the one it made up itself (RFC 9000 §7.2); 0-RTT data and
 * the rest of the first flight do not tell that.
 */
static bool echoes(const struct quic *q, const struct header *h)
{
	if (h->type != TYPE_INITIAL)
		return h->type == TYPE_HANDSHAKE;
	return q->client.named ? !same_id(&q->client_id, h->to, h->to_len)
			       : same_id(&q->server_id, h->to, h->to_len);
}

/* The first packet of a flight is acknowledged at once (RFC 9000 §13.2.1). */
static void server_reached(
	struct measure *g, struct talk *t, struct quic *q, const struct packet *p)
{
	if (q->stage != STAGE_SERVER)
		return;
	tell(g, t, p, &q->server, q->server.first_ns);
	q->stage = STAGE_DONE;
}

static void from_client(struct measure *g, struct talk *t, struct quic *q,
	const struct packet *p, const struct header *h)
{
	if (q->stage == STAGE_SERVER && echoes(q, h)) {
		server_reached(g, t, q, p);
		if (h->type != TYPE_INITIAL || !q->retried)
			return;
		q->client.seen = false;
		q->stage = STAGE_CLIENT;
	}
	if (q->stage != STAGE_CLIENT || h->type != TYPE_INITIAL)
		return;
	flight_packet(&q->client, p->ts_ns);
	set_id(&q->client_id, h->to, h->to_len);
	q->client.named = true;
}

static void short_packet(struct measure *g, struct talk *t, struct quic *q,
	const struct packet *p, bool client)
{
	struct cur c = cur_of(p->payload, p->payload_captured);
	struct spin_packet in = {.p = p, .from_client = client};

	in.bit = cur_u8(&c) & SPIN_BIT;
	if (client) /* it has all keys */
		server_reached(g, t, q, p);
	if (!t->has_handshake[0] || !t->has_handshake[1])
		return;
	in.rtt_ns = ((uint64_t)t->handshake_us[0] + t->handshake_us[1]) * 1000;
	spin_packet(g, t, &q->spin, &in);
}

void quic_packet(
	struct measure *g, struct talk *t, const struct packet *p, unsigned orig)
{
	struct cur c = cur_of(p->payload, p->payload_captured);
	struct quic *q;
	struct header h;

	if (p->fragment == 2 || !cur_left(&c))
		return;
	q = talk_block(g, t);
	if (!q)
		return;
	if (!(c.at[0] & LONG_BIT))
		short_packet(g, t, q, p, p->dir == orig);
	else if (!read_header(c, &h))
		return;
	else if (p->dir == orig)
		from_client(g, t, q, p, &h);
	else
		from_server(g, t, q, p, &h);
}

void quic_hello(struct measure *g, struct talk *t, uint64_t sent_ns)
{
	struct quic *q = talk_block(g, t);

	if (q)
		flight_packet(&q->client, sent_ns);
}
