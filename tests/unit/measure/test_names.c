/* What the first bytes of a connection say, however they are cut into packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/packet.h"
#include "measure/measure.h"
#include "measure/names.h"
#include "tls_bytes.h"

/* Record, message, version and random, session, suites, compression, extensions, name
 */
#define NAME_ENDS (5 + 4 + 34 + 9 + 6 + 2 + 2 + 9 + 11)
#define ISN       0xffffff80u /* numbers wrap in the middle of a hello */

static const struct hash_key key = {3, 5};

struct world {
	struct measure g;
	struct names n;
};

static struct world *world_new(uint64_t memory_bytes)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(measure_init(&w->g, memory_bytes, &key), 0);
	return w;
}

static void world_free(struct world *w)
{
	names_done(&w->g, &w->n);
	assert_int_equal(w->g.pools.slab[POOL_HELLO].used, 0);
	assert_int_equal(w->g.pools.slab[POOL_STRING32].used, 0);
	assert_int_equal(w->g.pools.slab[POOL_STRING288].used, 0);
	measure_done(&w->g);
	free(w);
}

/* A segment; the bytes lie in memory of their own size, so that tools see reads beyond.
 */
static void segment(struct world *w, struct names *n, unsigned dir, uint32_t at,
	const struct bytes *part)
{
	uint8_t *copy = malloc(part->len ? part->len : 1);
	struct packet p = {.kind = PACKET_TCP,
		.dir = (uint8_t)dir,
		.seq = ISN + at,
		.payload_len = (uint32_t)part->len,
		.payload_captured = (uint32_t)part->len};

	assert_non_null(copy);
	memcpy(copy, part->at, part->len);
	p.payload = copy;
	if (names_wanted(n))
		names_packet(&w->g, n, &p, dir == 0);
	free(copy);
}

static void said(struct world *w, unsigned dir, const char *text)
{
	struct bytes b = bytes_of(text, strlen(text));

	segment(w, &w->n, dir, 0, &b);
}

static void part_of(struct world *w, const struct bytes *b, size_t from, size_t to)
{
	struct bytes part = bytes_of(b->at + from, to - from);

	segment(w, &w->n, 0, (uint32_t)from, &part);
}

static const char *text(const struct string *s)
{
	return s ? s->text : "-";
}

static void assert_names(const struct names *n, const char *server_name,
	const char *alpn, const char *banner)
{
	assert_string_equal(text(n->server_name), server_name);
	assert_string_equal(text(n->alpn), alpn);
	assert_string_equal(text(n->banner), banner);
}

/* ---- TLS ---- */

static struct bytes client_hello(unsigned record_bytes)
{
	struct bytes message = tls_client_hello(
		"example.com", "\x02h2\x08http/1.1", 300);

	return tls_records(&message, record_bytes);
}

/* In records of any size, cut into two segments anywhere, in both orders of the rest.
 */
static void hello_in_pieces(void **state)
{
	static const unsigned records[] = {16384, 100, 37, 5};

	(void)state;
	for (unsigned i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct bytes b = client_hello(records[i]);

		for (size_t cut = 1; cut <= b.len; cut++) {
			struct world *w = world_new(1u << 20);

			part_of(w, &b, 0, cut);
			part_of(w, &b, cut, b.len);
			assert_names(&w->n, "example.com", "h2,http/1.1", "-");
			assert_int_equal(w->g.pools.slab[POOL_HELLO].used, 0);
			world_free(w);
		}
		bytes_done(&b);
	}
}

static void hello_byte_by_byte(void **state)
{
	struct bytes b = client_hello(16384);
	struct world *w = world_new(1u << 20);

	(void)state;
	for (size_t at = 0; at < b.len; at++)
		part_of(w, &b, at, at + 1);
	assert_names(&w->n, "example.com", "h2,http/1.1", "-");
	world_free(w);
	w = world_new(1u << 20);
	part_of(w, &b, 0, 50);
	for (size_t at = b.len; at > 300; at -= at > 310 ? 10 : at - 300)
		part_of(w, &b, at > 310 ? at - 10 : 300, at);
	part_of(w, &b, 50, 310); /* fills the gap, and says again what is known */
	assert_names(&w->n, "example.com", "h2,http/1.1", "-");
	world_free(w);
	bytes_done(&b);
}

