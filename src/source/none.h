/* none — no frames at all, and at once the end: who asks for sockets alone. */
#ifndef KONN_SOURCE_NONE_H
#define KONN_SOURCE_NONE_H

#include "source/source.h"

/* Cannot fail. */
void none_source_open(struct source *out);

#endif
