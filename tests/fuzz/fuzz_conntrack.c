/*
 * ctnetlink as hostile bytes. Records of a kind and a length (little-endian, two
 * bytes), then the datagram: kind 0 a piece of a dump, 1 events, 2 counters of CPUs, 3
 * an acknowledgement, 4 events were lost, 5 none wait, 6 a new dump; 8 is added for a
 * datagram that was cut.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/conntrack.h"

#define HEADER_BYTES 3
#define SERIAL       1

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
	uint64_t facts, listed;
};

static void check_fact(const struct conntrack_fact *f)
{
	assert(f->orig.family == FAMILY_V4 || f->orig.family == FAMILY_V6);
	assert(f->orig.family == f->reply.family && f->orig.proto == f->reply.proto);
	assert(f->kind <= CONNTRACK_DESTROY && f->netns == 7);
	assert(f->has & CONNTRACK_HAS_HELPER ? f->helper[0] > ' ' : !f->helper[0]);
	assert(!f->helper[CONNTRACK_HELPER_BYTES - 1]);
	assert(f->has & CONNTRACK_HAS_ORIG_COUNTERS ||
		!(f->counters[0].packets | f->counters[0].bytes));
}

static void on_fact(void *ctx, const struct conntrack_fact *f)
{
	struct tally *tally = ctx;
	struct conntrack_request request;
	struct tuple key;

	check_fact(f);
	tally->facts++;
	assert(conntrack_nat(f) <= 3);
	(void)conntrack_key(&f->orig, f->has, &key);
	(void)conntrack_state_name(f->orig.proto, f->state);
	assert(conntrack_delete_request(f, SERIAL, &request));
	assert(request.len <= sizeof(request.bytes));
}

static void on_listed(void *ctx, uint32_t generation)
{
	struct tally *tally = ctx;

	(void)generation;
	tally->listed++;
}

static void on_cpu(void *ctx, const struct conntrack_cpu *cpu)
{
	(void)ctx;
	assert(cpu->cpu <= UINT16_MAX);
}

static void one(struct conntrack *ct, unsigned kind, const uint8_t *bytes, size_t len)
{
	bool cut = kind & 8;

	switch (kind & 7) {
	case 0: (void)conntrack_read_dump(ct, bytes, len, cut); break;
	case 1: conntrack_read_events(ct, bytes, len, cut); break;
	case 2: (void)conntrack_read_cpu(bytes, len, SERIAL, on_cpu, NULL); break;
	case 3: (void)conntrack_read_ack(bytes, len, SERIAL); break;
	case 4: conntrack_lost(ct); break;
	case 5: conntrack_drained(ct); break;
	default:
		if (!ct->status.dumping)
			conntrack_dump_begin(ct);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tally tally = {0};
	const struct conntrack_sink sink = {&tally, on_fact, on_listed};
	struct conntrack *ct = malloc(sizeof(*ct));

	assert(ct);
	conntrack_init(ct, 7, &sink);
	conntrack_dump_begin(ct);
	while (size >= HEADER_BYTES) {
		size_t len = (size_t)(data[1] | data[2] << 8),
		       left = size - HEADER_BYTES;
		uint8_t *copy;

		len = len < left ? len : left;
		copy = malloc(len ? len : 1);
		assert(copy);
		memcpy(copy, data + HEADER_BYTES, len);
		one(ct, data[0], copy, len);
		free(copy);
		data += HEADER_BYTES + len;
		size -= HEADER_BYTES + len;
	}
	assert(tally.facts == ct->status.listed + ct->status.made + ct->status.updated +
				      ct->status.ended);
	assert(tally.listed == ct->status.dumps);
	free(ct);
	return 0;
}
