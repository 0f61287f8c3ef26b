#include "measure/names.h"

#include <assert.h>
#include <string.h>

#include "core/packet.h"
#include "measure/assembly.h"
#include "measure/hello.h"
#include "measure/http.h"
#include "measure/measure.h"
#include "measure/quic_initial.h"

/* STARTTLS comes after about five packets of a greeting and commands, with FTP 20. */
#define LOOKS_MOST      32
#define BINARY_LOOKS    7     /* more for what is no text: no greeting, no commands */
#define INITIALS_MOST   4     /* opened of one datagram */
#define OPENED_A_SECOND 20000 /* datagrams, by their own time */

enum what { /* that a head is the beginning of */
	WHAT_TLS,
	WHAT_HTTP,
	WHAT_SSH,
	WHAT_QUIC,
	WHAT_COUNT,
};

enum reading {
	READ_NONE, /* it is something else */
	READ_MORE, /* it goes on */
	READ_WHOLE,
	READ_AHEAD, /* whole, and something else may follow */
};

enum fact { /* bits of names.facts */
	FACT_CLIENT_HELLO = 1 << 0,
	FACT_SERVER_HELLO = 1 << 1,
	FACT_ORIG_SPOKE = 1 << 2,
	FACT_ORIG_SSH = 1 << 3,
	FACT_ASKED = 1 << 4, /* an HTTP request, no answer yet */
	FACT_RESP_SPOKE = 1 << 5,
};

struct head { /* in POOL_HELLO */
	struct names *owner;
	uint32_t base; /* TCP: sequence number of the first byte */
	uint8_t dir, what;
	struct quic_id id; /* QUIC: destination of the first Initial */
	struct assembly bytes;
};

static struct head *head_of(const struct measure *g, const struct names *n)
{
	return pools_at(&g->pools, POOL_HELLO, n->hello);
}

static void drop_head(struct measure *g, struct names *n)
{
	pools_free(&g->pools, POOL_HELLO, n->hello);
	n->hello = 0;
}

/*
 * When all are taken, the next one in turn is taken away from its owner: who begins
 * many hellos and ends none does not keep others from being read.
 */
static struct head *take_head(struct measure *g, struct names *n)
{
	uint32_t most = g->pools.slab[POOL_HELLO].most;
	struct head *head;

	_Static_assert(sizeof(struct head) <= 4096, "fits into a record of POOL_HELLO");
	n->hello = pools_alloc(&g->pools, POOL_HELLO);
	if (n->hello)
		return head_of(g, n);
	if (most == 0)
		return NULL;
	n->hello = g->hello_turn % most + 1;
	g->hello_turn = n->hello;
	head = head_of(g, n);
	head->owner->hello = 0;
	return head;
}

static void finish(struct measure *g, struct names *n)
{
	drop_head(g, n);
	n->done = 1;
}

static void set(struct measure *g, struct string **name, const void *bytes, size_t len)
{
	if (!*name && len)
		*name = strings_get(&g->strings, bytes, len);
}

/* ---- TLS ---- */

static void set_alpn(struct measure *g, struct names *n, const struct hello *h)
{
	uint8_t list[STRING_MOST];

	set(g, &n->alpn, list, hello_alpn(h, list, sizeof(list)));
}

static enum reading read_client_hello(
	struct measure *g, struct names *n, const uint8_t *message, size_t len)
{
	struct hello h;

	hello_read(&h, message, len);
	set(g, &n->server_name, h.server_name.at, cur_left(&h.server_name));
	set_alpn(g, n, &h);
	return h.whole ? READ_WHOLE : READ_MORE;
}

static enum reading read_tls(
	struct measure *g, struct names *n, const uint8_t *bytes, size_t len)
{
	uint8_t message[ASSEMBLY_MOST];

	if (hello_may_begin(bytes, len))
		return READ_MORE;
	if (hello_type(bytes, len) != HELLO_CLIENT)
		return READ_NONE;
	len = hello_unwrap(bytes, len, message, sizeof(message));
	return read_client_hello(g, n, message, len);
}

/* The protocol that was chosen takes the place of those offered (up to TLS 1.2). */
static void read_server_hello(
	struct measure *g, struct names *n, const uint8_t *bytes, size_t len)
{
	uint8_t message[ASSEMBLY_MOST];
	struct hello h;

	len = hello_unwrap(bytes, len, message, sizeof(message));
	hello_read(&h, message, len);
	if (!cur_left(&h.alpn))
		return;
	strings_drop(&g->strings, n->alpn);
	n->alpn = NULL;
	set_alpn(g, n, &h);
}

