/*
 * strings — names from packets, each kept once and counted by its users; clean UTF-8
 * text (text_clean), at most 255 bytes.
 */
#ifndef KONN_MEASURE_STRINGS_H
#define KONN_MEASURE_STRINGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "measure/pools.h"

#define STRING_MOST 255

struct string { /* in POOL_STRING32 or POOL_STRING288 */
	uint32_t users;
	uint32_t next; /* of the same bucket; strings.c's, as is the number */
	uint32_t number;
	uint8_t len;
	char text[]; /* NUL-terminated */
};

struct strings {
	struct pools *pools; /* borrowed */
	struct hash_key key;
	uint32_t *buckets; /* owned; as many as names fit */
	uint32_t mask;
	uint64_t refused; /* names that found no room */
};

/* 0 or -ENOMEM. `key` is random. */
int strings_init(struct strings *s, struct pools *pools, const struct hash_key *key);
void strings_done(struct strings *s);

/* The one copy of these bytes (cleaned, cut at 255), one user more; NULL: no room. */
struct string *strings_get(struct strings *s, const void *bytes, size_t len);

/* One user more. NULL is allowed, here and below. */
struct string *strings_keep(struct string *string);

/* One user less; the last one frees it. */
void strings_drop(struct strings *s, struct string *string);

#endif
