/*
 * slab — a pool of equal records, named by 32-bit numbers, that grows in steps.
 *
 * Number 0 is never handed out, so it can mean "none". Records keep their address until
 * they are freed; freed ones are reused newest first.
 */
#ifndef KONN_BASE_SLAB_H
#define KONN_BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slab {
	uint8_t **chunk; /* owned; each of 1 << shift records */
	size_t record_bytes;
	uint32_t shift, chunks, chunks_cap;
	uint32_t free_head;  /* 0: none */
	uint32_t fresh;      /* next never-used number */
	uint32_t used, most; /* records in use; the cap (changeable at any time) */
};

/* `record_bytes` a multiple of 8; at most `most` records at a time. */
void slab_init(struct slab *s, size_t record_bytes, uint32_t most);
void slab_done(struct slab *s);

/* A number whose record holds garbage; 0 when `most` are in use or memory is out. */
uint32_t slab_alloc(struct slab *s);
void slab_free(struct slab *s, uint32_t number);

/* Bytes taken from the system, in use or not. */
size_t slab_bytes(const struct slab *s);

static inline void *slab_at(const struct slab *s, uint32_t number)
{
	uint32_t mask = (1u << s->shift) - 1;

	return s->chunk[number >> s->shift] + (number & mask) * s->record_bytes;
}

#endif