static void tls_seen(struct measure *g, struct names *n, enum fact fact)
{
	unsigned both = FACT_CLIENT_HELLO | FACT_SERVER_HELLO;

	n->facts |= (uint8_t)fact;
	if (fact == FACT_CLIENT_HELLO && !n->alpn) /* then none will be chosen */
		n->facts |= FACT_SERVER_HELLO;
	if ((n->facts & both) == both)
		finish(g, n);
}

/* ---- HTTP, SSH ---- */

static enum reading read_http(
	struct measure *g, struct names *n, const uint8_t *bytes, size_t len)
{
	struct cur host;
	enum http_head head = http_request(bytes, len, &host);

	set(g, &n->server_name, host.at, cur_left(&host));
	switch (head) {
	case HTTP_NONE: return READ_NONE;
	case HTTP_MORE: return READ_MORE;
	case HTTP_TUNNEL: return READ_AHEAD;
	default: return READ_WHOLE;
	}
}

/* RFC 4253 §4.2: other lines may come before it. */
static enum reading read_ssh(
	struct measure *g, struct names *n, const uint8_t *bytes, size_t len)
{
	static const char start[] = "SSH-";
	const uint8_t *end = bytes + len, *stop;

	for (; bytes < end; bytes = stop + 1) {
		size_t left = (size_t)(end - bytes);
		size_t most = left < sizeof(start) - 1 ? left : sizeof(start) - 1;
		bool ours = memcmp(bytes, start, most) == 0;

		stop = memchr(bytes, '\n', left);
		if (!stop)
			return ours ? READ_MORE : READ_NONE;
		if (!ours || most < sizeof(start) - 1)
			continue;
		left = (size_t)(stop - bytes);
		if (bytes[left - 1] == '\r')
			left--;
		set(g, &n->banner, bytes, left);
		return READ_WHOLE;
	}
	return READ_NONE;
}

/* ---- TCP ---- */

static enum reading read_as(struct measure *g, struct names *n, enum what what,
	const uint8_t *bytes, size_t len)
{
	switch (what) {
	case WHAT_TLS: return read_tls(g, n, bytes, len);
	case WHAT_HTTP: return read_http(g, n, bytes, len);
	case WHAT_SSH: return read_ssh(g, n, bytes, len);
	default: return READ_NONE;
	}
}

static void head_is_read(struct measure *g, struct names *n, enum what what)
{
	drop_head(g, n);
	if (what == WHAT_TLS)
		tls_seen(g, n, FACT_CLIENT_HELLO);
	else if (what == WHAT_HTTP && !(n->facts & FACT_RESP_SPOKE))
		n->facts |= FACT_ASKED; /* an SSH server may be there nevertheless */
	else
		n->done = 1;
}

static bool is_cut(const struct packet *p)
{
	return p->payload_captured < p->payload_len;
}

static void keep(
	struct measure *g, struct names *n, enum what what, const struct packet *p)
{
	struct head *h;

	if (n->hello) /* of the other direction: what this one says comes too late */
		return;
	h = take_head(g, n);
	if (!h)
		return;
	h->owner = n;
	h->base = p->seq;
	h->dir = p->dir;
	h->what = what;
	assembly_init(&h->bytes);
	assembly_put(&h->bytes, 0, p->payload, p->payload_captured);
}

static void grow(struct measure *g, struct names *n, const struct packet *p)
{
	struct head *h = head_of(g, n);
	unsigned before = h->bytes.ready;
	enum what what = h->what;
	enum reading r;

	assembly_put(&h->bytes, (uint32_t)(p->seq - h->base), p->payload,
		p->payload_captured);
	if (h->bytes.ready == before) {
		n->looked++;
		return;
	}
	r = read_as(g, n, what, h->bytes.bytes, h->bytes.ready);
	if (r == READ_AHEAD)
		drop_head(g, n);
	else if (r != READ_MORE || h->bytes.ready == ASSEMBLY_MOST || is_cut(p))
		head_is_read(g, n, what);
}

static bool may_be(const struct names *n, enum what what, bool from_orig)
{
	if (what == WHAT_HTTP)
		return !n->server_name;
	return what != WHAT_SSH ||
	       (!from_orig && (n->facts & (FACT_ORIG_SSH | FACT_ASKED) ||
				      !(n->facts & FACT_ORIG_SPOKE)));
}

static void note_side(struct names *n, const struct packet *p, bool from_orig)
{
	n->facts |= from_orig ? FACT_ORIG_SPOKE : FACT_RESP_SPOKE;
	if (from_orig && p->payload_captured >= 4 && memcmp(p->payload, "SSH-", 4) == 0)
		n->facts |= FACT_ORIG_SSH;
}

static void take(struct measure *g, struct names *n, enum what what, enum reading r,
	const struct packet *p)
{
	if (r == READ_AHEAD)
		return;
	if (r == READ_WHOLE || is_cut(p))
		head_is_read(g, n, what);
	else
		keep(g, n, what, p);
}

