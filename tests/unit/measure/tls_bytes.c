#include "tls_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ROOM 8192

struct bytes bytes_of(const void *at, size_t len)
{
	struct bytes b = {.len = len};

	memcpy(&b.at, &at, sizeof(at)); /* only read through it */
	return b;
}

void bytes_done(struct bytes *b)
{
	free(b->at);
	*b = (struct bytes){0};
}

static struct bytes made(void)
{
	struct bytes b = {.at = malloc(ROOM)};

	assert_non_null(b.at);
	return b;
}

static void add(struct bytes *b, const void *at, size_t len)
{
	assert_true(b->len + len <= ROOM);
	memcpy(b->at + b->len, at, len);
	b->len += len;
}

static void number(struct bytes *b, unsigned bytes, size_t value)
{
	while (bytes--) {
		uint8_t byte = (uint8_t)(value >> 8 * bytes);

		add(b, &byte, 1);
	}
}

static void filler(struct bytes *b, size_t len)
{
	while (len--)
		number(b, 1, 0xa5);
}

/* The length before what was added since. */
static void close(struct bytes *b, size_t at, unsigned bytes)
{
	size_t len = b->len - at - bytes;

	for (unsigned i = 0; i < bytes; i++)
		b->at[at + i] = (uint8_t)(len >> 8 * (bytes - 1 - i));
}

static size_t open(struct bytes *b, unsigned bytes)
{
	size_t at = b->len;

	number(b, bytes, 0);
	return at;
}

static void add_name(struct bytes *b, const char *name)
{
	size_t len = strlen(name);

	number(b, 2, 0);
	number(b, 2, len + 5);
	number(b, 2, len + 3);
	number(b, 1, 0);
	number(b, 2, len);
	add(b, name, len);
}

static void add_alpn(struct bytes *b, const char *alpn)
{
	size_t len = strlen(alpn);

	number(b, 2, 16);
	number(b, 2, len + 2);
	number(b, 2, len);
	add(b, alpn, len);
}

static struct bytes hello_start(unsigned type)
{
	struct bytes b = made();

	number(&b, 1, type);
	number(&b, 3, 0);
	number(&b, 2, 0x0303);
	filler(&b, 32);
	number(&b, 1, 8);
	filler(&b, 8);
	return b;
}

struct bytes tls_client_hello(const char *name, const char *alpn, size_t more)
{
	struct bytes b = hello_start(1);
	size_t at;

	number(&b, 2, 4);
	number(&b, 4, 0x1301c02f);
	number(&b, 2, 0x0100); /* one compression method: none */
	at = open(&b, 2);
	add_name(&b, name);
	number(&b, 2, 51); /* key_share */
	number(&b, 2, more);
	filler(&b, more);
	if (alpn)
		add_alpn(&b, alpn);
	close(&b, at, 2);
	close(&b, 1, 3);
	return b;
}

struct bytes tls_server_hello(const char *alpn)
{
	struct bytes b = hello_start(2);
	size_t at;

	number(&b, 2, 0xc02f);
	number(&b, 1, 0);
	at = open(&b, 2);
	number(&b, 4, 0xff010001); /* renegotiation_info */
	number(&b, 1, 0);
	if (alpn)
		add_alpn(&b, alpn);
	close(&b, at, 2);
	close(&b, 1, 3);
	return b;
}

struct bytes tls_records(struct bytes *message, size_t most)
{
	struct bytes b = made();

	for (size_t at = 0; at < message->len;) {
		size_t part = message->len - at < most ? message->len - at : most;

		number(&b, 1, 22);
		number(&b, 2, 0x0301);
		number(&b, 2, part);
		add(&b, message->at + at, part);
		at += part;
	}
	bytes_done(message);
	return b;
}
