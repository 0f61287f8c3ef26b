#include "core/services.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "core/proto.h"

#define NAMES_MOST 65535 /* numbers of names fit 16 bits */

struct service {
	const char *name; /* into services.text */
	uint16_t port;
	uint8_t proto;
};

struct services {
	char *text;            /* owned; names in it are ended by NUL */
	struct service *names; /* owned; number 1 is names[0] */
	unsigned count, cap;
	uint16_t by_port[2][65536]; /* tcp, udp: number of the port's name; 0: none */
};

struct word {
	char *at;
	size_t len;
};

static bool is_word(char c)
{
	return c > ' ' && c < 0x7f && c != '#';
}

static bool ends_word(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '#';
}

/* The next word of a line [*at, end); len 0 at its end, at a comment, or at odd bytes.
 */
static struct word next_word(char **at, const char *end)
{
	struct word w;

	while (*at < end && (**at == ' ' || **at == '\t'))
		(*at)++;
	w = (struct word){*at, 0};
	while (*at<end &&* * at> ' ' && **at < 0x7f && **at != '#') {
		(*at)++;
		w.len++;
	}
	if (*at < end && !ends_word(**at))
		w.len = 0;
	return w;
}

static bool port_of(const struct word *w, uint16_t *out_port, uint8_t *out_proto)
{
	const char *slash = memchr(w->at, '/', w->len);
	uint64_t port;
	uint8_t proto;

	if (!slash || !num_parse_u64(w->at, (size_t)(slash - w->at), &port) ||
		port > 65535)
		return false;
	if (!proto_find(slash + 1, w->len - (size_t)(slash - w->at) - 1, &proto))
		return false;
	if (proto != PROTO_TCP && proto != PROTO_UDP)
		return false;
	*out_port = (uint16_t)port;
	*out_proto = proto;
	return true;
}

static bool add_name(struct services *s, const struct service *add, size_t len)
{
	uint16_t *slot = &s->by_port[add->proto == PROTO_UDP][add->port];

	/* A name is shown as it is, so it must not hold what text_clean would change.
	 */
	if (len == 0 || memchr(add->name, '\\', len) || s->count == NAMES_MOST)
		return true;
	if (s->count == s->cap) {
		unsigned cap = s->cap ? s->cap * 2 : 512;
		struct service *grown = realloc(s->names, cap * sizeof(*grown));

		if (!grown)
			return false;
		s->names = grown;
		s->cap = cap;
	}
	s->names[s->count++] = *add;
	if (*slot == 0)
		*slot = (uint16_t)s->count;
	return true;
}

/* Takes in one line; false only when there is no memory. */
static bool add_line(struct services *s, char *line, const char *end)
{
	struct word name = next_word(&line, end);
	struct word port = next_word(&line, end);
	struct service add = {.name = name.at};

	if (name.len == 0 || !port_of(&port, &add.port, &add.proto))
		return true;
	while (name.len > 0) {
		if (!add_name(s, &add, name.len))
			return false;
		name = next_word(&line, end);
		add.name = name.at;
	}
	return true;
}

/* Every byte that no name holds becomes NUL, which ends the name before it. */
static void end_names(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_word(text[i]))
			text[i] = '\0';
}

static bool load(struct services *s, const char *text, size_t len)
{
	char *at, *end;

	s->text = malloc(len + 1);
	if (!s->text)
		return false;
	if (len)
		memcpy(s->text, text, len);
	s->text[len] = '\0';
	end = s->text + len;
	for (at = s->text; at < end; at++) {
		char *line = at;

		at = memchr(line, '\n', (size_t)(end - line));
		at = at ? at : end;
		if (!add_line(s, line, at))
			return false;
	}
	end_names(s->text, len);
	return true;
}

struct services *services_new(const char *text, size_t len)
{
	struct services *s = calloc(1, sizeof(*s));

	if (s && !load(s, text, len)) {
		services_free(s);
		return NULL;
	}
	return s;
}

void services_free(struct services *s)
{
	if (!s)
		return;
	free(s->names);
	free(s->text);
	free(s);
}

const char *services_name(const struct services *s, uint8_t proto, uint16_t port)
{
	unsigned number;

	if (proto != PROTO_TCP && proto != PROTO_UDP)
		return NULL;
	number = s->by_port[proto == PROTO_UDP][port];
	return number ? s->names[number - 1].name : NULL;
}

bool services_find(
	const struct services *s, const char *name, size_t len, uint16_t *out)
{
	const struct service *found = NULL;

	for (unsigned i = 0; i < s->count; i++) {
		const struct service *known = &s->names[i];

		if (found && (found->proto == PROTO_TCP || known->proto == PROTO_UDP))
			continue;
		if (strlen(known->name) == len &&
			strncasecmp(known->name, name, len) == 0)
			found = known;
	}
	if (!found)
		return false;
	*out = found->port;
	return true;
}

bool services_is_server(const struct services *s, uint8_t proto, uint16_t port)
{
	return port < 1024 || services_name(s, proto, port) != NULL;
}
