/*
 * own — closes a connection through the process that has it, as that program itself
 * could: a duplicate of its descriptor (pidfd_getfd) is shut or disconnected.
 *
 * Works without any privilege on processes of the same user (as ptrace does, also as to
 * Yama's restrictions), with CAP_SYS_PTRACE on all. Needs no SOCK_DESTROY in the
 * kernel. The cookie decides, so neither a reused descriptor nor a reused pid is ever
 * hit.
 */
#ifndef KONN_ACT_OWN_H
#define KONN_ACT_OWN_H

#include <stdbool.h>
#include <stdint.h>

#include "act/result.h"

enum own_way {
	OWN_SHUT,  /* shutdown(SHUT_RDWR): what was written still arrives, then the end
		    */
	OWN_ABORT, /* connect(AF_UNSPEC): both sides get ECONNRESET */
};

/*
 * `target` gives pid and cookie (neither 0), and what the result tells. `fd` is the
 * descriptor's number in that process; -1: all below 4096 are tried. Never waits.
 */
void own_close(const struct act_target *target, int fd, enum own_way way,
	struct act_result *out);

#endif
