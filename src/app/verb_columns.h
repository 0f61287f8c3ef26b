/* verb_columns — `konn columns`: what can be shown, sorted by and filtered on. */
#ifndef KONN_APP_VERB_COLUMNS_H
#define KONN_APP_VERB_COLUMNS_H

#include "app/options.h"
#include "base/buf.h"

/*
 * Adds the columns whose key holds one of the words (all, without words) in the form
 * that was asked for. No such column: exit code 64 and the nearest key.
 */
int verb_columns(const struct options *o, struct buf *out, struct err *err);

#endif