static void look(
	struct measure *g, struct names *n, const struct packet *p, bool from_orig)
{
	bool answer = !from_orig && n->facts & FACT_ASKED;

	n->looked++;
	if (hello_type(p->payload, p->payload_captured) == HELLO_SERVER) {
		read_server_hello(g, n, p->payload, p->payload_captured);
		tls_seen(g, n, FACT_SERVER_HELLO);
		return;
	}
	for (enum what what = 0; what < WHAT_QUIC; what++) {
		enum reading r = READ_NONE;

		if (may_be(n, what, from_orig))
			r = read_as(g, n, what, p->payload, p->payload_captured);
		if (r == READ_NONE)
			continue;
		take(g, n, what, r, p);
		break;
	}
	note_side(n, p, from_orig);
	if (answer && !n->hello)
		n->done = 1;
}

/* ---- QUIC ---- */

/* Of a flood of Initials only so many are opened: 3 µs each, 6 % of a core. */
static bool may_open(struct measure *g, uint64_t now_ns)
{
	uint64_t second = now_ns / 1000000000u;

	if (second != g->quic_second)
		g->quic_opened = 0;
	g->quic_second = second;
	return g->quic_opened++ < OPENED_A_SECOND;
}

/* Adds what the Initial says to the head, which `first` says is empty. */
static void open_initial(struct head *h, const struct quic_initial *i, bool first)
{
	uint8_t plain[QUIC_PLAIN_MOST];
	size_t len = quic_initial_open(i, &i->destination, plain);
	struct cur frames, data;
	uint64_t offset;

	/* Answered clients use the server's id, and the keys stay. */
	if (!len && !first)
		len = quic_initial_open(i, &h->id, plain);
	if (!len)
		return;
	if (first)
		h->id = i->destination;
	frames = cur_of(plain, len);
	while (quic_initial_crypto(&frames, &offset, &data))
		assembly_put(&h->bytes, offset, data.at, cur_left(&data));
}

static void look_quic(struct measure *g, struct names *n, const struct packet *p)
{
	struct head fresh, *h = &fresh;
	struct cur datagram = cur_of(p->payload, p->payload_captured);
	struct quic_initial initial;
	bool first = !n->hello;

	n->looked++;
	if (!quic_initial_begins(p->payload, p->payload_captured, p->payload_len) ||
		!may_open(g, p->ts_ns))
		return;
	if (first)
		assembly_init(&fresh.bytes);
	else
		h = head_of(g, n);
	for (unsigned k = 0;
		k < INITIALS_MOST && quic_initial_next(&datagram, &initial); k++)
		open_initial(h, &initial, first && k == 0);
	if (h->bytes.ready && (read_client_hello(g, n, h->bytes.bytes,
				       h->bytes.ready) == READ_WHOLE ||
				      h->bytes.ready == ASSEMBLY_MOST)) {
		finish(g, n);
		return;
	}
	if (first)
		h = take_head(g, n);
	if (!first || !h)
		return;
	fresh.owner = n;
	fresh.what = WHAT_QUIC;
	*h = fresh;
}

bool names_begin(const struct packet *p)
{
	if (p->kind == PACKET_UDP)
		return quic_initial_begins(
			p->payload, p->payload_captured, p->payload_len);
	return hello_type(p->payload, p->payload_captured) == HELLO_CLIENT ||
	       http_begins(p->payload, p->payload_captured);
}

static bool is_text(const struct packet *p)
{
	for (unsigned i = 0; i < p->payload_captured && i < 8; i++) {
		uint8_t c = p->payload[i];

		if ((c < ' ' && (c < '\t' || c > '\r')) || c > '~')
			return false;
	}
	return true;
}

void names_packet(
	struct measure *g, struct names *n, const struct packet *p, bool from_orig)
{
	if (!p->payload) {
		n->looked++;
	} else if (p->kind == PACKET_UDP) {
		look_quic(g, n, p);
	} else if (n->hello && head_of(g, n)->dir == p->dir) {
		grow(g, n, p);
	} else {
		look(g, n, p, from_orig);
		if (!is_text(p))
			n->looked += BINARY_LOOKS;
	}
	if (n->looked >= LOOKS_MOST)
		finish(g, n);
}

void names_copy(struct names *out, const struct names *n)
{
	*out = *n;
	(void)strings_keep(out->server_name);
	(void)strings_keep(out->alpn);
	(void)strings_keep(out->banner);
	out->hello = 0;
}

void names_done(struct measure *g, struct names *n)
{
	strings_drop(&g->strings, n->server_name);
	strings_drop(&g->strings, n->alpn);
	strings_drop(&g->strings, n->banner);
	drop_head(g, n);
	*n = (struct names){0};
}
