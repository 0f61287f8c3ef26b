/* interfaces — the interfaces of all capture files, each (name, link type) once. */
#ifndef KONN_SOURCE_INTERFACES_H
#define KONN_SOURCE_INTERFACES_H

#include <stddef.h>
#include <stdint.h>

#include "source/source.h"

#define INTERFACES_MOST \
	1024 /* a hostile file may claim millions: the rest share the last */

/* A zeroed struct is an empty list. */
struct interfaces {
	struct source_interface *list; /* owned */
	unsigned count, cap;
};

void interfaces_done(struct interfaces *all);

/* Index of the interface, added when it is new; `name` is hostile text. -ENOMEM. */
int interfaces_add(
	struct interfaces *all, const char *name, size_t name_len, uint16_t linktype);

#endif
