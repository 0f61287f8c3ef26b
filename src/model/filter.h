/* filter — the display filter language (field op value, and or not, tcpdump's primitives). */
#ifndef KONN_MODEL_FILTER_H
#define KONN_MODEL_FILTER_H

#include <stdbool.h>

#include "base/err.h"
#include "core/services.h"
#include "model/column.h"

struct filter;

/*
 * Compiles `text`. On failure *err has one line that names the nearest field where one is
 * unknown, exit code 64, and *out_at (may be NULL) is the byte where the fault begins, for
 * the caret. `services` may be NULL. An empty text matches everything.
 */
int filter_compile(const char *text, const struct services *services, struct filter **out,
	unsigned *out_at, struct err *err);
void filter_free(struct filter *f);

bool filter_match(const struct filter *f, const struct row *r);

/* Sources that the filter's columns need (enum need). */
unsigned filter_need(const struct filter *f);

#endif
