/* holes — stretches of sequence numbers that were jumped over and may still come. */
#ifndef KONN_FLOW_HOLES_H
#define KONN_FLOW_HOLES_H

#include <stdint.h>

#define HOLES_MOST 4

struct holes {
	struct {
		uint32_t from, to; /* to: the first number behind it */
	} hole[HOLES_MOST];        /* newest last */
	uint32_t count;
};

/* Notes [from, to); when there are too many, the oldest one is given up. */
void holes_add(struct holes *h, uint32_t from, uint32_t to);

/* Takes [from, to) out of them. Returns how many bytes of it were in a hole. */
uint32_t holes_fill(struct holes *h, uint32_t from, uint32_t to);

#endif
