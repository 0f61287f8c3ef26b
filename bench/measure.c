/* measure — runs a command with its output thrown away and prints what it cost:
 * user seconds, system seconds, peak RSS in KiB of the largest process, exit code.
 * A program of its own because a child inherits the peak RSS of who starts it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(char **command)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		(void)dup2(null, 0);
		(void)dup2(null, 1);
		(void)dup2(null, 2);
	}
	execvp(command[0], command);
	_exit(127);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct rusage used;
	int status = 0, first = 0;
	pid_t pid, ended;

	if (argc < 2) {
		fputs("usage: measure COMMAND [ARGS…]\n", stderr);
		return 64;
	}
	/* What the command leaves behind is waited for here, so that its cost counts.
	 */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (pid == 0)
		child(argv + 1);
	while ((ended = wait(&status)) > 0) {
		if (ended == pid)
			first = status;
	}
	if (pid < 0 || errno != ECHILD || getrusage(RUSAGE_CHILDREN, &used) != 0) {
		fprintf(stderr, "measure: %s\n", strerror(errno));
		return 71;
	}
	printf("%.3f %.3f %ld %d\n", seconds(used.ru_utime), seconds(used.ru_stime),
		used.ru_maxrss, WIFEXITED(first) ? WEXITSTATUS(first) : 128);
	return 0;
}
