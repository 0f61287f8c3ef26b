/* assembly — the first bytes of a stream, put together from pieces in any order. */
#ifndef KONN_MEASURE_ASSEMBLY_H
#define KONN_MEASURE_ASSEMBLY_H

#include <stddef.h>
#include <stdint.h>

#define ASSEMBLY_MOST 3584 /* bytes; the rest of the stream is given up */

struct assembly {
	uint16_t ready; /* bytes from the start without a gap */
	uint8_t seen[ASSEMBLY_MOST / 8];
	uint8_t bytes[ASSEMBLY_MOST];
};

void assembly_init(struct assembly *a);

/* Bytes that are there already stay as they are. */
void assembly_put(struct assembly *a, uint64_t offset, const void *bytes, size_t len);

#endif
