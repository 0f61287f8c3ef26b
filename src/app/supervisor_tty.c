#include "app/supervisor_tty.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/*
 * End of synchronized output, mouse modes off, bracketed paste off, alternate screen
 * left, cursor shown, wrapping on, ASCII charset, normal keypad and cursor keys,
 * attributes reset.
 */
static const char leave_screen[] =
	"\033[?2026l\033[?1000l\033[?1002l\033[?1003l\033[?1006l"
	"\033[?2004l\033[?1049l\033[?25h\033[?7h\033(B\017"
	"\033[?1l\033>\033[0m";

void supervisor_tty_save(struct supervisor_tty *tty)
{
	*tty = (struct supervisor_tty){.fd = -1};
	tty->fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty->fd < 0 && isatty(STDIN_FILENO))
		tty->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (tty->fd >= 0 && tcgetattr(tty->fd, &tty->original) != 0)
		supervisor_tty_close(tty);
}

void supervisor_tty_close(struct supervisor_tty *tty)
{
	if (tty->fd >= 0)
		(void)close(tty->fd); /* everything was written */
	tty->fd = -1;
}

/* In the background the terminal is the shell's: hands off. */
static bool ours(const struct supervisor_tty *tty)
{
	return tty->fd >= 0 && tcgetpgrp(tty->fd) == getpgrp();
}

static void say(const struct supervisor_tty *tty, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t done = write(tty->fd, bytes, len);

		if (done < 0 && errno != EINTR)
			return; /* the terminal is gone */
		if (done > 0) {
			bytes += done;
			len -= (size_t)done;
		}
	}
}

static bool same_modes(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	       a->c_cflag == b->c_cflag && a->c_lflag == b->c_lflag &&
	       memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

void supervisor_tty_restore(struct supervisor_tty *tty)
{
	if (!ours(tty))
		return;
	say(tty, leave_screen, sizeof(leave_screen) - 1);
	(void)tcsetattr(tty->fd, TCSANOW, &tty->original); /* fails when it is gone */
}

void supervisor_tty_suspend(struct supervisor_tty *tty)
{
	tty->interrupted = ours(tty) && tcgetattr(tty->fd, &tty->painting) == 0 &&
			   !same_modes(&tty->painting, &tty->original);
	if (tty->interrupted)
		supervisor_tty_restore(tty);
}

void supervisor_tty_resume(struct supervisor_tty *tty)
{
	if (!tty->interrupted || !ours(tty))
		return;
	(void)tcsetattr(tty->fd, TCSANOW, &tty->painting); /* fails when it is gone */
	tty->interrupted = false;
}

void supervisor_tty_check(struct supervisor_tty *tty)
{
	struct termios now;

	if (ours(tty) && tcgetattr(tty->fd, &now) == 0 &&
		!same_modes(&now, &tty->original))
		supervisor_tty_restore(tty);
}
