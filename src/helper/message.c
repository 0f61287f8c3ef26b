#include "helper/message.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Room for more descriptors than allowed: those in excess must be seen to be closed. */
#define CONTROL_FDS 8

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(CONTROL_FDS * sizeof(int))];
};

/* Takes the first descriptor of one control message, closes the others; counts all. */
static void collect(struct cmsghdr *c, int *fd, unsigned *count)
{
	size_t fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int each;

	if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	for (size_t i = 0; i < fds; i++) {
		memcpy(&each, CMSG_DATA(c) + i * sizeof(int), sizeof(each));
		if ((*count)++ == 0)
			*fd = each;
		else
			(void)close(each); /* nothing to save */
	}
}

static bool consistent(const struct helper_header *h, size_t got, unsigned fds)
{
	static const uint8_t zero[sizeof(h->reserved)];

	return got >= sizeof(*h) && h->version == HELPER_VERSION &&
	       h->len_bytes == got - sizeof(*h) && h->fds == fds && fds <= 1 &&
	       memcmp(h->reserved, zero, sizeof(zero)) == 0;
}

static ssize_t receive_once(int socket_fd, struct msghdr *msg)
{
	ssize_t got;

	do
		got = recvmsg(socket_fd, msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	return got;
}

int helper_message_receive(int socket_fd, struct helper_message *out)
{
	union control control = {0};
	struct iovec iov[2] = {{&out->header, sizeof(out->header)},
		{out->payload, sizeof(out->payload)}};
	struct msghdr msg = {.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	unsigned fds = 0;
	ssize_t got;

	out->fd = -1;
	memset(&out->header, 0, sizeof(out->header));
	got = receive_once(socket_fd, &msg);
	if (got < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		collect(c, &out->fd, &fds);
	if (got == 0 && fds == 0)
		return -ECONNRESET; /* SEQPACKET: an empty datagram means the end as
				       well */
	if (!(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
		consistent(&out->header, (size_t)got, fds))
		return 0;
	if (out->fd >= 0)
		(void)close(out->fd); /* nothing to save */
	out->fd = -1;
	return -EPROTO;
}

int helper_message_send(int socket_fd, const struct helper_message *message)
{
	union control control = {0};
	struct iovec iov[2] = {
		{(void *)(uintptr_t)&message->header, sizeof(message->header)},
		{(void *)(uintptr_t)message->payload, message->header.len_bytes}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	struct cmsghdr *c;
	ssize_t sent;

	if (message->header.len_bytes > sizeof(message->payload))
		return -EMSGSIZE;
	if (message->fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &message->fd, sizeof(int));
	}
	do
		sent = sendmsg(socket_fd, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}
