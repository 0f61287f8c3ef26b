#include "talk_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/proto.h"

static void on_sample(void *ctx, const void *subject, const struct sample *s)
{
	struct talk_rig *r = ctx;

	(void)subject;
	if (r->samples < TALK_SAMPLES)
		r->sample[r->samples] = *s;
	r->samples++;
}

void talk_rig_init(struct talk_rig *r, uint64_t memory_bytes, enum talk_kind kind)
{
	struct hash_key key = {3, 4};

	*r = (struct talk_rig){.talk.kind = (uint8_t)kind};
	assert_int_equal(measure_init(&r->measure, memory_bytes, &key), 0);
	r->measure.sink = (struct measure_sink){r, on_sample};
	r->packet = (struct packet){
		.kind = kind == TALK_ICMP ? PACKET_ICMP : PACKET_UDP,
		.key = {.family = FAMILY_V4,
			.proto = kind == TALK_ICMP ? PROTO_ICMP : PROTO_UDP,
			.port = {40000, 53}},
		.segments = 1,
	};
}

void talk_rig_done(struct talk_rig *r)
{
	talk_done(&r->measure, &r->talk);
	assert_int_equal(r->measure.pools.slab[POOL_RING8].used, 0);
	measure_done(&r->measure);
}

void talk_rig_send(
	struct talk_rig *r, uint64_t at_ns, unsigned dir, const void *bytes, size_t len)
{
	r->packet.ts_ns = at_ns;
	r->packet.dir = dir & 1;
	r->packet.payload = bytes;
	r->packet.payload_len = r->packet.payload_captured = (uint32_t)len;
	talk_packet(&r->measure, &r->talk, &r->packet, 0);
}
