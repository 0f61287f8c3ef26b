#include "flow/holes.h"

#include <string.h>

static void drop(struct holes *h, uint32_t i)
{
	h->count--;
	memmove(&h->hole[i], &h->hole[i + 1], (h->count - i) * sizeof(h->hole[0]));
}

void holes_add(struct holes *h, uint32_t from, uint32_t to)
{
	if (h->count == HOLES_MOST)
		drop(h, 0);
	h->hole[h->count].from = from;
	h->hole[h->count].to = to;
	h->count++;
}

/* Of the part of hole `i` that [at, at + len) covers; both are relative to its start.
 */
static void cut(struct holes *h, uint32_t i, uint32_t at, uint32_t len)
{
	uint32_t from = h->hole[i].from, to = h->hole[i].to;

	if (at == 0 && from + len == to) {
		drop(h, i);
	} else if (at == 0) {
		h->hole[i].from = from + len;
	} else {
		h->hole[i].to = from + at;
		if (from + at + len != to)
			holes_add(h, from + at + len, to);
	}
}

uint32_t holes_fill(struct holes *h, uint32_t from, uint32_t to)
{
	uint32_t filled = 0;

	/* Newest first: what cutting adds or drops is behind, and seen already. */
	for (uint32_t i = h->count; i-- > 0;) {
		int32_t first = (int32_t)(from - h->hole[i].from);
		int32_t size = (int32_t)(h->hole[i].to - h->hole[i].from);
		int32_t end = (int32_t)(to - h->hole[i].from);

		if (first < 0)
			first = 0;
		if (end > size)
			end = size;
		if (first >= end)
			continue;
		filled += (uint32_t)(end - first);
		cut(h, i, (uint32_t)first, (uint32_t)(end - first));
	}
	return filled;
}
