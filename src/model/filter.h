/* filter — the display filter language (field op value, and or not, tcpdump's
 * primitives). */
#ifndef KONN_MODEL_FILTER_H
#define KONN_MODEL_FILTER_H

#include <stdbool.h>

#include "base/err.h"
#include "core/services.h"
#include "model/column.h"

/*
 * The language, beside what the words of tcpdump and ss mean here:
 *
 * - FIELD OP VALUE, with = == != < > <= >= ~ !~ (or eq ne lt gt le ge), in (A, B, ...)
 *   and not in (A, B, ...).
 * - FIELD alone: it has a value. FIELD:VALUE: a text contains it, others equal it.
 * - not and or ! && || ( ): not binds tightest, then and, then or (tcpdump gives and
 *   and or the same rank). Two tests side by side: and.
 * - A comparison with an absent value is false, != and !~ too; so `not rtt > 5` is
 *   true where nothing was measured.
 * - Text: = ignores case and takes - and _ for the same, but not in fields where case
 *   matters (column.exact). Of a list any item may match; with != none does.
 * - src dst sport dport are the originator's and the responder's. local peer lport
 *   pport need to know which end is at home; they match either end when that is
 *   unknown or neither is.
 */
struct filter;

/*
 * Compiles `text`. On failure *err has one line that names the nearest field where one
 * is unknown, exit code 64, and *out_at (may be NULL) is the byte where the fault
 * begins, for the caret. `services` may be NULL. An empty text matches everything.
 */
int filter_compile(const char *text, const struct services *services,
	struct filter **out, unsigned *out_at, struct err *err);
void filter_free(struct filter *f);

/* Uses the row's scratch. */
bool filter_match(const struct filter *f, const struct row *r);

/*
 * Makes `f` match only what `more` matches too; takes `more` over (frees it). -ENOMEM:
 * `f` is unchanged.
 */
int filter_and(struct filter *f, struct filter *more);

/* Sources that the filter's columns need (enum need). */
unsigned filter_need(const struct filter *f);

#endif
