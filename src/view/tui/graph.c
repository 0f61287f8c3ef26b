#include "view/tui/graph.h"

#include <string.h>

#define GAP_NS 900000000u

void graph_add(struct graph *h, uint64_t now_ns, uint64_t in, uint64_t out)
{
	if (h->used && now_ns >= h->last_ns && now_ns - h->last_ns < GAP_NS)
		return;
	h->last_ns = now_ns;
	h->in[h->next] = in;
	h->out[h->next] = out;
	h->next = (h->next + 1) % GRAPH_SAMPLES;
	if (h->used < GRAPH_SAMPLES)
		h->used++;
}

/* Sample `age` steps back (0: the newest); 0 before the first. */
static uint64_t sample(const struct graph *h, const uint64_t *ring, unsigned age)
{
	if (age >= h->used)
		return 0;
	return ring[(h->next + GRAPH_SAMPLES - 1 - age) % GRAPH_SAMPLES];
}

/* 0 … steps; anything above 0 is at least 1, so that a trickle is seen. */
static unsigned level(uint64_t value, uint64_t most, unsigned steps)
{
	if (value == 0 || most == 0)
		return 0;
	unsigned l = (unsigned)((long double)value * steps / most + 0.5L);

	return l == 0 ? 1 : l > steps ? steps : l;
}

static void add_braille(struct buf *out, unsigned left, unsigned right)
{
	/* dots of a column from the bottom up (Unicode: dots 7 3 2 1 and 8 6 5 4) */
	static const unsigned char left_dots[] = {0, 0x40, 0x44, 0x46, 0x47};
	static const unsigned char right_dots[] = {0, 0x80, 0xa0, 0xb0, 0xb8};
	unsigned dots = left_dots[left] | right_dots[right];
	char utf8[3] = {
		(char)0xe2, (char)(0xa0 | dots >> 6), (char)(0x80 | (dots & 0x3f))};

	buf_add(out, utf8, sizeof(utf8));
}

void graph_text(struct buf *out, const struct graph *h, const uint64_t *ring,
	unsigned columns, bool utf8)
{
	static const char ramp[] = "_.-=#";
	unsigned per_column = utf8 ? 2 : 1;
	uint64_t most = 0;

	if (columns > GRAPH_SAMPLES / 2)
		columns = GRAPH_SAMPLES / 2;
	for (unsigned i = 0; i < columns * per_column; i++) {
		uint64_t v = sample(h, ring, i);

		if (v > most)
			most = v;
	}
	for (unsigned i = columns; i-- > 0;) {
		if (!utf8) {
			buf_char(out, ramp[level(sample(h, ring, i), most, 4)]);
			continue;
		}
		add_braille(out, level(sample(h, ring, 2 * i + 1), most, 4),
			level(sample(h, ring, 2 * i), most, 4));
	}
}
