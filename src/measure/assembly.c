#include "measure/assembly.h"

#include <stdbool.h>
#include <string.h>

void assembly_init(struct assembly *a)
{
	a->ready = 0;
	memset(a->seen, 0, sizeof(a->seen)); /* says which bytes are none */
}

static bool is_seen(const struct assembly *a, size_t at)
{
	return a->seen[at / 8] >> at % 8 & 1;
}

void assembly_put(struct assembly *a, uint64_t offset, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;

	if (offset >= ASSEMBLY_MOST)
		return;
	if (len > ASSEMBLY_MOST - offset)
		len = ASSEMBLY_MOST - (size_t)offset;
	for (size_t n = 0; n < len; n++) {
		size_t at = (size_t)offset + n;

		if (is_seen(a, at))
			continue;
		a->bytes[at] = from[n];
		a->seen[at / 8] |= (uint8_t)(1u << at % 8);
	}
	while (a->ready < ASSEMBLY_MOST && is_seen(a, a->ready))
		a->ready++;
}
