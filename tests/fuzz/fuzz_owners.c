/*
 * What is known of processes, from any bytes. The first byte chooses:
 * 0 a struct process_raw's beginning, 1 a cgroup file, 2 owners' records.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/cgroup.h"
#include "source/owners.h"
#include "source/process.h"

#define PAIRS        64
#define RECORD_BYTES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_process(const uint8_t *data, size_t size)
{
	struct process_raw *raw = calloc(1, sizeof(*raw));
	struct buf scratch = {0};
	struct process_fact fact;
	struct process_text text;

	assert(raw);
	memcpy(raw, data, size < sizeof(*raw) ? size : sizeof(*raw));
	if (process_parse(raw, &scratch, &fact, &text)) {
		assert(fact.id.pid >= 0 && fact.parent_pid >= 0);
		assert(memchr(fact.comm, 0, sizeof(fact.comm)));
		assert(memchr(text.exe, 0, sizeof(text.exe)));
		assert(memchr(text.cmdline, 0, sizeof(text.cmdline)));
	}
	buf_done(&scratch);
	free(raw);
}

static void fuzz_cgroup(const uint8_t *data, size_t size)
{
	struct buf scratch = {0};
	struct cgroup_fact fact;
	char *copy = malloc(size + 1);

	assert(copy);
	memcpy(copy, data, size);
	cgroup_parse(copy, size, &scratch, &fact);
	assert((fact.container == CONTAINER_NONE) == !fact.id[0]);
	assert(memchr(fact.unit, 0, sizeof(fact.unit)));
	assert(memchr(fact.id, 0, sizeof(fact.id)));
	assert(memchr(fact.pod, 0, sizeof(fact.pod)));
	buf_done(&scratch);
	free(copy);
}

/* Records of an event, a process and an inode. */
static void fuzz_owners(const uint8_t *data, size_t size)
{
	static const struct hash_key key = {7, 8};
	struct owner_fact out[4];
	struct owners o;

	assert(owners_init(&o, PAIRS, &key) == 0);
	for (; size >= RECORD_BYTES; size -= RECORD_BYTES, data += RECORD_BYTES) {
		struct owner_fact fact = {
			.inode = data[2] & 31,
			.process = {data[1] & 15, 1},
			.has = OWNER_HAS_INODE,
		};
		uint32_t count;

		owners_tell(&o, data[0] & 3, &fact);
		count = owners_list(&o, fact.inode, out, 4);
		assert(count <= o.held.used && o.held.used <= PAIRS);
		for (uint32_t i = 1; i < count && i < 4; i++)
			assert(out[i - 1].process.pid < out[i].process.pid);
	}
	for (int32_t pid = 0; pid < 16; pid++)
		owners_tell(&o, OWNERS_GONE, &(struct owner_fact){.process = {pid, 1}});
	assert(o.held.used == 0 && o.processes.used == 0);
	owners_done(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0] % 3) {
	case 0: fuzz_process(data + 1, size - 1); break;
	case 1: fuzz_cgroup(data + 1, size - 1); break;
	default: fuzz_owners(data + 1, size - 1);
	}
	return 0;
}
