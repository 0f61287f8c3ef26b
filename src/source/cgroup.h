/* cgroup — the systemd unit and the container of a process, by its cgroup's path. */
#ifndef KONN_SOURCE_CGROUP_H
#define KONN_SOURCE_CGROUP_H

#include <stddef.h>

#include "base/buf.h"
#include "core/owner_fact.h"

/*
 * Pure: `text` is /proc/PID/cgroup, of cgroup v1, v2 or both. Of nested containers the
 * outermost (which this machine's tools list), but one of a pod before all. What is too
 * long is cut. `scratch` is the only memory that is allocated.
 */
void cgroup_parse(
	const char *text, size_t len, struct buf *scratch, struct cgroup_fact *out);

#endif
