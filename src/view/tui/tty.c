#include "view/tui/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

#include "base/buf.h"

#define COPY_MOST 50000 /* bytes; terminals refuse much more */

static const int curses_signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};

enum { SIGNALS = sizeof(curses_signals) / sizeof(curses_signals[0]) };

/* Fails without writing a byte when the screen could not be used. */
static int check(int tty, const char *name, struct err *err)
{
	int found = 0;
	bool can_place;

	if (!isatty(tty))
		return err_set(
			err, EXIT_USAGE, "top needs a terminal; use `konn list`");
	if (!*name)
		return err_set(err, EXIT_USAGE,
			"TERM is not set, so the terminal is unknown; use `konn list`");
	if (setupterm(name, tty, &found) != OK)
		return err_set(err, EXIT_USAGE,
			"unknown terminal TERM=%.60s; use `konn list`", name);
	can_place = tigetstr("cup") && tigetstr("clear");
	(void)del_curterm(cur_term); /* newterm reads it again */
	if (!can_place)
		return err_set(err, EXIT_USAGE,
			"terminal TERM=%.60s cannot place its cursor; use `konn list`",
			name);
	return 0;
}

/* Consoles print the text of an unknown OSC instead of passing over it. */
static bool knows_osc(const char *name)
{
	static const char *const without[] = {
		"linux", "vt", "ansi", "cons", "sun", "dumb"};

	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		if (strncmp(name, without[i], strlen(without[i])) == 0)
			return false;
	return true;
}

static FILE *stream(int tty, const char *mode)
{
	int fd = fcntl(tty, F_DUPFD_CLOEXEC, 0);
	FILE *f = fd < 0 ? NULL : fdopen(fd, mode);

	if (!f && fd >= 0)
		close(fd);
	return f;
}

/* curses takes over signals that belong to whoever runs the program: they are put back.
 */
static SCREEN *new_screen(struct tty *t)
{
	struct sigaction before[SIGNALS];
	SCREEN *screen;

	for (int i = 0; i < SIGNALS; i++)
		(void)sigaction(
			curses_signals[i], NULL, &before[i]); /* valid numbers */
	screen = newterm(NULL, t->out, t->in);
	for (int i = 0; i < SIGNALS; i++)
		(void)sigaction(curses_signals[i], &before[i], NULL);
	return screen;
}

static void set_modes(void)
{
	/* return values: these fail only without an open screen */
	(void)raw();
	(void)noecho();
	(void)nonl();
	(void)nodelay(stdscr, TRUE);
	(void)keypad(stdscr, TRUE);
	(void)intrflush(stdscr, FALSE);
	(void)leaveok(stdscr, FALSE);
	(void)idlok(stdscr, FALSE);
	(void)curs_set(0); /* not every terminal can hide it */
	(void)mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	(void)mouseinterval(0);
}

int tty_open(struct tty *t, int tty, struct err *err)
{
	const char *name = getenv("TERM") ?: "";
	int r;

	*t = (struct tty){.tty = tty};
	r = check(tty, name, err);
	if (r < 0)
		return r;
	/* only the character set: numbers keep their decimal points */
	(void)setlocale(LC_CTYPE, ""); /* "C" stays when the locale is unknown */
	t->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	t->can_copy = knows_osc(name);
	t->in = stream(tty, "r");
	t->out = stream(tty, "w");
	if (!t->in || !t->out) {
		r = err_errno(err, "open the terminal");
		tty_close(t);
		return r;
	}
	(void)set_escdelay(25);
	t->screen = new_screen(t);
	if (!t->screen) {
		tty_close(t);
		return err_set(
			err, EXIT_USAGE, "terminal TERM=%.60s cannot be used", name);
	}
	set_modes();
	return 0;
}

void tty_close(struct tty *t)
{
	if (t->screen) {
		if (!t->away)
			(void)endwin(); /* a terminal that is gone needs no restoring */
		delscreen(t->screen);
	}
	if (t->in)
		(void)fclose(t->in); /* read only */
	if (t->out)
		(void)fclose(t->out); /* flushed by endwin */
	*t = (struct tty){.tty = -1};
}

void tty_suspend(struct tty *t)
{
	if (!t->away)
		(void)endwin();
	t->away = true;
}

void tty_resume(struct tty *t)
{
	t->away = false;
	tty_resize(t);
	(void)clearok(curscr, TRUE);
	(void)refresh(); /* takes the terminal again */
}

void tty_resize(struct tty *t)
{
	struct winsize size;

	if (t->away || ioctl(t->tty, TIOCGWINSZ, &size) < 0)
		return;
	if (size.ws_row > 0 && size.ws_col > 0)
		(void)resizeterm(
			size.ws_row, size.ws_col); /* ENOMEM: the old size stays */
}

bool tty_hung_up(const struct tty *t)
{
	struct pollfd p = {.fd = t->tty, .events = POLLIN};

	return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR | POLLNVAL);
}

static void add_base64(struct buf *out, const char *text, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)(uint8_t)text[i] << 16;

		if (i + 1 < len)
			v |= (uint32_t)(uint8_t)text[i + 1] << 8;
		if (i + 2 < len)
			v |= (uint8_t)text[i + 2];
		buf_char(out, digits[v >> 18]);
		buf_char(out, digits[v >> 12 & 63]);
		buf_char(out, i + 1 < len ? digits[v >> 6 & 63] : '=');
		buf_char(out, i + 2 < len ? digits[v & 63] : '=');
	}
}

bool tty_copy(struct tty *t, const char *text, size_t len)
{
	struct buf out = {0};
	bool ok;

	if (!t->can_copy || len > COPY_MOST)
		return false;
	buf_str(&out, "\033]52;c;");
	add_base64(&out, text, len);
	buf_char(&out, '\a');
	ok = !out.oom && fwrite(out.data, 1, out.len, t->out) == out.len &&
	     fflush(t->out) == 0;
	buf_done(&out);
	return ok;
}
