#include "measure/hello.h"

#include <string.h>

#define MESSAGE_HEADER_BYTES 4 /* type, 24 bits of length */
#define RANDOM_BYTES         32
#define RECORD_HEADER_BYTES  5              /* type, version, 16 bits of length */
#define RECORD_MOST          (16384 + 2048) /* RFC 5246 §6.2.3 */

enum extension {
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_ALPN = 16,
};

enum hello_type hello_type(const void *bytes, size_t len)
{
	struct cur c = cur_of(bytes, len), body;
	unsigned type = hello_record(&c, &body);

	if (type == RECORD_ALERT) /* "unrecognized name" may come first: RFC 6066 §3 */
		type = hello_record(&c, &body);
	if (type != RECORD_HANDSHAKE)
		return HELLO_NONE;
	type = cur_u8(&body);
	return type == HELLO_CLIENT || type == HELLO_SERVER ? type : HELLO_NONE;
}

bool hello_may_begin(const uint8_t *bytes, size_t len)
{
	return len > 0 && len < RECORD_HEADER_BYTES + 1 &&
	       bytes[0] == RECORD_HANDSHAKE && (len < 2 || bytes[1] == 3) &&
	       (len < 3 || bytes[2] <= 4);
}

unsigned hello_record(struct cur *c, struct cur *body)
{
	unsigned type = cur_u8(c), major = cur_u8(c), minor = cur_u8(c);
	unsigned len = cur_be16(c);

	if (c->bad || type < RECORD_CIPHER_SPEC || type > RECORD_DATA || major != 3 ||
		minor > 4 || len == 0 || len > RECORD_MOST)
		return 0;
	*body = *c;
	cur_limit(body, len);
	cur_skip(c, len);
	return type;
}

size_t hello_unwrap(const void *bytes, size_t len, uint8_t *out, size_t most)
{
	struct cur c = cur_of(bytes, len), body;
	size_t at = 0;

	while (!c.bad) {
		unsigned type = hello_record(&c, &body);
		size_t part;

		if (type == RECORD_ALERT && at == 0)
			continue;
		if (type != RECORD_HANDSHAKE)
			break;
		part = cur_left(&body);
		if (part > most - at)
			part = most - at;
		cur_copy(&body, out + at, part);
		at += part;
	}
	return at;
}

/* A part with its length before it: as it is, or as much as there is of it. */
static struct cur part(struct cur *c, size_t len)
{
	struct cur body = *c;

	cur_limit(&body, len);
	cur_skip(c, len);
	body.bad = c->bad;
	return body;
}

/* RFC 6066 §3: a list of names, of which only host names (0) exist. */
static struct cur server_name(struct cur c)
{
	struct cur list = part(&c, cur_be16(&c)), name;

	while (cur_left(&list)) {
		unsigned type = cur_u8(&list);

		name = part(&list, cur_be16(&list));
		if (name.bad)
			break;
		if (type == 0)
			return name;
	}
	return (struct cur){0};
}

static struct cur protocols(struct cur c)
{
	struct cur list = part(&c, cur_be16(&c));

	return list.bad ? (struct cur){0} : list;
}

static void read_extensions(struct hello *out, struct cur c)
{
	while (cur_left(&c)) {
		unsigned type = cur_be16(&c);
		struct cur body = part(&c, cur_be16(&c));

		if (body.bad)
			return;
		if (type == EXTENSION_SERVER_NAME && !cur_left(&out->server_name))
			out->server_name = server_name(body);
		else if (type == EXTENSION_ALPN && !cur_left(&out->alpn))
			out->alpn = protocols(body);
	}
}

void hello_read(struct hello *out, const void *message, size_t len)
{
	struct cur c = cur_of(message, len), rest;
	unsigned type = cur_u8(&c);
	size_t size = cur_be24(&c);

	*out = (struct hello){.whole = len >= MESSAGE_HEADER_BYTES + size};
	if (type != HELLO_CLIENT && type != HELLO_SERVER)
		return;
	cur_limit(&c, size);
	cur_skip(&c, 2 + RANDOM_BYTES);
	cur_skip(&c, cur_u8(&c)); /* session id */
	if (type == HELLO_CLIENT) {
		cur_skip(&c, cur_be16(&c)); /* cipher suites */
		cur_skip(&c, cur_u8(&c));   /* compression methods */
	} else {
		cur_skip(&c, 3);
	}
	rest = part(&c, cur_be16(&c));
	rest.bad = false; /* what is there is read */
	read_extensions(out, rest);
}

size_t hello_alpn(const struct hello *h, uint8_t *out, size_t most)
{
	struct cur list = h->alpn;
	size_t at = 0;

	while (cur_left(&list)) {
		size_t len = cur_u8(&list), comma = at > 0;
		const uint8_t *name = cur_take(&list, len);

		if (!name || len + comma > most - at)
			break;
		if (comma)
			out[at++] = ',';
		memcpy(out + at, name, len);
		at += len;
	}
	return at;
}
