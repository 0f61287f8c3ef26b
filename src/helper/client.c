#include "helper/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "helper/message.h"

/* Sends an empty request and waits its answer. Returns the answer's status or -errno.
 */
static int ask(int helper_fd, uint16_t type, struct helper_message *box)
{
	int status;

	box->header = (struct helper_header){
		.version = HELPER_VERSION, .type = type, .serial = type};
	box->fd = -1;
	status = helper_message_send(helper_fd, box);
	if (status < 0)
		return status;
	status = helper_message_receive(helper_fd, box);
	if (status < 0)
		return status;
	if (box->header.type == type && box->header.serial == type &&
		box->header.status <= 0)
		return box->header.status;
	if (box->fd >= 0)
		(void)close(box->fd); /* nothing to save */
	box->fd = -1;
	return -EPROTO;
}

/* Asks; a descriptor that comes back goes to *out_fd (NULL: none is wanted). */
static int request(int helper_fd, uint16_t type, int *out_fd)
{
	struct helper_message *box = malloc(sizeof(*box));
	int status;

	if (!box)
		return -ENOMEM;
	status = ask(helper_fd, type, box);
	if (status == 0 && (box->fd >= 0) != (out_fd != NULL))
		status = -EPROTO;
	if (status == 0 && out_fd)
		*out_fd = box->fd;
	else if (box->fd >= 0)
		(void)close(box->fd); /* unwanted */
	free(box);
	return status;
}

static int report(struct err *err, int status, const char *what)
{
	if (status < 0) {
		errno = -status;
		(void)err_errno(err, "helper: %s", what); /* status says it */
	}
	return status;
}

int helper_hello(int helper_fd, struct err *err)
{
	return report(err, request(helper_fd, HELPER_HELLO, NULL), "hello");
}

int helper_bye(int helper_fd, struct err *err)
{
	return report(err, request(helper_fd, HELPER_BYE, NULL), "bye");
}

/* Adds one argument so that a shell reads it back as it is. */
static void quote(struct buf *out, const char *arg)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_@%+=:,./-";

	if (*arg && strspn(arg, plain) == strlen(arg)) {
		buf_str(out, arg);
		return;
	}
	buf_char(out, '\'');
	for (; *arg; arg++) {
		if (*arg == '\'')
			buf_str(out, "'\\''");
		else
			buf_char(out, *arg);
	}
	buf_char(out, '\'');
}

/* The path of this executable; false when /proc does not say. */
static bool own_path(char *out, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", out, size - 1);

	if (len <= 0 || (size_t)len >= size - 1)
		return false;
	out[len] = '\0';
	return true;
}

/* The command line as it was typed, but with the whole path: sudo searches elsewhere.
 */
static void own_command(struct buf *out, const char *path)
{
	char args[2048];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, args, sizeof(args)) : -1;

	if (fd >= 0)
		(void)close(fd); /* was only read */
	quote(out, path);
	if (len <= 0 || args[len - 1] != '\0')
		return; /* too long to be repeated */
	for (const char *at = args + strlen(args) + 1; at < args + len;
		at += strlen(at) + 1) {
		buf_char(out, ' ');
		quote(out, at);
	}
}

static void explain_permission(struct err *err)
{
	char path[256];
	struct buf command = {0}, file = {0};

	if (!own_path(path, sizeof(path)))
		memcpy(path, "konn", sizeof("konn"));
	own_command(&command, path);
	quote(&file, path);
	if (command.len > 160) { /* both commands must fit into the message */
		buf_reset(&command);
		buf_add(&command, file.data, file.len);
	}
	(void)err_set(err, EXIT_NO_PERMISSION,
		"no permission to capture packets: run `sudo %s`, or once "
		"`sudo setcap cap_net_raw+ep %s`",
		buf_cstr(&command), buf_cstr(&file)); /* -1 says it */
	buf_done(&command);
	buf_done(&file);
}

int helper_capture_socket(int helper_fd, struct err *err)
{
	int fd = -1;
	int status = request(helper_fd, HELPER_CAPTURE_SOCKET, &fd);

	if (status == -EPERM || status == -EACCES)
		explain_permission(err);
	else
		(void)report(err, status, "capture socket"); /* -1 says it */
	return status < 0 ? -1 : fd;
}
