#include "base/slab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)256 * 1024) /* about; a power of two of records */
#define CACHE_LINE  64

void slab_init(struct slab *s, size_t record_bytes, uint32_t most)
{
	assert(record_bytes >= 8 && record_bytes % 8 == 0);
	*s = (struct slab){.record_bytes = record_bytes, .fresh = 1, .most = most};
	while (((size_t)2 << s->shift) * record_bytes <= CHUNK_BYTES)
		s->shift++;
}

void slab_done(struct slab *s)
{
	for (uint32_t i = 0; i < s->chunks; i++)
		free(s->chunk[i]);
	free(s->chunk);
	*s = (struct slab){0};
}

static size_t chunk_bytes(const struct slab *s)
{
	return (s->record_bytes << s->shift) + CACHE_LINE - 1 &
	       ~(size_t)(CACHE_LINE - 1);
}

static bool slab_grow(struct slab *s)
{
	uint32_t cap = s->chunks_cap ? s->chunks_cap * 2 : 16;

	if (s->chunks == s->chunks_cap) {
		uint8_t **grown = realloc(s->chunk, cap * sizeof(*grown));

		if (!grown)
			return false;
		s->chunk = grown;
		s->chunks_cap = cap;
	}
	s->chunk[s->chunks] = aligned_alloc(CACHE_LINE, chunk_bytes(s));
	if (!s->chunk[s->chunks])
		return false;
	s->chunks++;
	return true;
}

uint32_t slab_alloc(struct slab *s)
{
	uint32_t number = s->free_head;

	if (s->used >= s->most)
		return 0;
	if (number) {
		memcpy(&s->free_head, slab_at(s, number), sizeof(s->free_head));
	} else {
		if (s->fresh >> s->shift >= s->chunks && !slab_grow(s))
			return 0;
		number = s->fresh++;
	}
	s->used++;
	return number;
}

void slab_free(struct slab *s, uint32_t number)
{
	assert(number && number < s->fresh && s->used);
	memcpy(slab_at(s, number), &s->free_head, sizeof(s->free_head));
	s->free_head = number;
	s->used--;
}

size_t slab_bytes(const struct slab *s)
{
	return s->chunks * chunk_bytes(s) + s->chunks_cap * sizeof(*s->chunk);
}
