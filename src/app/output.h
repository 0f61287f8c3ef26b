/* output — whole lines to a descriptor, gathered, with every failure noticed. */
#ifndef KONN_APP_OUTPUT_H
#define KONN_APP_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct output {
	struct buf buf; /* lines not yet written */
	int fd;
	bool gone; /* the reader went away: everything is dropped from now on */
};

/*
 * Writes all of it. 0; or -errno with *err filled in. A closed pipe is no error: `gone`
 * is set, and the caller ends quietly.
 */
int output_flush(struct output *o, struct err *err);

void output_done(struct output *o);

#endif
