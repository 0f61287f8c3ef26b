#include "helper/helper.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/err.h"
#include "helper/request.h"

#define IN(state_) (1u << (state_))

struct request_row {
	request_fn *run;
	unsigned states;      /* IN(state) of each state that allows it */
	uint32_t payload_max; /* bytes */
	bool fd;              /* a descriptor may come along */
};

/* A new request is one row here, one file in this folder, one function in client.h. */
static const struct request_row requests[] = {
	[HELPER_HELLO] = {request_hello, IN(HELPER_START), 0, false},
	[HELPER_BYE] = {request_bye, IN(HELPER_START) | IN(HELPER_RUNNING), 0, false},
	[HELPER_CAPTURE_SOCKET] = {request_capture_socket, IN(HELPER_RUNNING), 0,
		false},
};

/* The capabilities that the rows above need; everything else is given up. */
static const unsigned kept_capabilities[] = {CAP_NET_RAW};

static const struct request_row *find_row(uint16_t type)
{
	if (type >= sizeof(requests) / sizeof(requests[0]) || !requests[type].run)
		return NULL;
	return &requests[type];
}

static int carry_out(struct helper *helper, const struct helper_message *request,
	struct helper_message *reply)
{
	const struct helper_header *h = &request->header;
	const struct request_row *row = find_row(h->type);

	if (!row || !(row->states & IN(helper->state)) || h->status != 0 ||
		h->state != 0)
		return -EPROTO;
	if (h->len_bytes > row->payload_max || (request->fd >= 0 && !row->fd))
		return -EPROTO;
	return row->run(helper, request, reply);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing to save */
	*fd = -1;
}

/* One request and its reply; `received` is what helper_message_receive said. */
static int answer(int socket_fd, struct helper *helper, int received,
	struct helper_message *request, struct helper_message *reply)
{
	int status = received;

	reply->fd = -1;
	reply->header = (struct helper_header){.version = HELPER_VERSION,
		.type = request->header.type,
		.serial = request->header.serial};
	if (received == 0)
		status = carry_out(helper, request, reply);
	close_fd(&request->fd);
	if (status < 0)
		reply->header.len_bytes = 0;
	reply->header.status = status;
	reply->header.state = (uint16_t)helper->state;
	reply->header.fds = reply->fd >= 0;
	status = helper_message_send(socket_fd, reply);
	close_fd(&reply->fd);
	return status;
}

int helper_serve(int socket_fd)
{
	struct helper helper = {HELPER_START};
	struct helper_message *box = calloc(2, sizeof(*box));
	int code = EXIT_COMPLETE, status;

	if (!box)
		return EXIT_SOFTWARE;
	while (helper.state != HELPER_DONE) {
		status = helper_message_receive(socket_fd, &box[0]);
		if (status == -ECONNRESET)
			break;
		if (status == 0 || status == -EPROTO)
			status = answer(socket_fd, &helper, status, &box[0], &box[1]);
		if (status == -EPIPE || status == -ECONNRESET)
			break; /* the worker ended before its answer came */
		if (status < 0) {
			code = EXIT_SOFTWARE;
			break;
		}
	}
	free(box);
	return code;
}

/* Standard streams may be a pipe whose reader waits for the end: hold none of them. */
static void let_go_of_files(int socket_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= 2 && null_fd >= 0; fd++)
		if (fd != socket_fd)
			(void)dup2(null_fd, fd); /* else it stays as it was */
	if (socket_fd > 3)
		(void)close_range(3, (unsigned)socket_fd - 1, 0); /* best effort */
	(void)close_range((unsigned)socket_fd + 1, ~0u, 0);       /* best effort */
}

/* Leaves those of kept_capabilities that the process has, and nothing else. */
static bool drop_capabilities(void)
{
	const capng_type_t sets = (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
	const unsigned count = sizeof(kept_capabilities) / sizeof(kept_capabilities[0]);
	uint64_t had = 0;

	if (capng_get_caps_process() != 0)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (capng_have_capability(CAPNG_PERMITTED, kept_capabilities[i]))
			had |= UINT64_C(1) << i;
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned i = 0; i < count; i++)
		if ((had >> i & 1) &&
			capng_update(CAPNG_ADD, sets, kept_capabilities[i]) != 0)
			return false;
	/* The bounding set needs CAP_SETPCAP; without exec it makes no difference. */
	(void)capng_apply(CAPNG_SELECT_BOUNDS);
	return capng_apply(CAPNG_SELECT_CAPS) == 0;
}

static bool drop_privileges(void)
{
	return drop_capabilities() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

int helper_run(int socket_fd)
{
	/* The terminal's ^C and ^Z go to the whole group; the worker decides what ends.
	 */
	static const int ignored[] = {
		SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU};

	for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN); /* cannot fail for these */
	let_go_of_files(socket_fd);
	if (!drop_privileges())
		return EXIT_SANDBOX;
	return helper_serve(socket_fd);
}
