/*
 * Datagrams and DNS streams: any bytes, of two ends, at any time.
 *
 * Records of flags, a pause in ms, a length (little-endian) and a payload. Flags: 1 the
 * other end sends, 2 a TCP segment of DNS, 4 it is out of order, 8 QUIC, 16 ICMP (type
 * and number from the payload), 32 time runs back.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/packet.h"
#include "core/proto.h"
#include "measure/measure.h"
#include "measure/talk.h"

#define HEADER_BYTES 4
#define TALKS        4
#define MS           1000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_sample(void *ctx, const void *subject, const struct sample *s)
{
	(void)ctx;
	(void)subject;
	assert(s->kind < SAMPLE_COUNT && s->half <= SAMPLE_WHOLE);
	assert(s->reason < REASON_COUNT);
	assert(s->rtt_ns <= s->ts_ns);
	assert(s->reason || s->min_ns <= s->rtt_ns);
}

static unsigned talk_of(unsigned flags)
{
	return flags & 16 ? 0 : flags & 8 ? 1 : flags & 2 ? 2 : 3;
}

static void check_talk(const struct talk *t)
{
	assert(t->answered <= t->asked);
	assert(t->spin <= TALK_SPIN_OFF);
	assert(!t->whole || t->rtt[0].samples);
}

static void one(struct measure *g, struct talk *talks, struct packet *p, unsigned flags)
{
	struct talk *t = &talks[talk_of(flags)];
	uint8_t *copy = malloc(p->payload_len ? p->payload_len : 1);

	assert(copy);
	if (p->payload_len)
		memcpy(copy, p->payload, p->payload_len);
	p->payload = p->payload_len ? copy : NULL;
	p->payload_captured = p->payload_len;
	p->dir = flags & 1;
	p->icmp_type = p->payload_len ? copy[0] & 15 : 0;
	p->icmp_seq = p->payload_len > 1 ? copy[1] & 15 : 0;
	if (talk_of(flags) == 2)
		dns_segment(g, t, p, !(flags & 4));
	else
		talk_packet(g, t, p, 0);
	check_talk(t);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t kinds[TALKS] = {TALK_ICMP, TALK_QUIC, TALK_DNS, TALK_DNS};
	struct hash_key key = {5, 6};
	struct talk talks[TALKS] = {{0}};
	struct measure g;
	uint64_t now_ns = 1000000000000u;

	assert(measure_init(&g, 1 << 16, &key) == 0);
	g.sink = (struct measure_sink){NULL, on_sample};
	for (unsigned i = 0; i < TALKS; i++)
		talks[i].kind = kinds[i];
	while (size >= HEADER_BYTES) {
		size_t len = (size_t)(data[2] | data[3] << 8),
		       left = size - HEADER_BYTES;
		unsigned flags = data[0];
		struct packet p = {
			.key = {.family = FAMILY_V4, .port = {40000, 53}},
			.kind = flags & 16 ? PACKET_ICMP : PACKET_UDP,
			.payload_len = (uint32_t)(len < left ? len : left),
			.payload = data + HEADER_BYTES,
		};

		p.key.proto = flags & 16  ? PROTO_ICMP
			      : flags & 2 ? PROTO_TCP
					  : PROTO_UDP;
		now_ns += flags & 32 ? -(uint64_t)data[1] * MS : data[1] * MS;
		p.ts_ns = now_ns;
		data += HEADER_BYTES + p.payload_len;
		size -= HEADER_BYTES + p.payload_len;
		one(&g, talks, &p, flags);
	}
	for (unsigned i = 0; i < TALKS; i++)
		talk_done(&g, &talks[i]);
	assert(g.pools.slab[POOL_RING8].used == 0);
	assert(g.pools.slab[POOL_BUCKETS].used == 0);
	measure_done(&g);
	return 0;
}
