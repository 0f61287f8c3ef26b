#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/doctor/rights.h"
#include "source/sockets.h"

#define PATIENCE_MS 1000 /* for one message of the kernel about a socket of our own */

/*
 * A listening socket of our own, on which the others' sockets' actions are tried. Bound
 * to loopback, and freely, so that it needs no interface to be up. -errno.
 */
static int open_listener(uint64_t *cookie)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1, ret;
	socklen_t len = sizeof(*cookie);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &yes, sizeof(yes)) == 0 &&
		bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
		listen(fd, 0) == 0 &&
		getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &len) == 0)
		return fd;
	ret = -errno;
	(void)close(fd); /* nothing was written */
	return ret;
}

/* ---- tables ---- */

static void ignore_socket(void *ctx, const struct socket_fact *fact)
{
	(void)ctx, (void)fact;
}

static void check_table(struct finding *f, enum family family, uint8_t proto)
{
	const struct sockets_query query = {.family = (uint8_t)family,
		.proto = proto,
		.states = SOCKETS_EVERY_STATE};
	const struct sockets_sink sink = {.tell = ignore_socket};
	bool tcp = proto == PROTO_TCP;
	struct sockets sockets;
	int ret = sockets_open(&sockets, 0);

	if (ret == 0) {
		ret = sockets_dump(&sockets, &query, &sink);
		finding_set(f, DOCTOR_WORKS, "%" PRIu64 " in the kernel's table",
			sockets.parser.status.facts);
		sockets_close(&sockets);
	}
	if (ret == -ENOENT || ret == -EPROTONOSUPPORT) {
		finding_set(f, DOCTOR_MISSING,
			"the kernel has no sock_diag for them (CONFIG_INET_DIAG, "
			"CONFIG_INET_%s_DIAG)",
			tcp ? "TCP" : "UDP");
		finding_command(
			f, "sudo modprobe -a inet_diag %s_diag", tcp ? "tcp" : "udp");
	} else if (ret < 0) {
		finding_set(f, DOCTOR_MISSING, "sock_diag: %s", strerror(-ret));
	}
}

void check_tcp4(struct doctor *d, struct finding *f)
{
	(void)d;
	check_table(f, FAMILY_V4, PROTO_TCP);
}

void check_tcp6(struct doctor *d, struct finding *f)
{
	(void)d;
	check_table(f, FAMILY_V6, PROTO_TCP);
}

void check_udp4(struct doctor *d, struct finding *f)
{
	(void)d;
	check_table(f, FAMILY_V4, PROTO_UDP);
}

void check_udp6(struct doctor *d, struct finding *f)
{
	(void)d;
	check_table(f, FAMILY_V6, PROTO_UDP);
}

struct search {
	uint64_t cookie;
	uint64_t has; /* of the socket that was found */
	bool found;
};

static void find_socket(void *ctx, const struct socket_fact *fact)
{
	struct search *s = ctx;

	if (fact->cookie != s->cookie)
		return;
	s->found = true;
	s->has = fact->has;
}

/* Connects to the listener. A descriptor that ends without a trace, or -errno. */
static int connect_to(int listener)
{
	const struct linger at_once = {.l_onoff = 1};
	struct sockaddr_in at = {0};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), ret;

	if (fd < 0)
		return -errno;
	if (getsockname(listener, (struct sockaddr *)&at, &len) == 0 &&
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0 &&
		(connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 ||
			errno == EINPROGRESS))
		return fd;
	ret = -errno;
	(void)close(fd); /* nothing was written */
	return ret;
}

/* What the kernel tells of a connection of konn's own. 0 or -errno. */
static int ask_figures(int fd, uint64_t *out_has)
{
	const struct sockets_query query = {.family = FAMILY_V4,
		.proto = PROTO_TCP,
		.details = SOCKETS_TCP,
		.states = SOCKETS_EVERY_STATE};
	struct search search = {0};
	const struct sockets_sink sink = {&search, find_socket};
	socklen_t len = sizeof(search.cookie);
	struct sockets sockets;
	int ret;

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &search.cookie, &len) != 0)
		return -errno;
	ret = sockets_open(&sockets, 0);
	if (ret < 0)
		return ret;
	ret = sockets_dump(&sockets, &query, &sink);
	sockets_close(&sockets);
	*out_has = search.has;
	return ret;
}

