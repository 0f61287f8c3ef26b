#include "measure/book.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int book_init(struct book *b, size_t entry_bytes, uint32_t entries)
{
	assert(entries && (entries & (entries - 1)) == 0);
	*b = (struct book){.entry_bytes = entry_bytes, .mask = entries - 1};
	b->entries = calloc(entries, entry_bytes);
	b->buckets = calloc(entries, sizeof(*b->buckets));
	if (b->entries && b->buckets)
		return 0;
	book_done(b);
	return -ENOMEM;
}

void book_done(struct book *b)
{
	free(b->entries);
	free(b->buckets);
	*b = (struct book){0};
}

static struct book_entry *of_link(const struct book *b, uint32_t link)
{
	return link ? book_at(b, link - 1) : NULL;
}

void *book_find(const struct book *b, uint64_t hash, const void *after)
{
	const struct book_entry *last = after;
	struct book_entry *e = of_link(
		b, last ? last->next : b->buckets[hash & b->mask]);

	while (e && e->hash != hash)
		e = of_link(b, e->next);
	return e;
}

void book_remove(struct book *b, void *entry)
{
	struct book_entry *e = entry;
	uint32_t *link = &b->buckets[e->hash & b->mask];

	while (of_link(b, *link) != e)
		link = &of_link(b, *link)->next;
	*link = e->next;
	e->used = 0;
}

void *book_oldest(const struct book *b)
{
	return book_at(b, b->turn);
}

void *book_add(struct book *b, uint64_t hash)
{
	struct book_entry *e = book_oldest(b);
	uint32_t *bucket = &b->buckets[hash & b->mask];

	if (e->used)
		book_remove(b, e);
	*e = (struct book_entry){.hash = hash, .next = *bucket, .used = 1};
	*bucket = b->turn + 1;
	b->turn = (b->turn + 1) & b->mask;
	return e;
}
