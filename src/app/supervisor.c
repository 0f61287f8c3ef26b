#include "app/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/privilege.h"
#include "app/supervisor_tty.h"
#include "helper/client.h"
#include "helper/helper.h"

#define HELPER_GRACE_S 1 /* for the helper to see that the worker is gone */

struct supervisor {
	const struct supervisor_setup *setup;
	struct supervisor_tty tty;
	pid_t self, helper, worker; /* 0: not running */
	int socket[2]; /* [0] the worker's end, [1] the helper's; -1: none */
	sigset_t caught, before;
	int worker_status; /* as waitpid gave it; valid when worker is 0 again */
};

static void complain(const char *text)
{
	(void)fprintf(stderr, "konn: %s\n", text); /* nowhere else to say it */
}

static int fail(const char *what)
{
	(void)fprintf(stderr, "konn: %s: %s\n", what, strerror(errno));
	return EXIT_SOFTWARE;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* a socket: nothing to lose */
	*fd = -1;
}

/* Ends this child with the supervisor, even if that ended before this call. */
static void die_with(pid_t supervisor, int signal_number)
{
	(void)prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0); /* a valid signal */
	if (getppid() != supervisor)
		_exit(EXIT_SOFTWARE);
}

static int helper_main(struct supervisor *s)
{
	die_with(s->self, SIGKILL);
	close_end(&s->socket[0]);
	supervisor_tty_close(&s->tty);
	(void)sigprocmask(SIG_SETMASK, &s->before, NULL); /* cannot fail */
	return helper_run(s->socket[1]);
}

static int worker_main(struct supervisor *s)
{
	const struct supervisor_setup *setup = s->setup;
	struct err err = {0};
	int status;

	close_end(&s->socket[1]);
	supervisor_tty_close(&s->tty);
	status = privilege_drop(&err);
	/* Only now: a change of the user id forgets the signal (prctl(2)). */
	die_with(s->self, setup->terminal ? SIGTERM : SIGKILL);
	if (status != 0)
		complain(err.text);
	if (status != 0 && setup->sandbox_strict)
		return EXIT_SANDBOX;
	(void)sigprocmask(SIG_SETMASK, &s->before, NULL); /* cannot fail */
	if (s->socket[0] >= 0 && helper_hello(s->socket[0], &err) != 0) {
		complain(err.text);
		return EXIT_SOFTWARE;
	}
	return setup->worker(setup->ctx, s->socket[0]);
}

/* Returns the child's pid, -1 on failure; the child never returns. */
static pid_t start(struct supervisor *s, int (*child)(struct supervisor *s))
{
	pid_t pid;
	int code;

	(void)fflush(NULL); /* else both would write what is buffered */
	pid = fork();
	if (pid != 0)
		return pid;
	code = child(s);
	(void)fflush(NULL); /* what cannot be written was the worker's to notice */
	_exit(code);
}

static int start_both(struct supervisor *s)
{
	if (s->setup->helper) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->socket) !=
			0)
			return fail("socketpair");
		s->helper = start(s, helper_main);
		if (s->helper < 0)
			return fail("fork");
	}
	s->worker = start(s, worker_main);
	/* Now each end closes with its process. */
	close_end(&s->socket[0]);
	close_end(&s->socket[1]);
	return s->worker < 0 ? fail("fork") : 0;
}

/*
 * The worker stopped: the shell that waits for this process shall see a stopped job.
 * SIGSTOP from a stranger concerns the worker alone, unless it paints (curses stops
 * itself so).
 */
