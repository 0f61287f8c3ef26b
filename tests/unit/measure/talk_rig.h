/* talk_rig — a measure and one conversation for tests of datagrams. */
#ifndef KONN_TEST_TALK_RIG_H
#define KONN_TEST_TALK_RIG_H

#include "core/packet.h"
#include "measure/measure.h"
#include "measure/talk.h"

#define TALK_MS      1000000ull
#define TALK_SAMPLES 256

struct talk_rig {
	struct measure measure;
	struct talk talk;
	struct packet packet; /* the next one: give it time, direction, bytes */
	struct sample sample[TALK_SAMPLES];
	unsigned samples; /* that came, all of them */
};

void talk_rig_init(struct talk_rig *r, uint64_t memory_bytes, enum talk_kind kind);
void talk_rig_done(struct talk_rig *r);

/* A datagram at that time, from endpoint `dir`; 0 asks. */
void talk_rig_send(struct talk_rig *r, uint64_t at_ns, unsigned dir, const void *bytes,
	size_t len);

#endif
