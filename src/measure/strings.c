#include "measure/strings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define ESCAPE       4 /* bytes of \xNN: what a cleaned byte may become */
#define LEAST_SLOTS  64u
#define SHORT_BYTES  32
#define LONG_BYTES   288
#define TEXT_ROOM(b) ((b) - (unsigned)offsetof(struct string, text) - 1)

_Static_assert(TEXT_ROOM(LONG_BYTES) >= STRING_MOST, "the longest name fits");

/* Length of the longest whole part of cleaned text that is at most STRING_MOST bytes.
 */
static size_t cut(const char *text, size_t len)
{
	size_t at = 0;

	if (len <= STRING_MOST)
		return len;
	for (;;) {
		uint32_t code = 0;
		size_t unit = text[at] == '\\' ? ESCAPE
					       : text_utf8(text + at, len - at, &code);

		if (at + unit > STRING_MOST)
			return at;
		at += unit;
	}
}

static enum pool_kind pool_of(size_t len)
{
	return len <= TEXT_ROOM(SHORT_BYTES) ? POOL_STRING32 : POOL_STRING288;
}

/* The two kinds share the buckets: a link is a number with the pool in its top bit. */
#define LONG_LINK 0x80000000u

static struct string *link_at(const struct strings *s, uint32_t link)
{
	return pools_at(s->pools, link & LONG_LINK ? POOL_STRING288 : POOL_STRING32,
		link & ~LONG_LINK);
}

static uint32_t *bucket_of(const struct strings *s, const char *text, size_t len)
{
	return &s->buckets[hash_bytes(&s->key, text, len) & s->mask];
}

int strings_init(struct strings *s, struct pools *pools, const struct hash_key *key)
{
	uint64_t most = (uint64_t)pools->slab[POOL_STRING32].most +
			pools->slab[POOL_STRING288].most;
	uint32_t slots = LEAST_SLOTS;

	while (slots < most && slots < LONG_LINK)
		slots *= 2;
	*s = (struct strings){.pools = pools, .key = *key, .mask = slots - 1};
	s->buckets = calloc(slots, sizeof(*s->buckets));
	return s->buckets ? 0 : -ENOMEM;
}

void strings_done(struct strings *s)
{
	free(s->buckets);
	*s = (struct strings){0};
}

static struct string *find(
	const struct strings *s, uint32_t link, const char *text, size_t len)
{
	while (link) {
		struct string *string = link_at(s, link);

		if (string->len == len && memcmp(string->text, text, len) == 0)
			return string;
		link = string->next;
	}
	return NULL;
}

static struct string *add(
	struct strings *s, uint32_t *bucket, const char *text, size_t len)
{
	enum pool_kind kind = pool_of(len);
	uint32_t number = pools_alloc(s->pools, kind);
	struct string *string;

	if (!number) {
		s->refused++;
		return NULL;
	}
	string = pools_at(s->pools, kind, number);
	*string = (struct string){
		.users = 1, .next = *bucket, .number = number, .len = (uint8_t)len};
	memcpy(string->text, text, len);
	string->text[len] = '\0';
	*bucket = number | (kind == POOL_STRING288 ? LONG_LINK : 0);
	return string;
}

struct string *strings_get(struct strings *s, const void *bytes, size_t len)
{
	char text[ESCAPE * STRING_MOST + 1];
	struct buf clean = {.data = text, .cap = sizeof(text)}; /* never has to grow */
	struct string *string;
	uint32_t *bucket;

	text_clean(&clean, bytes, len < STRING_MOST ? len : STRING_MOST);
	len = cut(text, clean.len);
	bucket = bucket_of(s, text, len);
	string = find(s, *bucket, text, len);
	return string ? strings_keep(string) : add(s, bucket, text, len);
}

struct string *strings_keep(struct string *string)
{
	if (string)
		string->users++;
	return string;
}

void strings_drop(struct strings *s, struct string *string)
{
	enum pool_kind kind;
	uint32_t *link, mine;

	if (!string || --string->users)
		return;
	kind = pool_of(string->len);
	mine = string->number | (kind == POOL_STRING288 ? LONG_LINK : 0);
	link = bucket_of(s, string->text, string->len);
	while (*link != mine)
		link = &link_at(s, *link)->next;
	*link = string->next;
	pools_free(s->pools, kind, string->number);
}
