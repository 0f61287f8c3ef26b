#include "measure/measure.h"

#include <errno.h>

int measure_init(struct measure *m, uint64_t memory_bytes, const struct hash_key *key)
{
	*m = (struct measure){0};
	if (pools_init(&m->pools, memory_bytes) < 0)
		return -ENOMEM;
	if (strings_init(&m->strings, &m->pools, key) == 0 &&
		dns_init(&m->dns, &m->strings, key, memory_bytes) == 0)
		return 0;
	measure_done(m);
	return -ENOMEM;
}

void measure_done(struct measure *m)
{
	dns_done(&m->dns); /* its names are strings */
	strings_done(&m->strings);
	pools_done(&m->pools);
}
