/* pipeline — frames of a source, decoded, into the engine; one batch a step. */
#ifndef KONN_APP_PIPELINE_H
#define KONN_APP_PIPELINE_H

#include "app/clock.h"
#include "base/err.h"
#include "core/frame.h"
#include "core/packet.h"
#include "decode/decode.h"
#include "model/engine.h"
#include "source/source.h"

struct pipeline {
	struct source source;    /* owned */
	struct decoder *decoder; /* owned */
	struct engine *engine;   /* borrowed */
	const struct clock
		*clock;        /* live: stamps are put into engine time; NULL: a file */
	uint64_t packets_left; /* stop after so many; UINT64_MAX: never */
	unsigned interfaces;   /* known so far */
	unsigned count;        /* packets of the last step, valid in `packets` */
	struct frame frames[FRAME_BATCH];
	struct packet packets[FRAME_BATCH];
};

/* One batch at most. SOURCE_END also when `packets_left` came to 0. */
enum source_status pipeline_step(struct pipeline *p, struct err *err);

/* Copies the source's counters of loss into the engine's summary. */
void pipeline_counters(struct pipeline *p);

void pipeline_close(struct pipeline *p);

#endif
