/* graph — the last rates, and a graph of them in a line of text. */
#ifndef KONN_VIEW_TUI_GRAPH_H
#define KONN_VIEW_TUI_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define GRAPH_SAMPLES 128

struct graph {
	uint64_t in[GRAPH_SAMPLES], out[GRAPH_SAMPLES]; /* rings */
	unsigned next, used;
	uint64_t last_ns; /* of the newest sample */
};

/* Notes the rates at `now_ns`; at most one sample in 0.9 s is kept. */
void graph_add(struct graph *h, uint64_t now_ns, uint64_t in, uint64_t out);

/*
 * The newest samples as `columns` characters, the newest at the right: braille (two
 * samples a character, 4 levels) or ASCII. Scaled to the highest of the samples shown.
 */
void graph_text(struct buf *out, const struct graph *h, const uint64_t *ring,
	unsigned columns, bool utf8);

#endif
