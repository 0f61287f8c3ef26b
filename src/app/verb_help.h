/* verb_help — `konn help [TOPIC]`, --help and --version. */
#ifndef KONN_APP_VERB_HELP_H
#define KONN_APP_VERB_HELP_H

#include "app/options.h"
#include "base/buf.h"

/*
 * Adds the overview, or help on the first word; with --help behind a verb, on that
 * verb. An unknown topic: exit code 64 and the nearest one.
 */
int verb_help(const struct options *o, struct buf *out, struct err *err);

#endif
