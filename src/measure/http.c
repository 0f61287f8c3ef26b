#include "measure/http.h"

#include <string.h>
#include <strings.h>

#define METHOD_MOST 20
#define VERSION     " HTTP/1." /* and one digit */

static bool is_letter(uint8_t c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Without the end of line; false: it is not whole. */
static bool take_line(struct cur *c, struct cur *out)
{
	size_t left = cur_left(c);
	const uint8_t *end = left ? memchr(c->at, '\n', left) : NULL;

	if (!end)
		return false;
	*out = cur_of(c->at, (size_t)(end - c->at));
	if (cur_left(out) && out->end[-1] == '\r')
		out->end--;
	c->at = end + 1;
	return true;
}

/* Takes the method and the space behind it. */
static bool take_method(struct cur *line, struct cur *out)
{
	size_t n = 0, left = cur_left(line);

	while (n < left && n <= METHOD_MOST &&
		(is_letter(line->at[n]) || line->at[n] == '-' || line->at[n] == '_'))
		n++;
	if (n == 0 || n == left || n > METHOD_MOST || line->at[n] != ' ')
		return false;
	*out = cur_of(line->at, n);
	line->at += n + 1;
	return true;
}

static bool is_version(const uint8_t *at, size_t len)
{
	return len == sizeof(VERSION) &&
	       memcmp(at, VERSION, sizeof(VERSION) - 1) == 0 && is_digit(at[len - 1]);
}

/*
 * " HTTP/1.1" at the end is the proof, unless the method is one (servers answer such
 * requests as well); a line that goes on must look like a target.
 */
static bool take_target(struct cur *line, bool whole, bool known)
{
	size_t len = cur_left(line);
	const uint8_t *space = len ? memchr(line->at, ' ', len) : NULL;

	if (whole) {
		if (len < sizeof(VERSION) ||
			!is_version(line->end - sizeof(VERSION), sizeof(VERSION)))
			return known;
		line->end -= sizeof(VERSION);
		return true;
	}
	for (const uint8_t *at = line->at; at < (space ? space : line->end); at++)
		if (*at <= ' ' || *at == 0x7f)
			return false;
	if (!space)
		return true;
	len = (size_t)(line->end - space);
	if (len && line->end[-1] == '\r')
		len--;
	return len < sizeof(VERSION) ? memcmp(space, VERSION, len) == 0
				     : is_version(space, len);
}

static struct cur without_port(struct cur c)
{
	const uint8_t *end = c.end;

	if (cur_left(&c) && c.at[0] == '[') {
		const uint8_t *bracket = memchr(c.at, ']', cur_left(&c));

		return bracket ? cur_of(c.at + 1, (size_t)(bracket - c.at - 1)) : c;
	}
	while (end > c.at && is_digit(end[-1]))
		end--;
	if (end > c.at && end[-1] == ':')
		c.end = end - 1;
	return c;
}

/* host:port, the end of what names it at `/`, `?` or `#`; before an @ is a user. */
static struct cur authority(struct cur c)
{
	for (const uint8_t *at = c.at; at < c.end; at++)
		if (*at == '/' || *at == '?' || *at == '#' || *at == ' ')
			c.end = at;
	for (const uint8_t *at = c.at; at < c.end; at++)
		if (*at == '@')
			c.at = at + 1;
	return without_port(c);
}

static bool is_connect(const struct cur *method)
{
	return cur_left(method) == 7 && memcmp(method->at, "CONNECT", 7) == 0;
}

/* http://host…, or the target of CONNECT: it has precedence (RFC 9112 §3.2.2). */
static struct cur host_of_target(const struct cur *method, struct cur target)
{
	const uint8_t *at = target.at;

	if (is_connect(method))
		return authority(target);
	while (at < target.end && is_letter(*at))
		at++;
	if (at == target.at || target.end - at < 3 || memcmp(at, "://", 3) != 0)
		return (struct cur){0};
	target.at = at + 3;
	return authority(target);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* The value of a Host field. */
static bool host_of_field(struct cur line, struct cur *out)
{
	if (cur_left(&line) < 5 || strncasecmp((const char *)line.at, "host:", 5) != 0)
		return false;
	line.at += 5;
	while (cur_left(&line) && is_blank(*line.at))
		line.at++;
	while (cur_left(&line) && is_blank(line.end[-1]))
		line.end--;
	*out = without_port(line);
	return true;
}

enum http_head http_request(const void *bytes, size_t len, struct cur *host)
{
	struct cur c = cur_of(bytes, len), line, method;
	bool whole;

	*host = (struct cur){0};
	whole = take_line(&c, &line);
	if (!whole)
		line = c;
	if (!take_method(&line, &method) ||
		!take_target(&line, whole, http_begins(bytes, len)))
		return HTTP_NONE;
	if (!whole)
		return HTTP_MORE;
	*host = host_of_target(&method, line);
	if (cur_left(host))
		return is_connect(&method) ? HTTP_TUNNEL : HTTP_WHOLE;
	while (take_line(&c, &line))
		if (cur_left(&line) == 0 || host_of_field(line, host))
			return HTTP_WHOLE;
	return HTTP_MORE;
}

bool http_begins(const void *bytes, size_t len)
{
	static const struct {
		uint8_t len;
		char text[9];
	} methods[] = {{4, "GET "}, {5, "POST "}, {5, "HEAD "}, {4, "PUT "},
		{7, "DELETE "}, {8, "OPTIONS "}, {6, "PATCH "}, {6, "TRACE "},
		{8, "CONNECT "}};
	const uint8_t *at = bytes;

	if (len == 0 || *at < 'C' || *at > 'T')
		return false;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (len >= methods[i].len && *at == (uint8_t)methods[i].text[0] &&
			memcmp(at, methods[i].text, methods[i].len) == 0)
			return true;
	return false;
}
