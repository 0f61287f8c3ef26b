#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int exit_code, const char *format, ...)
{
	va_list args;

	if (!err)
		return -EINVAL;
	err->exit_code = exit_code;
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, args); /* cut is fine */
	va_end(args);
	return -EINVAL;
}

static int exit_code_of(int errnum)
{
	switch (errnum) {
	case EPERM:
	case EACCES: return EXIT_NO_PERMISSION;
	case ENOENT:
	case EISDIR:
	case ENOTDIR: return EXIT_NO_INPUT;
	case ENODEV:
	case ENXIO: return EXIT_NO_INTERFACE;
	default: return EXIT_WRITE;
	}
}

int err_errno(struct err *err, const char *format, ...)
{
	int errnum = errno;
	size_t used;
	va_list args;

	if (!err)
		return -errnum;
	err->exit_code = exit_code_of(errnum);
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, args); /* cut is fine */
	va_end(args);
	used = strlen(err->text);
	(void)snprintf(err->text + used, sizeof(err->text) - used, ": %s",
		strerror(errnum)); /* cut is fine */
	return -errnum;
}
