/* supervisor_tty — what a terminal was like before the worker painted on it. */
#ifndef KONN_APP_SUPERVISOR_TTY_H
#define KONN_APP_SUPERVISOR_TTY_H

#include <stdbool.h>
#include <termios.h>

struct supervisor_tty {
	int fd;                  /* owned; -1: no terminal */
	struct termios original; /* at the start */
	struct termios painting; /* the worker's, when it was stopped while painting */
	bool interrupted;        /* painting is valid */
};

void supervisor_tty_save(struct supervisor_tty *tty);
void supervisor_tty_close(struct supervisor_tty *tty);

/*
 * Undoes whatever the worker may have done: modes, alternate screen, hidden cursor,
 * mouse, colours. Only while this process group owns the terminal.
 */
void supervisor_tty_restore(struct supervisor_tty *tty);

/* The worker was stopped: restores, if it did not do so itself. */
void supervisor_tty_suspend(struct supervisor_tty *tty);

/* Gives a worker that did not restore by itself its screen back; it paints on SIGCONT.
 */
void supervisor_tty_resume(struct supervisor_tty *tty);

/* The worker ended by itself: restores only if the modes are not the original ones. */
void supervisor_tty_check(struct supervisor_tty *tty);

#endif