/* Has the worker been continued together with this process? */
static bool went_on(const struct supervisor *s)
{
	siginfo_t info = {0};

	/* Continued, or even stopped once more since; reap() will see that again. */
	return waitid(P_PID, (id_t)s->worker, &info,
		       WCONTINUED | WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid != 0;
}

/*
 * The worker stopped: the shell that waits for this process shall see a stopped job.
 * SIGSTOP from a stranger concerns the worker alone, unless it paints (curses stops
 * itself so).
 */
static void stop_too(struct supervisor *s, int signal_number)
{
	if (signal_number == SIGSTOP && !s->setup->terminal)
		return;
	supervisor_tty_suspend(&s->tty);
	(void)raise(SIGSTOP); /* returns when continued */
	supervisor_tty_resume(&s->tty);
	/* `fg` continues the whole group; a signal too many would undo a quick second
	 * ^Z. */
	if (!went_on(s))
		(void)kill(s->worker, SIGCONT); /* may have ended */
}

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (WIFSTOPPED(status)) {
			if (pid == s->worker)
				stop_too(s, WSTOPSIG(status));
		} else if (pid == s->worker) {
			s->worker = 0;
			s->worker_status = status;
		} else if (pid == s->helper) {
			s->helper = 0;
		}
	}
}

/* What the kernel sends for the terminal goes to the worker's group as well. */
static void pass_on(const struct supervisor *s, const siginfo_t *info)
{
	if (info->si_code != SI_KERNEL && info->si_pid != s->worker)
		(void)kill(s->worker, info->si_signo); /* may have ended */
}

static void watch(struct supervisor *s)
{
	siginfo_t info;

	while (s->worker > 0) {
		if (sigwaitinfo(&s->caught, &info) < 0)
			continue; /* EINTR: continued after a stop */
		switch (info.si_signo) {
		case SIGCHLD: reap(s); break;
		case SIGCONT: supervisor_tty_resume(&s->tty); break;
		case SIGINT:
		case SIGTERM:
		case SIGHUP:
		case SIGQUIT:
		case SIGTSTP:
		case SIGUSR1:
		case SIGUSR2: pass_on(s, &info); break;
		default: break; /* TTIN TTOU PIPE: blocked so as not to stop or die */
		}
	}
}

/* The helper ends when the worker's end of the socket closes; no longer than a moment.
 */
static void end_helper(struct supervisor *s)
{
	const struct timespec grace = {HELPER_GRACE_S, 0};
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	reap(s);
	while (s->helper > 0) {
		if (sigtimedwait(&child, NULL, &grace) < 0 && errno == EAGAIN)
			(void)kill(s->helper, SIGKILL); /* may have ended */
		reap(s);
	}
}

static int verdict(struct supervisor *s)
{
	int status = s->worker_status;

	if (WIFEXITED(status)) {
		supervisor_tty_check(&s->tty);
		return WEXITSTATUS(status);
	}
	supervisor_tty_restore(&s->tty);
	switch (WTERMSIG(status)) {
	case SIGINT:
	case SIGTERM:
	case SIGHUP:
	case SIGQUIT:
	case SIGPIPE: return 128 + WTERMSIG(status);
	default: break;
	}
	(void)fprintf(stderr, "konn: ended by signal %d (%s)\n", WTERMSIG(status),
		strsignal(WTERMSIG(status)));
	return EXIT_SOFTWARE;
}

static void catch_signals(struct supervisor *s)
{
	static const int numbers[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT,
		SIGTSTP, SIGCONT, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGPIPE};

	(void)sigemptyset(&s->caught);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)sigaddset(&s->caught, numbers[i]);
	(void)sigprocmask(SIG_BLOCK, &s->caught, &s->before); /* cannot fail */
}

int supervisor_run(const struct supervisor_setup *setup)
{
	struct supervisor s = {.setup = setup,
		.tty = {.fd = -1},
		.self = getpid(),
		.socket = {-1, -1}};
	int code;

	if (setup->terminal)
		supervisor_tty_save(&s.tty);
	/* An inherited SIG_IGN would make children vanish without a status. */
	(void)signal(SIGCHLD, SIG_DFL);
	catch_signals(&s);
	code = start_both(&s);
	if (code == 0)
		watch(&s);
	close_end(&s.socket[0]);
	close_end(&s.socket[1]);
	if (code == 0)
		code = verdict(&s);
	end_helper(&s);
	supervisor_tty_close(&s.tty);
	(void)sigprocmask(SIG_SETMASK, &s.before, NULL); /* cannot fail */
	return code;
}
