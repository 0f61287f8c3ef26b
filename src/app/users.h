/* users — names of users by number, out of the local file; read before the lock-down.
 */
#ifndef KONN_APP_USERS_H
#define KONN_APP_USERS_H

#include <stdint.h>

#include "base/buf.h"

struct users {
	struct buf list;  /* struct user, by number */
	struct buf names; /* cleaned, each ends with NUL */
};

/* Never fails: of users that cannot be read the names are not known. */
void users_read(struct users *u);
void users_done(struct users *u);

/* The name, borrowed until users_done; NULL: not known. `ctx` is the struct users. */
const char *users_name(void *ctx, uint32_t user_id);

#endif
