#include "measure/measure.h"

#include <errno.h>

int measure_init(struct measure *m, uint64_t memory_bytes, const struct hash_key *key)
{
	*m = (struct measure){0};
	if (pools_init(&m->pools, memory_bytes) < 0)
		return -ENOMEM;
	if (strings_init(&m->strings, &m->pools, key) == 0)
		return 0;
	pools_done(&m->pools);
	return -ENOMEM;
}

void measure_done(struct measure *m)
{
	strings_done(&m->strings);
	pools_done(&m->pools);
}
