/* sample — one round trip, or what would have been one. */
#ifndef KONN_MEASURE_SAMPLE_H
#define KONN_MEASURE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

enum sample_kind {
#define SAMPLE(name_, help_) SAMPLE_##name_,
#include "measure/sample.def"
#undef SAMPLE
	SAMPLE_COUNT,
};

enum sample_reason { /* why a sample is not valid */
	SAMPLE_VALID,
#define REASON(name_, help_) REASON_##name_,
#include "measure/sample_reason.def"
#undef REASON
	REASON_COUNT,
};

#define SAMPLE_WHOLE 2 /* sample.half: the whole round trip (spin bit) */

struct sample {
	uint64_t ts_ns;  /* of the answering packet */
	uint64_t rtt_ns; /* never negative: such a pair is invalid (clock), with 0 */
	uint64_t min_ns; /* least valid one of this half and family so far, this
			    included; UINT64_MAX: none */
	uint32_t bytes;  /* payload of the answered segment, where there is one */
	uint32_t seq; /* seq, ack: sequence number after the segment, or acknowledged */
	uint32_t tsval; /* timestamp, ack: the echoed value */
	uint8_t kind;   /* enum sample_kind */
	uint8_t half; /* path between the capture point and this endpoint of the key */
	uint8_t reason; /* enum sample_reason; SAMPLE_VALID */
};

const char *sample_kind_name(enum sample_kind kind);
const char *sample_kind_help(enum sample_kind kind);

/* NULL for SAMPLE_VALID. */
const char *sample_reason_name(enum sample_reason reason);
const char *sample_reason_help(enum sample_reason reason);

#endif
