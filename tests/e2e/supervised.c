/*
 * supervised — a program under konn's supervisor whose worker does one bad thing.
 *
 * supervised [-t] [-H] exit N | signal N | wait | paint | linger | ask
 *
 * -t: it paints; -H: with a helper. `wait` sleeps until a signal's default action;
 * `paint` makes a mess of the terminal and then waits, painting again on SIGCONT;
 * `graceful` counts INT, TERM and HUP and exits with 40 + how many came within half a
 * second of the first.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "app/supervisor.h"
#include "helper/client.h"

struct errand {
	const char *verb;
	int number;
};

static void say(const char *text)
{
	(void)printf("%s\n", text);
	(void)fflush(stdout);
}

static void mess(void)
{
	struct termios modes;

	if (tcgetattr(STDIN_FILENO, &modes) == 0) {
		modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* ^C and ^Z still work */
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &modes);
	}
	(void)fputs("\033[?1049h\033[?25l\033[?1000h\033[31m", stdout);
	say("painted");
}

static _Noreturn void paint(void)
{
	sigset_t continued;
	int which;

	(void)sigemptyset(&continued);
	(void)sigaddset(&continued, SIGCONT);
	(void)sigprocmask(SIG_BLOCK, &continued, NULL);
	for (;;) {
		mess();
		(void)sigwait(&continued, &which);
	}
}

static int graceful(void)
{
	const struct timespec half = {0, 500000000};
	sigset_t set;
	int which, count = 1;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	say("started");
	(void)sigwait(&set, &which);
	while (sigtimedwait(&set, NULL, &half) > 0)
		count++;
	return 40 + count;
}

static int ask(int helper_fd)
{
	struct err err = {0};
	int fd = helper_capture_socket(helper_fd, &err);

	say(fd >= 0 ? "socket" : err.text);
	return fd >= 0 ? 0 : err.exit_code;
}

static int worker(void *ctx, int helper_fd)
{
	const struct errand *e = ctx;

	if (strcmp(e->verb, "exit") == 0)
		return e->number;
	if (strcmp(e->verb, "signal") == 0)
		return raise(e->number);
	if (strcmp(e->verb, "paint") == 0)
		paint();
	if (strcmp(e->verb, "graceful") == 0)
		return graceful();
	if (strcmp(e->verb, "ask") == 0)
		return ask(helper_fd);
	say("started");
	for (;;)
		(void)pause();
}

int main(int argc, char **argv)
{
	struct errand errand = {"wait", 0};
	struct supervisor_setup setup = {
		.sandbox_strict = true, .worker = worker, .ctx = &errand};
	int option, code;

	while ((option = getopt(argc, argv, "tH")) != -1) {
		setup.terminal |= option == 't';
		setup.helper |= option == 'H';
	}
	if (optind < argc)
		errand.verb = argv[optind++];
	if (optind < argc)
		errand.number = (int)strtol(argv[optind], NULL, 10);
	code = supervisor_run(&setup);
	(void)fprintf(stderr, "supervisor returned %d\n", code);
	return code;
}
