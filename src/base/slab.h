/*
 * slab — a pool of equal records, named by 32-bit numbers, in one stretch of address
 * space.
 *
 * Room for the most records is reserved at once, memory is taken as they are used.
 * Number 0 is never handed out, so it can mean "none". Freed records are reused newest
 * first.
 */
#ifndef KONN_BASE_SLAB_H
#define KONN_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct slab {
	uint8_t *base; /* owned */
	size_t record_bytes;
	uint32_t free_head;  /* 0: none */
	uint32_t fresh;      /* next never-used number */
	uint32_t used, most; /* records in use; the cap */
};

/* `record_bytes` a multiple of 8. -ENOMEM when there is no address space. */
int slab_init(struct slab *s, size_t record_bytes, uint32_t most);
void slab_done(struct slab *s);

/* A number whose record holds garbage; 0 when `most` are in use. */
uint32_t slab_alloc(struct slab *s);
void slab_free(struct slab *s, uint32_t number);

/* Bytes taken from the system, in use or not. */
size_t slab_bytes(const struct slab *s);

static inline void *slab_at(const struct slab *s, uint32_t number)
{
	return s->base + number * s->record_bytes;
}

#endif