void check_tcp_info(struct doctor *d, struct finding *f)
{
	uint64_t cookie = 0, has = 0;
	int listener = open_listener(&cookie), fd = -1, ret = listener;

	(void)d;
	if (listener >= 0)
		ret = fd = connect_to(listener);
	if (fd >= 0)
		ret = ask_figures(fd, &has);
	if (ret == -ENETUNREACH)
		finding_set(f, DOCTOR_UNKNOWN,
			"loopback is down: there is no connection to try it on");
	else if (ret < 0)
		finding_set(f, DOCTOR_MISSING, "sock_diag: %s", strerror(-ret));
	else if (!(has & SOCKET_HAS(SOCKET_TCP)))
		finding_set(f, DOCTOR_MISSING, "sock_diag tells no tcp_info");
	else if (!(has & SOCKET_HAS(SOCKET_BYTES)))
		finding_set(f, DOCTOR_WORKS, "tcp_info, without counters of bytes");
	else
		finding_set(f, DOCTOR_WORKS, "tcp_info with counters of bytes");
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
	if (listener >= 0)
		(void)close(listener); /* nothing was written */
}

/* ---- deaths ---- */

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* always there */
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

/* A socket of our own ends: is it told? 0 or -errno. */
static int wait_death(struct sockets_events *events)
{
	struct search search = {0};
	const struct sockets_sink sink = {&search, find_socket};
	struct pollfd p = {.fd = events->fd, .events = POLLIN};
	int64_t end = now_ms() + PATIENCE_MS;
	int fd = open_listener(&search.cookie), ret = 0;

	if (fd < 0)
		return fd;
	(void)close(fd); /* its end is what we wait for */
	while (ret >= 0 && !search.found && now_ms() < end) {
		(void)poll(&p, 1, 50); /* interrupted or not: read */
		ret = sockets_events_read(events, &sink);
	}
	if (ret < 0)
		return ret;
	return search.found ? 0 : -ETIMEDOUT;
}

void check_deaths(struct doctor *d, struct finding *f)
{
	struct sockets_events events;
	int ret = sockets_events_open(&events, 0, SOCKETS_EVENTS_BYTES), got = 0;
	socklen_t len = sizeof(got);

	(void)d;
	if (ret == 0) {
		ret = wait_death(&events);
		(void)getsockopt(events.fd, SOL_SOCKET, SO_RCVBUF, &got, &len);
		sockets_events_close(&events);
	}
	if (ret < 0) {
		finding_set(f, DOCTOR_MISSING, "sock_diag events: %s", strerror(-ret));
	} else if ((unsigned)got < SOCKETS_EVENTS_BYTES) {
		finding_set(f, DOCTOR_PARTLY,
			"told, but many at once may be lost: %d KiB of buffer",
			got / 1024);
		rights_refused(f, RIGHT(CAP_NET_ADMIN));
	} else {
		finding_set(
			f, DOCTOR_WORKS, "told by events, %d MiB of buffer", got >> 20);
	}
}

/* ---- closing ---- */

struct destroy {
	struct nlmsghdr head;
	struct inet_diag_req_v2 what;
};

struct answer {
	struct nlmsghdr head;
	struct nlmsgerr error;
	struct inet_diag_req_v2 what; /* repeated on failure */
};

