/* sample — made connections for the tests of model. */
#ifndef KONN_TEST_MODEL_SAMPLE_H
#define KONN_TEST_MODEL_SAMPLE_H

#include <assert.h>
#include <string.h>

#include "core/proto.h"
#include "model/column.h"

#define SAMPLE_SECOND   1000000000ull
#define SAMPLE_START_NS (1700000000ull * SAMPLE_SECOND)

/* TCP or UDP from one end to another, addresses as text; orig sent first. */
static inline struct flow sample_flow(uint8_t proto, const char *orig,
	uint16_t orig_port, const char *resp, uint16_t resp_port)
{
	struct flow f = {.first_ns = SAMPLE_START_NS, .last_ns = SAMPLE_START_NS};
	enum family family;
	struct addr from, to;

	if (!addr_parse(orig, strlen(orig), &from, &family) ||
		!addr_parse(resp, strlen(resp), &to, &family))
		assert(!"addresses of a sample are numeric");
	f.key.proto = proto;
	f.key.family = (uint8_t)family;
	f.orig = (uint8_t)tuple_order(&f.key, &from, orig_port, &to, resp_port);
	f.facts = FLOW_HAS_DETAILS | FLOW_ORIENTED;
	f.side[0].packets = f.side[1].packets = 1;
	return f;
}

static inline struct flow_side *sample_orig(struct flow *f)
{
	return &f->side[f->orig];
}

static inline struct flow_side *sample_resp(struct flow *f)
{
	return &f->side[!f->orig];
}

/* A small generator, so that failures repeat (xorshift64*). */
static inline uint64_t sample_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717ull;
}

#endif
