/*
 * Initials of QUIC clients: sealed here with the keys that RFC 9001 appendix A.1 and
 * RFC 9369 appendix A.1 print for the id 8394c8f03e515708.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <nettle/aes.h>
#include <nettle/gcm.h>

#include "core/packet.h"
#include "measure/measure.h"
#include "measure/names.h"
#include "measure/quic_initial.h"
#include "tls_bytes.h"

#define TAG_BYTES 16

struct sealing {
	uint32_t version;
	uint8_t first; /* byte of the header, with a packet number of four bytes */
	uint8_t key[16], iv[12], hp[16];
};

static const struct sealing sealings[] = {
	{1, 0xc3,
		{0x1f, 0x36, 0x96, 0x13, 0xdd, 0x76, 0xd5, 0x46, 0x77, 0x30, 0xef, 0xcb,
			0xe3, 0xb1, 0xa2, 0x2d},
		{0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3, 0xfd, 0x3b, 0x46, 0xfb, 0x25,
			0x5c},
		{0x9f, 0x50, 0x44, 0x9e, 0x04, 0xa0, 0xe8, 0x10, 0x28, 0x3a, 0x1e, 0x99,
			0x33, 0xad, 0xed, 0xd2}},
	{0x6b3343cf, 0xd3,
		{0x8b, 0x1a, 0x0b, 0xc1, 0x21, 0x28, 0x42, 0x90, 0xa2, 0x9e, 0x09, 0x71,
			0xb5, 0xcd, 0x04, 0x5d},
		{0x91, 0xf7, 0x3e, 0x23, 0x51, 0xd8, 0xfa, 0x91, 0x66, 0x0e, 0x90,
			0x9f},
		{0x45, 0xb9, 0x5e, 0x15, 0x23, 0x5d, 0x6f, 0x45, 0xa6, 0xb1, 0x9c, 0xbc,
			0xb0, 0x29, 0x4b, 0xa9}},
};

static const uint8_t id[8] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};

struct datagram {
	uint8_t at[1600];
	size_t len;
};

static void add(struct datagram *d, const void *at, size_t len)
{
	assert_true(d->len + len <= sizeof(d->at));
	memcpy(d->at + d->len, at, len);
	d->len += len;
}

static void add_number(struct datagram *d, unsigned bytes, uint32_t value)
{
	while (bytes--) {
		uint8_t byte = (uint8_t)(value >> 8 * bytes);

		add(d, &byte, 1);
	}
}

/* A CRYPTO frame of a part of the stream. */
static void add_crypto(
	struct datagram *frames, const struct bytes *stream, size_t from, size_t to)
{
	add_number(frames, 1, 6);
	add_number(frames, 2, 0x4000 | (uint32_t)from);
	add_number(frames, 2, 0x4000 | (uint32_t)(to - from));
	add(frames, stream->at + from, to - from);
}

static void add_padding(struct datagram *frames, size_t to)
{
	while (frames->len < to)
		add_number(frames, 1, 0);
}

/* RFC 9001 §5.3, §5.4, with the packet number `number`. */
static void add_initial(struct datagram *d, const struct sealing *s, uint8_t number,
	const struct datagram *frames)
{
	struct gcm_aes128_ctx gcm;
	struct aes128_ctx aes;
	uint8_t iv[12], mask[16];
	size_t start = d->len, at;

	add(d, &s->first, 1);
	add_number(d, 4, s->version);
	add_number(d, 1, sizeof(id));
	add(d, id, sizeof(id));
	add_number(d, 2, 0); /* no source id, no token */
	add_number(d, 2, 0x4000 | (uint32_t)(4 + frames->len + TAG_BYTES));
	at = d->len;
	add_number(d, 4, number);
	memcpy(iv, s->iv, sizeof(iv));
	iv[11] ^= number;
	gcm_aes128_set_key(&gcm, s->key);
	gcm_aes128_set_iv(&gcm, sizeof(iv), iv);
	gcm_aes128_update(&gcm, d->len - start, d->at + start);
	assert_true(d->len + frames->len + TAG_BYTES <= sizeof(d->at));
	gcm_aes128_encrypt(&gcm, frames->len, d->at + d->len, frames->at);
	d->len += frames->len;
	gcm_aes128_digest(&gcm, TAG_BYTES, d->at + d->len);
	d->len += TAG_BYTES;
	aes128_set_encrypt_key(&aes, s->hp);
	aes128_encrypt(&aes, sizeof(mask), mask, d->at + at + 4);
	d->at[start] ^= mask[0] & 0x0f;
	for (unsigned i = 0; i < 4; i++)
		d->at[at + i] ^= mask[1 + i];
}

struct world {
	struct measure g;
	struct names n;
};

static struct world *world_new(void)
{
	static const struct hash_key key = {3, 5};
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(measure_init(&w->g, 1u << 20, &key), 0);
	return w;
}

static void world_free(struct world *w)
{
	names_done(&w->g, &w->n);
	assert_int_equal(w->g.pools.slab[POOL_HELLO].used, 0);
	measure_done(&w->g);
	free(w);
}

static void give(struct world *w, const struct datagram *d)
{
	struct packet p = {.kind = PACKET_UDP,
		.payload = d->at,
		.payload_len = (uint32_t)d->len,
		.payload_captured = (uint32_t)d->len};

	if (names_wanted(&w->n))
		names_packet(&w->g, &w->n, &p, true);
}

static void assert_named(const struct world *w)
{
	assert_non_null(w->n.server_name);
	assert_string_equal(w->n.server_name->text, "quic.example");
	assert_string_equal(w->n.alpn->text, "h3");
	assert_int_equal(w->g.pools.slab[POOL_HELLO].used, 0);
	assert_false(names_wanted(&w->n));
}

