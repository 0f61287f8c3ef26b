/*
 * Names: the input is a list of packets of six connections that share two heads; each
 * payload is also given to the parsers by itself. Names must be clean and bounded, and
 * everything that was taken must be given back.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/packet.h"
#include "measure/assembly.h"
#include "measure/hello.h"
#include "measure/http.h"
#include "measure/measure.h"
#include "measure/names.h"
#include "measure/quic_initial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TALKS        6
#define HEADER_BYTES 4 /* talk and flags, offset / 16, length (little-endian) */
#define MEMORY_BYTES (1u << 17)

enum { /* flags */
	FROM_RESPONDER = 8,
	DATAGRAM = 16,
	PADDED = 32, /* the datagram has more bytes than were captured */
	GAP = 64,    /* offset counts from there, not from the bytes before */
};

struct talk {
	struct names names;
	uint32_t next[2];
};

static void check_text(const struct string *s)
{
	size_t at = 0;

	if (!s)
		return;
	assert(s->len == strlen(s->text) && s->len > 0);
	while (at < s->len) {
		uint32_t code = 0;
		size_t n = text_utf8(s->text + at, s->len - at, &code);

		assert(n && text_printable((uint32_t)code));
		at += n;
	}
}

static void check(const struct measure *g, const struct talk talks[TALKS])
{
	uint32_t heads = 0;

	for (unsigned i = 0; i < TALKS; i++) {
		const struct names *n = &talks[i].names;

		check_text(n->server_name);
		check_text(n->alpn);
		check_text(n->banner);
		assert(!n->done || !n->hello);
		heads += n->hello != 0;
	}
	assert(heads == g->pools.slab[POOL_HELLO].used);
}

static void within(const struct cur *c, const uint8_t *data, size_t size)
{
	assert(!cur_left(c) || (c->at >= data && c->end <= data + size));
}

/* The plain text of an Initial, which nobody can forge from outside. */
static void frames(const uint8_t *data, size_t size)
{
	struct cur c = cur_of(data, size), part;
	struct assembly *a = malloc(sizeof(*a));
	struct hello h;
	uint64_t offset;

	assert(a);
	assembly_init(a);
	while (quic_initial_crypto(&c, &offset, &part)) {
		within(&part, data, size);
		assembly_put(a, offset, part.at, cur_left(&part));
	}
	assert(a->ready <= ASSEMBLY_MOST);
	hello_read(&h, a->bytes, a->ready);
	free(a);
}

static void parsers(const uint8_t *data, size_t size)
{
	struct cur host, datagram = cur_of(data, size);
	struct quic_initial initial;
	uint8_t list[STRING_MOST], message[512];
	struct hello h;

	(void)http_request(data, size, &host);
	within(&host, data, size);
	assert(hello_unwrap(data, size, message, sizeof(message)) <= sizeof(message));
	hello_read(&h, data, size);
	within(&h.server_name, data, size);
	assert(hello_alpn(&h, list, sizeof(list)) <= sizeof(list));
	while (quic_initial_next(&datagram, &initial))
		within(&initial.packet, data, size);
	frames(data, size);
}

static void give(struct measure *g, struct talk *t, const uint8_t *head,
	const uint8_t *payload, size_t len)
{
	unsigned dir = (head[0] & FROM_RESPONDER) != 0;
	struct packet p = {
		.kind = head[0] & DATAGRAM ? PACKET_UDP : PACKET_TCP,
		.dir = (uint8_t)dir,
		.seq = (head[0] & GAP ? 0 : t->next[dir]) + head[1] * 16u,
		.payload = len ? payload : NULL,
		.payload_captured = (uint32_t)len,
		.payload_len = (uint32_t)len + (head[0] & PADDED ? 1200 : 0),
	};

	(void)names_begin(&p);
	t->next[dir] = p.seq + (uint32_t)len;
	if (names_wanted(&t->names))
		names_packet(g, &t->names, &p, dir == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hash_key key = {1, 2};
	struct talk talks[TALKS] = {0};
	struct names copy;
	struct measure g;

	if (measure_init(&g, MEMORY_BYTES, &key) < 0)
		return 0;
	while (size >= HEADER_BYTES) {
		const uint8_t *head = data;
		size_t len = (size_t)head[2] | (size_t)head[3] << 8;
		uint8_t *payload;

		data += HEADER_BYTES;
		size -= HEADER_BYTES;
		if (len > size)
			len = size;
		payload = malloc(len ? len : 1); /* its end is where it ends */
		assert(payload);
		memcpy(payload, data, len);
		parsers(payload, len);
		give(&g, &talks[(head[0] & 7) % TALKS], head, payload, len);
		check(&g, talks);
		free(payload);
		data += len;
		size -= len;
	}
	names_copy(&copy, &talks[0].names);
	for (unsigned i = 0; i < TALKS; i++)
		names_done(&g, &talks[i].names);
	check_text(copy.server_name);
	names_done(&g, &copy);
	assert(g.pools.slab[POOL_HELLO].used == 0);
	assert(g.pools.slab[POOL_STRING32].used == 0);
	assert(g.pools.slab[POOL_STRING288].used == 0);
	measure_done(&g);
	return 0;
}
