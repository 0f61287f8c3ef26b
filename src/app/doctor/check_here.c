#include <arpa/nameser.h>
#include <curses.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <netdb.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
/* after curses.h */
#include <term.h>

#include "app/doctor/doctor.h"
#include "app/privilege.h"

#define MEMORY_BYTES      (256u << 20) /* what konn takes at most by default */
#define DESCRIPTORS_LEAST 256
#define COLUMNS_LEAST     40
#define LINES_LEAST       10

void check_kernel(struct doctor *d, struct finding *f)
{
	struct utsname name = {0};

	(void)d;
	(void)uname(&name); /* its argument is there */
	finding_set(f, DOCTOR_INFO, "%.60s %.60s %.60s", name.sysname, name.release,
		name.machine);
}

/* In a child: privileges that are dropped do not come back. */
void check_sandbox(struct doctor *d, struct finding *f)
{
	struct err err = {0};
	int ends[2], status = 0;
	pid_t child;

	(void)d;
	if (pipe2(ends, O_CLOEXEC) != 0) {
		finding_set(f, DOCTOR_MISSING, "no process to try it in");
		return;
	}
	child = fork();
	if (child == 0) {
		(void)privilege_drop(&err); /* err says it */
		_exit(write(ends[1], &err, sizeof(err)) != sizeof(err));
	}
	(void)close(ends[1]); /* the child's */
	err.exit_code = EXIT_SANDBOX;
	if (child < 0 || read(ends[0], &err, sizeof(err)) != sizeof(err))
		finding_set(f, DOCTOR_MISSING, "no process to try it in");
	else if (err.exit_code)
		finding_set(f, DOCTOR_PARTLY, "%.200s", err.text);
	else
		finding_set(f, DOCTOR_WORKS, "a process gave up all its privileges");
	(void)close(ends[0]); /* read to its end */
	if (child > 0)
		(void)waitpid(child, &status, 0); /* what it wrote tells more */
}

void check_memory(struct doctor *d, struct finding *f)
{
	void *map = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)d;
	if (map == MAP_FAILED) {
		finding_set(f, DOCTOR_MISSING,
			"less than %u MiB can be had (or give a smaller --memory)",
			MEMORY_BYTES >> 20);
		finding_command(f, "ulimit -v unlimited");
		return;
	}
	(void)munmap(map, MEMORY_BYTES); /* is mapped */
	finding_set(f, DOCTOR_WORKS, "%u MiB can be had", MEMORY_BYTES >> 20);
}

/* Opens as many as konn may use with some 100 interfaces. */
void check_descriptors(struct doctor *d, struct finding *f)
{
	int fds[DESCRIPTORS_LEAST], n = 0;

	(void)d;
	while (n < DESCRIPTORS_LEAST) {
		fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fds[n] < 0)
			break;
		n++;
	}
	for (int i = 0; i < n; i++)
		(void)close(fds[i]); /* only opened */
	if (n == DESCRIPTORS_LEAST) {
		finding_set(f, DOCTOR_WORKS, "%d can be open at once", n);
		return;
	}
	finding_set(f, DOCTOR_MISSING, "only %d can be open at once", n);
	finding_command(f, "ulimit -n 1024");
}

/* One question that every resolver answers by itself: the name of 127.0.0.1. */
void check_dns(struct doctor *d, struct finding *f)
{
	struct __res_state state = {0};
	unsigned char answer[1024];

	(void)d;
	if (res_ninit(&state) != 0) {
		finding_set(f, DOCTOR_MISSING, "the resolver does not start");
		return;
	}
	state.retrans = 1; /* seconds */
	state.retry = 1;
	if (state.nscount > 3)
		state.nscount = 3;
	if (res_nquery(&state, "1.0.0.127.in-addr.arpa", ns_c_in, ns_t_ptr, answer,
		    sizeof(answer)) >= 0 ||
		state.res_h_errno == HOST_NOT_FOUND || state.res_h_errno == NO_DATA)
		finding_set(f, DOCTOR_WORKS, "a name server answers");
	else
		finding_set(f, DOCTOR_MISSING,
			"no name server of /etc/resolv.conf answers");
	res_nclose(&state);
}