static struct datagram whole_hello(const struct sealing *s)
{
	struct bytes hello = tls_client_hello("quic.example", "\x02h3", 200);
	struct datagram frames = {0}, d = {0};

	add_crypto(&frames, &hello, 0, hello.len);
	add_padding(&frames, 1162);
	add_initial(&d, s, 2, &frames);
	bytes_done(&hello);
	return d;
}

/* Also what must not be believed: a bit that was changed, wherever. */
static void one_initial(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(sealings) / sizeof(sealings[0]); i++) {
		struct datagram d = whole_hello(&sealings[i]);
		struct world *w = world_new();

		assert_int_equal(d.len, 1200);
		give(w, &d);
		assert_named(w);
		world_free(w);
		for (size_t at = 0; at < d.len; at += at < 40 ? 1 : 97) {
			d.at[at] ^= 1;
			w = world_new();
			give(w, &d);
			assert_null(w->n.server_name);
			world_free(w);
			d.at[at] ^= 1;
		}
	}
}

/* Two Initials in any order, their frames as well, with others between them. */
static void several_initials(void **state)
{
	struct bytes hello = tls_client_hello("quic.example", "\x02h3", 1200);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const struct sealing *s = &sealings[i & 1];
		struct datagram frames[2] = {0}, d[2] = {0};
		struct world *w = world_new();
		bool turned = i & 2;

		add_crypto(&frames[0], &hello, 700, 900);
		add_number(&frames[0], 1, 1);          /* PING */
		add_number(&frames[0], 4, 0x02000000); /* ACK of 0, */
		add_number(&frames[0], 1, 0);          /* one range */
		add_crypto(&frames[0], &hello, 20, 300);
		add_padding(&frames[0], 600);
		add_crypto(&frames[0], &hello, 0, 25);
		add_crypto(&frames[1], &hello, 900, hello.len);
		add_crypto(&frames[1], &hello, 300, 700);
		for (unsigned k = 0; k < 2; k++) {
			add_padding(&frames[k], 1162);
			add_initial(&d[k], s, (uint8_t)k, &frames[k]);
		}
		give(w, &d[turned]);
		assert_int_equal(w->g.pools.slab[POOL_HELLO].used, 1);
		give(w, &d[turned]); /* sent again */
		give(w, &d[!turned]);
		assert_named(w);
		world_free(w);
	}
	bytes_done(&hello);
}

static void two_in_a_datagram(void **state)
{
	struct bytes hello = tls_client_hello("quic.example", "\x02h3", 300);
	const struct sealing *s = &sealings[0];
	struct datagram frames[2] = {0}, d = {0};
	struct world *w = world_new();

	(void)state;
	add_crypto(&frames[0], &hello, 0, 40);
	add_crypto(&frames[1], &hello, 40, hello.len);
	add_padding(&frames[1], 1080);
	add_initial(&d, s, 0, &frames[0]);
	add_initial(&d, s, 1, &frames[1]);
	assert_true(d.len >= 1200);
	give(w, &d);
	assert_named(w);
	world_free(w);
	bytes_done(&hello);
}

/* Every length of captured bytes; none may be read beyond, none believed before the
 * end. */
static void cut_datagrams(void **state)
{
	struct datagram d = whole_hello(&sealings[0]);

	(void)state;
	for (size_t len = 0; len < d.len; len++) {
		uint8_t *copy = malloc(len ? len : 1);
		struct packet p = {.kind = PACKET_UDP,
			.payload = len ? copy : NULL,
			.payload_len = (uint32_t)d.len,
			.payload_captured = (uint32_t)len};
		struct world *w = world_new();

		assert_non_null(copy);
		memcpy(copy, d.at, len);
		names_packet(&w->g, &w->n, &p, true);
		assert_null(w->n.server_name);
		world_free(w);
		free(copy);
	}
}

/* A flood costs a bounded part of each second. */
static void floods(void **state)
{
	struct datagram d = whole_hello(&sealings[0]);
	struct world *w = world_new();
	struct packet p = {.kind = PACKET_UDP,
		.payload = d.at,
		.payload_len = (uint32_t)d.len,
		.payload_captured = (uint32_t)d.len};
	unsigned named = 0;

	(void)state;
	for (unsigned i = 0; i < 30000; i++) {
		struct names n = {0};

		p.ts_ns = i;
		names_packet(&w->g, &n, &p, true);
		named += n.server_name != NULL;
		names_done(&w->g, &n);
	}
	assert_int_equal(named, 20000);
	p.ts_ns = 1000000000;
	names_packet(&w->g, &w->n, &p, true);
	assert_named(w);
	world_free(w);
}

static void first_packets(void **state)
{
	struct datagram d = whole_hello(&sealings[1]);

	(void)state;
	assert_true(quic_initial_begins(d.at, d.len, d.len));
	assert_true(quic_initial_begins(d.at, 64, d.len)); /* captured in part */
	assert_false(quic_initial_begins(d.at, d.len, 1199));
	d.at[1] ^= 0x10; /* another version */
	assert_false(quic_initial_begins(d.at, d.len, d.len));
	d.at[1] ^= 0x10;
	d.at[0] ^= 0x80; /* short header */
	assert_false(quic_initial_begins(d.at, d.len, d.len));
	d.at[0] ^= 0xa0; /* of version 2: Handshake */
	assert_false(quic_initial_begins(d.at, d.len, d.len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_initial),
		cmocka_unit_test(several_initials),
		cmocka_unit_test(two_in_a_datagram),
		cmocka_unit_test(cut_datagrams),
		cmocka_unit_test(floods),
		cmocka_unit_test(first_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
