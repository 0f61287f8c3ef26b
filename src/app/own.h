/* own — konn's own ssh session, whose lines would make new lines. */
#ifndef KONN_APP_OWN_H
#define KONN_APP_OWN_H

#include <stdbool.h>

#include "core/addr.h"

/* From SSH_CONNECTION; false: there is none. */
bool own_session(struct tuple *out);

#endif
