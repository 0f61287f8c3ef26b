#include "act/own.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/proto.h"

#define DESCRIPTORS_TRIED 4096

enum kernel_state { /* include/net/tcp_states.h */
	KERNEL_ESTABLISHED = 1,
	KERNEL_CLOSE = 7,
	KERNEL_CLOSE_WAIT = 8,
};

/* A duplicate of the descriptor if it is that socket; else -errno (-ESTALE: another).
 */
static int take(int pidfd, int number, uint64_t cookie)
{
	uint64_t found = 0;
	socklen_t len = sizeof(found);
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &found, &len) == 0 && found == cookie)
		return fd;
	(void)close(fd); /* a duplicate: its owner keeps it */
	return -ESTALE;
}

static int find(int pidfd, int number, uint64_t cookie)
{
	int fd = number >= 0 ? take(pidfd, number, cookie) : -EBADF;

	for (int i = 0; i < DESCRIPTORS_TRIED && (fd == -EBADF || fd == -ESTALE); i++)
		fd = take(pidfd, i, cookie);
	return fd == -EBADF || fd == -ESTALE ? -ENOENT : fd;
}

/* 0: not told. */
static uint8_t state_of(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_state
								       : 0;
}

static int act(int fd, enum own_way way)
{
	static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	int r = way == OWN_SHUT ? shutdown(fd, SHUT_RDWR)
				: connect(fd, &nobody, sizeof(nobody));

	return r == 0 ? 0 : -errno;
}

static void judge_stream(struct act_result *out, uint8_t state)
{
	out->proof = ACT_PROOF_socket;
	if (state == KERNEL_CLOSE)
		out->outcome = ACT_OUTCOME_gone;
	else if (state == KERNEL_ESTABLISHED || state == KERNEL_CLOSE_WAIT || !state)
		out->outcome = ACT_OUTCOME_survives;
	else
		out->outcome = ACT_OUTCOME_closing;
}

static void close_found(int fd, enum own_way way, struct act_result *out)
{
	bool stream = out->target.proto == PROTO_TCP;
	int r;

	if (stream && state_of(fd) == KERNEL_CLOSE) {
		out->outcome = ACT_OUTCOME_already_gone;
		out->proof = ACT_PROOF_socket;
		return;
	}
	r = act(fd, way);
	if (r == -ENOTCONN && stream) /* it ended in this moment */
		r = 0;
	if (r < 0) {
		/* A socket without a peer has nothing that could be shut. */
		result_refused(out, r == -ENOTCONN ? EOPNOTSUPP : -r);
	} else if (stream) {
		judge_stream(out, state_of(fd));
	} else {
		out->outcome = ACT_OUTCOME_interrupted;
		out->proof = ACT_PROOF_kernel;
	}
}

void own_close(const struct act_target *target, int fd, enum own_way way,
	struct act_result *out)
{
	int pidfd, copy;

	*out = (struct act_result){
		.what = way == OWN_SHUT ? ACT_shut : ACT_abort, .target = *target};
	if (!target->cookie || target->pid <= 0) {
		result_refused(out, EINVAL);
		return;
	}
	pidfd = (int)syscall(SYS_pidfd_open, target->pid, 0);
	if (pidfd < 0) {
		result_refused(out, errno);
		return;
	}
	copy = find(pidfd, fd, target->cookie);
	(void)close(pidfd); /* nothing is buffered */
	if (copy < 0) {
		result_refused(out, -copy);
		return;
	}
	close_found(copy, way, out);
	(void)close(copy); /* a duplicate: its owner keeps it */
}
