/*
 * supervisor — the first process: forks the helper and the worker, passes signals on, and
 * gives the terminal back however the others end.
 */
#ifndef KONN_APP_SUPERVISOR_H
#define KONN_APP_SUPERVISOR_H

#include <stdbool.h>

#include "base/err.h"

struct supervisor_setup {
	bool helper;   /* live: fork the privileged helper too */
	bool terminal; /* the worker paints: save and restore the terminal */
	bool sandbox_strict; /* exit 78 when privileges cannot be dropped whole */
	/*
	 * Runs in the worker after every privilege was dropped. `helper_fd` is the socket to
	 * the helper (-1: none). Returns the exit code.
	 */
	int (*worker)(void *ctx, int helper_fd);
	void *ctx;
};

/* Forks, waits, cleans up. Returns the exit code of the program. */
int supervisor_run(const struct supervisor_setup *setup);

#endif
