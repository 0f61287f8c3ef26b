/*
 * book — a table of fixed size, found by a keyed hash of 64 bits, in which a new entry
 * takes the place of the oldest one. Which one that is does not depend on the key.
 */
#ifndef KONN_MEASURE_BOOK_H
#define KONN_MEASURE_BOOK_H

#include <stddef.h>
#include <stdint.h>

struct book_entry { /* first in each entry; book.c's but for the hash */
	uint64_t hash;
	uint32_t next; /* of the same bucket, a number + 1; 0: the last */
	uint32_t used; /* 0: free */
};

struct book {
	uint8_t *entries;  /* owned */
	uint32_t *buckets; /* owned; number of the newest entry + 1 */
	size_t entry_bytes;
	uint32_t mask; /* entries - 1 */
	uint32_t turn; /* the entry that is given next */
};

/* `entries` a power of two, entry_bytes a multiple of 8. 0 or -ENOMEM. */
int book_init(struct book *b, size_t entry_bytes, uint32_t entries);

/* What the entries own is the caller's: see book_at. */
void book_done(struct book *b);

/* The newest entry of that hash, or the next one behind `after`; NULL: none. */
void *book_find(const struct book *b, uint64_t hash, const void *after);

/* The entry that book_add will give. */
void *book_oldest(const struct book *b);

/* A new entry of that hash, garbage behind its head; the oldest one is gone. */
void *book_add(struct book *b, uint64_t hash);

void book_remove(struct book *b, void *entry);

/* Entry number `n` <= mask, used or not. */
static inline void *book_at(const struct book *b, uint32_t n)
{
	return b->entries + n * b->entry_bytes;
}

static inline size_t book_bytes(const struct book *b)
{
	return b->entries ? ((size_t)b->mask + 1) * (b->entry_bytes + sizeof(uint32_t))
			  : 0;
}

#endif
