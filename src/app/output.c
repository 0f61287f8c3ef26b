#include "app/output.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Another program may have made the terminal or pipe non-blocking. */
static bool wait_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

int output_flush(struct output *o, struct err *err)
{
	size_t done = 0;
	int ret = o->buf.oom ? -ENOMEM : 0;

	if (ret < 0) {
		errno = ENOMEM;
		(void)err_errno(err, "write"); /* ret says it */
	}
	while (!o->gone && done < o->buf.len) {
		ssize_t n = write(o->fd, o->buf.data + done, o->buf.len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno == EPIPE)
			o->gone = true;
		else if (errno == EAGAIN && wait_writable(o->fd))
			continue;
		else if (errno != EINTR) {
			ret = err_errno(err, "write");
			if (err)
				err->exit_code = EXIT_WRITE;
			break;
		}
	}
	buf_reset(&o->buf);
	return ret;
}

void output_done(struct output *o)
{
	buf_done(&o->buf);
}