void check_services(struct doctor *d, struct finding *f)
{
	int fd = open("/etc/services", O_RDONLY | O_CLOEXEC);

	(void)d;
	if (fd >= 0) {
		(void)close(fd); /* only read from */
		finding_set(f, DOCTOR_WORKS, "/etc/services");
		return;
	}
	finding_set(f, DOCTOR_MISSING, "/etc/services cannot be read");
	finding_command(f, "sudo apt install netbase");
}

/* ---- the terminal ---- */

/* Where top would paint; -1: nowhere. Not to be closed when it is standard output. */
static int open_terminal(void)
{
	if (isatty(STDOUT_FILENO))
		return STDOUT_FILENO;
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

static void close_terminal(int fd)
{
	if (fd >= 0 && fd != STDOUT_FILENO)
		(void)close(fd); /* nothing was written */
}

/* Reads the terminal's description; *colors: of it. 0: there is none. */
static bool read_terminfo(int fd, int *colors, bool *can_place)
{
	const char *name = getenv("TERM");
	int found = 0;

	if (!name || !*name || setupterm(name, fd, &found) != OK)
		return false;
	*colors = tigetnum("colors");
	*can_place = tigetstr("cup") && tigetstr("clear");
	(void)del_curterm(cur_term); /* top reads it again */
	return true;
}

static void judge_size(struct finding *f, int fd)
{
	struct winsize size = {0};

	if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
		finding_set(f, DOCTOR_PARTLY, "the terminal does not tell its size");
	else if (size.ws_col < COLUMNS_LEAST || size.ws_row < LINES_LEAST)
		finding_set(f, DOCTOR_PARTLY,
			"%u columns, %u lines: make the window larger (80 x 24)",
			size.ws_col, size.ws_row);
	else
		finding_set(f, DOCTOR_WORKS, "%u columns, %u lines", size.ws_col,
			size.ws_row);
	if (size.ws_col == 0 || size.ws_row == 0)
		finding_command(f, "stty columns 80 rows 24");
}

void check_screen(struct doctor *d, struct finding *f)
{
	int fd = open_terminal(), colors;
	bool can_place = false;

	(void)d;
	if (fd < 0) {
		finding_set(f, DOCTOR_MISSING, "there is no terminal here");
	} else if (!read_terminfo(fd, &colors, &can_place)) {
		finding_set(f, DOCTOR_MISSING,
			"TERM=%.60s is not in the terminfo database",
			getenv("TERM") ?: "");
		finding_command(f, "export TERM=xterm");
	} else if (!can_place) {
		finding_set(f, DOCTOR_MISSING, "TERM=%.60s cannot place its cursor",
			getenv("TERM"));
		finding_command(f, "export TERM=xterm");
	} else {
		judge_size(f, fd);
	}
	close_terminal(fd);
}

void check_colors(struct doctor *d, struct finding *f)
{
	int fd = open_terminal(), colors = 0;
	const char *no_color = getenv("NO_COLOR");
	bool can_place;

	(void)d;
	if (fd < 0) {
		finding_set(f, DOCTOR_MISSING, "there is no terminal here");
	} else if (no_color && *no_color) {
		finding_set(f, DOCTOR_MISSING, "NO_COLOR is set");
		finding_command(f, "unset NO_COLOR");
	} else if (read_terminfo(fd, &colors, &can_place) && colors >= 8) {
		finding_set(f, DOCTOR_WORKS, "%d", colors);
	} else {
		finding_set(
			f, DOCTOR_MISSING, "TERM=%.60s has none", getenv("TERM") ?: "");
		finding_command(f, "export TERM=xterm-256color");
	}
	close_terminal(fd);
}

void check_utf8(struct doctor *d, struct finding *f)
{
	bool known = setlocale(LC_CTYPE, "") != NULL;

	(void)d;
	if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0) {
		finding_set(f, DOCTOR_WORKS, "the locale's characters");
		return;
	}
	finding_set(f, DOCTOR_MISSING,
		known ? "the locale has other characters: %s"
		      : "the locale is not known, so %s is used",
		nl_langinfo(CODESET));
	finding_command(f, "export LC_ALL=C.UTF-8");
}
