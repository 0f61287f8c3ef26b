/* measure — what all connections share while they are measured: pools, names, who
 * listens. */
#ifndef KONN_MEASURE_MEASURE_H
#define KONN_MEASURE_MEASURE_H

#include "measure/dns.h"
#include "measure/pools.h"
#include "measure/sample.h"
#include "measure/strings.h"

struct measure_sink {
	void *ctx;
	/* Each sample, valid or not; NULL: nobody listens. `subject` as in struct
	 * measure. */
	void (*sample)(void *ctx, const void *subject, const struct sample *s);
};

struct measure {
	struct pools pools;
	struct strings strings;
	struct dns dns; /* queries that wait, names of addresses */
	struct measure_sink sink;
	const void *subject; /* the flow that is being measured, for the sink */
	bool untimed; /* the segment's stamp is not known: no sample begins or ends with
			 it */
	bool muted;   /* what is replayed from a small record was told already */
	uint32_t quic_opened; /* names.c's: Initials in the second below */
	uint64_t quic_second;
	uint32_t hello_turn; /* names.c's: the head that was last taken away */
	uint64_t samples;    /* valid ones */
	uint64_t lost;       /* that would have been, had there been room to remember */
};

/* 0 or -ENOMEM (then nothing is held). `key` is random. */
int measure_init(struct measure *m, uint64_t memory_bytes, const struct hash_key *key);
void measure_done(struct measure *m);

/* Counts it and tells it, once. */
static inline void measure_sample(struct measure *m, const struct sample *s)
{
	if (m->muted)
		return;
	if (s->reason == SAMPLE_VALID)
		m->samples++;
	if (__builtin_expect(m->sink.sample != NULL, 0))
		m->sink.sample(m->sink.ctx, m->subject, s);
}

#endif
