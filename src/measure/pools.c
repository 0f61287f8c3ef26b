#include "measure/pools.h"

#include <errno.h>

#define SHARES 64

static const struct {
	uint32_t bytes, share;
} kinds[POOL_COUNT] = {
#define POOL(name_, bytes_, share_) [POOL_##name_] = {bytes_, share_},
#include "measure/pools.def"
#undef POOL
};

int pools_init(struct pools *p, uint64_t memory_bytes)
{
	*p = (struct pools){0};
	for (unsigned k = 0; k < POOL_COUNT; k++) {
		uint64_t most = memory_bytes / SHARES * kinds[k].share / kinds[k].bytes;

		if (most > UINT32_MAX - 1)
			most = UINT32_MAX - 1;
		if (slab_init(&p->slab[k], kinds[k].bytes, (uint32_t)most) == 0)
			continue;
		pools_done(p);
		return -ENOMEM;
	}
	return 0;
}

void pools_done(struct pools *p)
{
	for (unsigned k = 0; k < POOL_COUNT; k++)
		slab_done(&p->slab[k]);
}

uint64_t pools_bytes(const struct pools *p)
{
	uint64_t sum = 0;

	for (unsigned k = 0; k < POOL_COUNT; k++)
		if (p->slab[k].base)
			sum += slab_bytes(&p->slab[k]);
	return sum;
}
