#include "helper/request.h"

#include <errno.h>
#include <sys/socket.h>

/*
 * Protocol 0: such a socket receives nothing until it is bound with one, so the worker
 * can set its filter first. Ring, filter and binding need no privilege (packet(7)).
 */
int request_capture_socket(struct helper *helper, const struct helper_message *request,
	struct helper_message *reply)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)helper;
	(void)request;
	if (fd < 0)
		return -errno;
	reply->fd = fd;
	return 0;
}