/* What there is of a hello that the capture cut is said, and nothing is waited for. */
static void hello_cut(void **state)
{
	struct bytes b = client_hello(16384);

	(void)state;
	for (size_t cut = 0; cut <= b.len; cut++) {
		struct world *w = world_new(1u << 20);
		struct packet p = {.kind = PACKET_TCP,
			.payload_len = (uint32_t)b.len,
			.payload_captured = (uint32_t)cut,
			.payload = cut ? b.at : NULL};
		const char *name, *alpn;

		names_packet(&w->g, &w->n, &p, true);
		assert_int_equal(w->g.pools.slab[POOL_HELLO].used, 0);
		name = text(w->n.server_name);
		alpn = text(w->n.alpn);
		assert_true(!strcmp(alpn, "-") || !strcmp(alpn, "h2,http/1.1"));
		assert_string_equal(name, cut < NAME_ENDS ? "-" : "example.com");
		if (cut == b.len)
			assert_names(&w->n, "example.com", "h2,http/1.1", "-");
		world_free(w);
	}
	bytes_done(&b);
}

static void answer(struct world *w, const char *alpn)
{
	struct bytes message = tls_server_hello(alpn), b = tls_records(&message, 16384);

	segment(w, &w->n, 1, 0, &b);
	bytes_done(&b);
}

static void chosen_protocol(void **state)
{
	struct bytes b = client_hello(16384);
	struct world *w = world_new(1u << 20);

	(void)state;
	part_of(w, &b, 0, b.len);
	assert_true(names_wanted(&w->n));
	answer(w, "\x08http/1.1");
	assert_names(&w->n, "example.com", "http/1.1", "-");
	assert_false(names_wanted(&w->n));
	world_free(w);
	w = world_new(1u << 20);
	part_of(w, &b, 0, b.len);
	answer(w, NULL); /* TLS 1.3 says it in secret */
	assert_names(&w->n, "example.com", "h2,http/1.1", "-");
	assert_false(names_wanted(&w->n));
	world_free(w);
	bytes_done(&b);
}

static void after_starttls(void **state)
{
	struct bytes b = client_hello(16384);
	struct world *w = world_new(1u << 20);

	(void)state;
	said(w, 1, "220 mail.example.net ESMTP\r\n");
	said(w, 0, "EHLO me\r\n");
	said(w, 1, "250-mail\r\n250 STARTTLS\r\n");
	said(w, 0, "STARTTLS\r\n");
	said(w, 1, "220 go ahead\r\n");
	assert_true(names_wanted(&w->n));
	part_of(w, &b, 0, b.len);
	assert_names(&w->n, "example.com", "h2,http/1.1", "-");
	world_free(w);
	bytes_done(&b);
}

/* Who says nothing of interest is left alone soon; empty hellos hold no memory. */
static void nothing_of_interest(void **state)
{
	struct world *w = world_new(1u << 20);

	(void)state;
	for (unsigned i = 0; i < 32 && names_wanted(&w->n); i++)
		said(w, i & 1, "\x01\x02\x03\x04 and more");
	assert_false(names_wanted(&w->n));
	assert_names(&w->n, "-", "-", "-");
	world_free(w);
	w = world_new(1u << 20);
	said(w, 0, "GET /never-ends");
	assert_int_equal(w->g.pools.slab[POOL_HELLO].used, 1);
	for (unsigned i = 0; i < 32 && names_wanted(&w->n); i++)
		said(w, 1, "\x01\x02\x03\x04 and more");
	assert_int_equal(w->g.pools.slab[POOL_HELLO].used, 0);
	world_free(w);
}

/* When all heads are taken, the oldest one goes: others cannot be kept out. */
static void heads_are_taken_in_turn(void **state)
{
	struct world *w = world_new(1u << 17);
	uint32_t most = w->g.pools.slab[POOL_HELLO].most;
	struct bytes b = client_hello(16384), first = bytes_of(b.at, 200),
		     rest = bytes_of(b.at + 200, b.len - 200);
	struct names n[64] = {0};

	(void)state;
	assert_in_range(most, 2, 63);
	for (uint32_t i = 0; i <= most; i++)
		segment(w, &n[i], 0, 0, &first);
	assert_int_equal(n[0].hello, 0);
	for (uint32_t i = 0; i <= most; i++) {
		segment(w, &n[i], 0, 200, &rest);
		assert_names(&n[i], "example.com", i ? "h2,http/1.1" : "-", "-");
	}
	for (uint32_t i = 0; i <= most; i++)
		names_done(&w->g, &n[i]);
	world_free(w);
	bytes_done(&b);
}

/* ---- HTTP, SSH ---- */

struct request {
	const char *head, *host;
};