/* Asks the kernel to close the listener `fd`, named by its cookie. 0 or -errno. */
static int destroy(int diag_fd, int fd, uint64_t cookie)
{
	struct sockaddr_in at = {0};
	socklen_t len = sizeof(at);
	struct destroy ask = {
		.head = {.nlmsg_len = sizeof(ask),
			.nlmsg_type = SOCK_DESTROY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.what = {.sdiag_family = AF_INET,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = UINT32_MAX},
	};
	struct answer answer = {0};
	struct timeval patience = {.tv_sec = 1};

	if (getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return -errno;
	ask.what.id.idiag_sport = at.sin_port;
	ask.what.id.idiag_src[0] = at.sin_addr.s_addr;
	ask.what.id.idiag_cookie[0] = (uint32_t)cookie;
	ask.what.id.idiag_cookie[1] = (uint32_t)(cookie >> 32);
	if (setsockopt(diag_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
		send(diag_fd, &ask, sizeof(ask), 0) < 0)
		return -errno;
	if (recv(diag_fd, &answer, sizeof(answer), 0) < 0)
		return -errno;
	return answer.head.nlmsg_type == NLMSG_ERROR ? answer.error.error : -EPROTO;
}

void check_close_any(struct doctor *d, struct finding *f)
{
	uint64_t cookie = 0;
	int fd = open_listener(&cookie), ret = fd, diag_fd = -1;

	(void)d;
	if (fd >= 0) {
		diag_fd = socket(
			AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
		ret = diag_fd < 0 ? -errno : destroy(diag_fd, fd, cookie);
		(void)close(fd); /* nothing was written */
	}
	if (diag_fd >= 0)
		(void)close(diag_fd); /* was answered */
	if (ret == -EOPNOTSUPP || ret == -EINVAL) {
		finding_set(f, DOCTOR_MISSING,
			"the kernel is built without CONFIG_INET_DIAG_DESTROY");
	} else if (ret == -EPERM) {
		finding_set(f, DOCTOR_MISSING, "sock_diag closes none");
		rights_refused(f, RIGHT(CAP_NET_ADMIN));
	} else if (ret < 0) {
		finding_set(f, DOCTOR_MISSING, "sock_diag: %s", strerror(-ret));
	} else {
		finding_set(f, DOCTOR_WORKS, "closed a socket of konn's own");
	}
}

/* As the child: takes a descriptor out of another process (pidfd_getfd(2)). 0 or errno.
 */
static int take_descriptor(pid_t from, int fd)
{
	int process = (int)syscall(SYS_pidfd_open, from, 0);

	if (process < 0)
		return errno;
	return syscall(SYS_pidfd_getfd, process, fd, 0) < 0 ? errno : 0;
}

/*
 * The child takes from its parent, not the other way: Yama lets a process into its own
 * descendants when it refuses it everywhere else.
 */
void check_close_own(struct doctor *d, struct finding *f)
{
	uint64_t cookie = 0;
	int fd = open_listener(&cookie), status = 0, dumpable;
	pid_t self = getpid(), child;

	(void)d;
	if (fd < 0) {
		finding_set(f, DOCTOR_MISSING, "no socket: %s", strerror(-fd));
		return;
	}
	/* Rights of konn's file make it another's process; those it closes have none.
	 */
	dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* else the trial fails */
	child = fork();
	if (child == 0)
		_exit(take_descriptor(self, fd));
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		status = EIO << 8;
	(void)prctl(PR_SET_DUMPABLE, dumpable == 1, 0, 0, 0); /* as it was */
	(void)close(fd);                                      /* nothing was written */
	status = WEXITSTATUS(status);
	if (status == 0) {
		finding_set(f, DOCTOR_WORKS, "descriptors can be shared (pidfd_getfd)");
	} else if (status == EPERM) {
		finding_set(f, DOCTOR_MISSING,
			"pidfd_getfd is refused (Yama, a container's seccomp?)");
		if (access("/proc/sys/kernel/yama/ptrace_scope", F_OK) == 0)
			finding_command(f, "sudo sysctl -w kernel.yama.ptrace_scope=0");
	} else {
		finding_set(f, DOCTOR_MISSING, "pidfd_getfd: %s", strerror(status));
	}
}
