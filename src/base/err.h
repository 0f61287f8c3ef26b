/* err — one error message with the exit code it deserves, filled by whoever failed. */
#ifndef KONN_BASE_ERR_H
#define KONN_BASE_ERR_H

/* Exit codes of the program (sysexits(3) where one fits). */
enum exit_code {
	EXIT_COMPLETE = 0,
	EXIT_PARTIAL = 1, /* damaged input; what could be read is shown */
	EXIT_USAGE = 64,
	EXIT_NO_INPUT = 66,
	EXIT_NO_INTERFACE = 69,
	EXIT_SOFTWARE = 70,
	EXIT_WRITE = 74,
	EXIT_NO_PERMISSION = 77,
	EXIT_SANDBOX = 78,
};

struct err {
	int exit_code;  /* one of enum exit_code; 0: no error was noted */
	char text[480]; /* one line without newline; whoever prints it cleans it */
};

/* Notes a message; the newest wins. `err` may be NULL. Returns -EINVAL. */
int err_set(struct err *err, int exit_code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Notes a message followed by ": " and strerror(errno). The exit code follows errno:
 * EPERM, EACCES: 77; ENOENT, EISDIR, ENOTDIR: 66; ENODEV, ENXIO: 69; else 74.
 * `err` may be NULL. Returns -errno.
 */
int err_errno(struct err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