static const struct request requests[] = {
	{"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", "example.com"},
	{"GET / HTTP/1.0\nhOsT:\t example.com:8080 \nA: b\n\n", "example.com"},
	{"POST /x HTTP/1.1\r\nA: Host: no\r\nHost: [2001:db8::1]:80\r\n\r\n",
		"2001:db8::1"},
	{"GET http://a.example:81/b?c HTTP/1.1\r\nHost: other\r\n\r\n", "a.example"},
	{"GET http://user:pw@a.example HTTP/1.1\r\nHost: other\r\n\r\n", "a.example"},
	{"GET /?u=http://x.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", "b.example"},
	{"CONNECT c.example:443 HTTP/1.1\r\nHost: other\r\n\r\n", "c.example"},
	{"M-SEARCH * HTTP/1.1\r\nHost: d.example\r\n\r\n", "d.example"},
	{"GET / HTTP/1.1\r\n\r\nHost: body\r\n\r\n", "-"},
	{"GET / HTTP/1.1\r\nHost:\r\n\r\n", "-"},
	{"GET /\r\n", "-"},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "-"},
	{"HELO example.com\r\nHost: no\r\n\r\n", "-"},
	{"HTTP/1.1 200 OK\r\nHost: no\r\n\r\n", "-"},
};

/* Cut behind the method, which alone tells a request from other text. */
static void request_in_pieces(const struct request *r)
{
	struct bytes b = bytes_of(r->head, strlen(r->head));

	for (size_t cut = b.len; cut > 10; cut--) {
		struct world *w = world_new(1u << 20);

		part_of(w, &b, 0, cut);
		part_of(w, &b, cut, b.len);
		if (strcmp(text(w->n.server_name), r->host) != 0)
			fail_msg("%s cut at %zu: %s", r->head, cut,
				text(w->n.server_name));
		world_free(w);
	}
}

static void requests_in_pieces(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		request_in_pieces(&requests[i]);
}

static void name_in_a_tunnel(void **state)
{
	struct bytes b = client_hello(16384);
	struct world *w = world_new(1u << 20);

	(void)state;
	said(w, 0, "CONNECT proxied.example:443 HTTP/1.1\r\n\r\n");
	said(w, 1, "HTTP/1.1 200 OK\r\n\r\n");
	part_of(w, &b, 0, b.len);
	assert_names(&w->n, "proxied.example", "h2,http/1.1", "-");
	world_free(w);
	bytes_done(&b);
}

static void banners(void **state)
{
	struct world *w = world_new(1u << 20);

	(void)state;
	said(w, 0, "SSH-2.0-client\r\n");
	said(w, 1, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
	assert_names(&w->n, "-", "-", "SSH-2.0-OpenSSH_9.2p1 Debian-2");
	assert_false(names_wanted(&w->n));
	world_free(w);
	w = world_new(1u << 20); /* other lines before it, and it comes in two */
	said(w, 1, "Welcome\r\nto SSH-land\r\nSSH-2.0-");
	assert_names(&w->n, "-", "-", "-");
	world_free(w);
	w = world_new(1u << 20); /* who asks the wrong server */
	said(w, 0, "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
	said(w, 1, "SSH-1.99-x\n");
	assert_names(&w->n, "example.com", "-", "SSH-1.99-x");
	world_free(w);
	w = world_new(1u << 20); /* a page that quotes one */
	said(w, 0, "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
	said(w, 1, "HTTP/1.1 200 OK\r\n\r\n");
	said(w, 1, "SSH-2.0-quoted\r\n");
	assert_names(&w->n, "example.com", "-", "-");
	world_free(w);
}

static void banner_in_pieces(void **state)
{
	static const char line[] = "hello\nSSH-2.0-a b\r\n";

	(void)state;
	for (size_t cut = 6; cut < sizeof(line) - 1; cut++) {
		struct world *w = world_new(1u << 20);
		struct bytes a = bytes_of(line, cut),
			     b = bytes_of(line + cut, sizeof(line) - 1 - cut);

		segment(w, &w->n, 1, 0, &a);
		segment(w, &w->n, 1, (uint32_t)cut, &b);
		assert_names(&w->n, "-", "-", "SSH-2.0-a b");
		world_free(w);
	}
}

static void copies(void **state)
{
	struct world *w = world_new(1u << 20);
	struct names copy;

	(void)state;
	said(w, 0, "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
	names_copy(&copy, &w->n);
	names_done(&w->g, &w->n);
	assert_names(&copy, "example.com", "-", "-");
	names_done(&w->g, &copy);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_in_pieces),
		cmocka_unit_test(hello_byte_by_byte),
		cmocka_unit_test(hello_cut),
		cmocka_unit_test(chosen_protocol),
		cmocka_unit_test(after_starttls),
		cmocka_unit_test(nothing_of_interest),
		cmocka_unit_test(heads_are_taken_in_turn),
		cmocka_unit_test(requests_in_pieces),
		cmocka_unit_test(name_in_a_tunnel),
		cmocka_unit_test(banners),
		cmocka_unit_test(banner_in_pieces),
		cmocka_unit_test(copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
