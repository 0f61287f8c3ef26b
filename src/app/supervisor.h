/*
 * supervisor — the first process: forks the helper and the worker, passes signals on,
 * and gives the terminal back however the others end.
 */
#ifndef KONN_APP_SUPERVISOR_H
#define KONN_APP_SUPERVISOR_H

#include <stdbool.h>

#include "base/err.h"

struct supervisor_setup {
	bool helper;         /* live: fork the privileged helper too */
	bool terminal;       /* the worker paints: save and restore the terminal */
	bool sandbox_strict; /* exit 78 when privileges cannot be dropped whole */
	/*
	 * Runs in the worker after every privilege was dropped. `helper_fd` is the
	 * socket to the helper (-1: none). Returns the exit code.
	 */
	int (*worker)(void *ctx, int helper_fd);
	void *ctx;
};

/*
 * Forks, waits, cleans up. Returns the exit code of the program: the worker's; 128 + n
 * when it died of INT, TERM, HUP, QUIT or PIPE; EXIT_SOFTWARE and one line on stderr
 * when it died of any other signal. Prints only to stderr.
 *
 * The worker starts with the signal mask of the caller. What the terminal sends (^C
 * ^\ ^Z, hang-up) reaches it from the kernel, what somebody sends to the supervisor is
 * passed on: a HUP may come twice. A worker that paints enters its screen anew on every
 * SIGCONT. If the supervisor is killed, the worker gets SIGTERM when it paints (so that
 * it can give the terminal back) and SIGKILL when it does not.
 */
int supervisor_run(const struct supervisor_setup *setup);

#endif
