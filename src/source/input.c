#include "source/input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/inflate.h"

int input_open(struct input *in, int fd, size_t window_bytes)
{
	struct stat st;
	off_t start;

	*in = (struct input){.fd = fd, .cap = window_bytes};
	if (fstat(fd, &st) < 0)
		return -errno;
	in->regular = S_ISREG(st.st_mode);
	start = in->regular ? lseek(fd, 0, SEEK_CUR) : 0;
	in->start = start < 0 ? 0 : (uint64_t)start;
	in->window = malloc(window_bytes);
	return in->window ? 0 : -ENOMEM;
}

void input_close(struct input *in)
{
	inflate_free(in->inflate);
	free(in->window);
	in->inflate = NULL;
	in->window = NULL;
	in->at = in->end = in->cap = 0;
}

static bool wait_for(int fd, enum input_wait wait)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, wait == INPUT_WAIT ? -1 : 0);
	while (n < 0 && errno == EINTR && wait == INPUT_WAIT);
	return n > 0;
}

bool input_readable(const struct input *in)
{
	return in->regular || wait_for(in->fd, INPUT_NO_WAIT);
}

enum input_status input_read_raw(
	struct input *in, void *out, size_t most, enum input_wait wait, size_t *out_len)
{
	ssize_t n;

	do {
		if (!in->regular && !wait_for(in->fd, wait))
			return INPUT_IDLE;
		/* pread: probing a file for its first packet must not move it */
		n = in->regular ? pread(in->fd, out, most,
					  (off_t)(in->start + in->read_bytes))
				: read(in->fd, out, most);
	} while (n < 0 && (errno == EINTR || wait == INPUT_WAIT && errno == EAGAIN));
	if (n < 0)
		return errno == EAGAIN ? INPUT_IDLE : INPUT_BROKEN;
	in->read_bytes += (uint64_t)n;
	*out_len = (size_t)n;
	return n ? INPUT_READY : INPUT_END;
}

/* Unread bytes go to the front, and there is room for `want` of them. */
static int make_room(struct input *in, size_t want)
{
	size_t unread = in->end - in->at, cap = in->cap;
	uint8_t *bigger;

	if (unread && in->at)
		memmove(in->window, in->window + in->at, unread);
	in->base += in->at;
	in->at = 0;
	in->end = unread;
	while (cap < want)
		cap *= 2;
	if (cap == in->cap)
		return 0;
	bigger = realloc(in->window, cap);
	if (!bigger)
		return -ENOMEM;
	in->window = bigger;
	in->cap = cap;
	return 0;
}

static enum input_status fill(struct input *in, struct err *err)
{
	uint8_t *to = in->window + in->end;
	size_t room = in->cap - in->end, len = 0;
	enum input_status status;

	if (in->inflate) {
		status = inflate_read(in->inflate, to, room, &len, err);
	} else {
		status = input_read_raw(in, to, room, INPUT_NO_WAIT, &len);
		if (status == INPUT_BROKEN)
			(void)err_set(err, EXIT_PARTIAL, "%s", strerror(errno));
	}
	in->end += len;
	in->eof = status == INPUT_END;
	return status;
}

enum input_status input_want(struct input *in, size_t want, struct err *err)
{
	enum input_status status;

	if (make_room(in, want) < 0) {
		(void)err_set(err, EXIT_PARTIAL, "out of memory");
		return INPUT_BROKEN;
	}
	while (in->end - in->at < want) {
		if (in->eof)
			return INPUT_END;
		status = fill(in, err);
		if (status != INPUT_READY)
			return status;
	}
	return INPUT_READY;
}

int input_unpack(struct input *in, struct err *err)
{
	struct cur first = input_unread(in);

	in->inflate = inflate_new(in, first.at, cur_left(&first), err);
	if (!in->inflate)
		return -EINVAL;
	in->base = 0;
	in->at = in->end = 0;
	in->eof = false;
	return 0;
}
