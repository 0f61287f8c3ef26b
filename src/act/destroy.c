#include "act/destroy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "source/sockets_message.h"

/*
 * Several sockets may share an address (SO_REUSEPORT): the kernel picks one by a hash
 * of the other side, which a socket without a peer leaves free. So many others are
 * tried: of 4 that share, all but 1 in 10^31 times one is the right one; of 64, all but
 * 2 in 100 times.
 */
#define GUESSES 256u

struct request {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};
_Static_assert(sizeof(struct request) == SOCKETS_REQUEST_BYTES, "no padding");

struct look {
	const struct socket_fact *wanted;
	bool found;
	bool other; /* a socket with these addresses and another cookie */
};

int destroy_open(void)
{
	int fd = socket(
		AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);

	return fd < 0 ? -errno : fd;
}

/* `guess`: a peer's port for a socket that has none. */
static struct request make(
	const struct socket_fact *fact, uint16_t type, uint32_t guess)
{
	/* IPv6 sockets that speak IPv4 are found by IPv4's addresses, bound ones too.
	 */
	bool v4 = fact->family == FAMILY_V4;
	struct request r = {
		.head = {.nlmsg_len = sizeof(r),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			.nlmsg_seq = guess + 1},
		.body = {.sdiag_family = v4 ? AF_INET : AF_INET6,
			.sdiag_protocol = fact->proto,
			.idiag_states = -1u,
			.id = {.idiag_sport = htons(fact->local_port),
				.idiag_dport = htons(fact->peer_port),
				.idiag_if = fact->ifindex,
				.idiag_cookie = {(uint32_t)fact->cookie,
					(uint32_t)(fact->cookie >> 32)}}},
	};
	size_t from = v4 ? 12 : 0, len = v4 ? 4 : 16;

	memcpy(r.body.id.idiag_src, fact->local.b + from, len);
	if (socket_has(fact, SOCKET_PEER)) {
		memcpy(r.body.id.idiag_dst, fact->peer.b + from, len);
	} else if (guess) {
		r.body.id.idiag_dport = htons((uint16_t)guess);
		memcpy(r.body.id.idiag_dst, fact->local.b + from, len);
	}
	return r;
}

static int ask(int fd, const struct request *r)
{
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t sent;

	do
		sent = sendto(fd, r, sizeof(*r), 0, (const struct sockaddr *)&kernel,
			sizeof(kernel));
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* The next datagram of the kernel's; its length or -errno. */
static ssize_t receive(int fd, void *bytes, size_t room)
{
	struct sockaddr_nl from = {0};
	socklen_t from_len;
	ssize_t got;

	do {
		from_len = sizeof(from);
		got = recvfrom(fd, bytes, room, 0, (struct sockaddr *)&from, &from_len);
	} while ((got < 0 && errno == EINTR) || (got >= 0 && from.nl_pid != 0));
	return got < 0 ? -errno : got;
}

/* 0 or -errno as the kernel acknowledged. */
static int request_destroy(int fd, const struct socket_fact *fact, uint32_t guess)
{
	struct request r = make(fact, SOCK_DESTROY, guess);
	_Alignas(8) uint8_t bytes[512]; /* the error, and what was asked */
	struct nlmsghdr head;
	ssize_t got = ask(fd, &r);
	int32_t error;

	while (got >= 0) {
		got = receive(fd, bytes, sizeof(bytes));
		if (got < (ssize_t)(sizeof(head) + sizeof(error)))
			continue; /* an error ends the loop, the rest is no answer */
		memcpy(&head, bytes, sizeof(head));
		memcpy(&error, bytes + sizeof(head), sizeof(error));
		if (head.nlmsg_type == NLMSG_ERROR &&
			head.nlmsg_seq == r.head.nlmsg_seq)
			return error;
	}
	return (int)got;
}

static void note(void *ctx, const struct socket_fact *fact)
{
	struct look *look = ctx;
	const struct socket_fact *w = look->wanted;

	if (fact->cookie == w->cookie)
		look->found = true;
	else if (fact->local_port == w->local_port && fact->peer_port == w->peer_port &&
		 addr_equal(&fact->local, &w->local) &&
		 addr_equal(&fact->peer, &w->peer))
		look->other = true;
}

/* Goes through the whole table that the socket is in; 0 or -errno. */
static int look_again(int fd, struct look *look)
{
	const struct socket_fact *w = look->wanted;
	struct sockets_parser parser = {.serial = GUESSES + 2, .proto = w->proto};
	struct sockets_sink sink = {look, note};
	struct request r;
	ssize_t r_len;
	uint8_t bytes[SOCKETS_REQUEST_BYTES];
	_Alignas(8) uint8_t answer[SOCKETS_RECEIVE_BYTES];
	struct sockets_query query = {
		.family = w->family == FAMILY_V4 && !w->mapped ? FAMILY_V4 : FAMILY_V6,
		.proto = w->proto,
		.states = SOCKETS_EVERY_STATE};
	int more = 1;

	sockets_message_request(&query, parser.serial, bytes);
	memcpy(&r, bytes, sizeof(r));
	/* The kernel leaves out what has other ports (inet_diag_dump_icsk, udp_dump).
	 */
	r.body.id.idiag_sport = htons(w->local_port);
	r_len = ask(fd, &r);
	while (r_len >= 0 && more > 0) {
		r_len = receive(fd, answer, sizeof(answer));
		if (r_len > 0)
			more = sockets_message_parse(
				&parser, answer, (size_t)r_len, &sink);
	}
	return r_len < 0 ? (int)r_len : more;
}

/* Of sockets that share an address, finds the one with this cookie. */
static int destroy_shared(int fd, const struct socket_fact *fact)
{
	int r = -ENOENT;

	for (uint32_t guess = 1; r == -ENOENT && guess <= GUESSES; guess++)
		r = request_destroy(fd, fact, guess);
	return r;
}

static void judge(struct act_result *out, const struct look *look, int r)
{
	bool stream = out->target.proto == PROTO_TCP;

	if (r != 0 && r != -ENOENT) {
		result_refused(out, -r);
		return;
	}
	out->proof = ACT_PROOF_table;
	if (r == 0 && look->found)
		out->outcome = stream ? ACT_OUTCOME_survives : ACT_OUTCOME_interrupted;
	else if (r == 0)
		out->outcome = ACT_OUTCOME_gone;
	else if (look->found)
		out->outcome = ACT_OUTCOME_shadowed;
	else
		out->outcome = look->other ? ACT_OUTCOME_other_socket
					   : ACT_OUTCOME_already_gone;
}

void destroy_socket(int fd, const struct socket_fact *fact, struct act_result *out)
{
	struct look look = {.wanted = fact};
	int r, seen;

	*out = (struct act_result){
		.what = ACT_destroy,
		.target = {.local = fact->local,
			.peer = fact->peer,
			.local_port = fact->local_port,
			.peer_port = fact->peer_port,
			.proto = fact->proto,
			.family = fact->family,
			.cookie = fact->cookie},
	};
	if (!fact->cookie) { /* the kernel would take any socket (INET_DIAG_NOCOOKIE) */
		result_refused(out, EINVAL);
		return;
	}
	r = request_destroy(fd, fact, 0);
	seen = look_again(fd, &look);
	if (r == -ENOENT && seen == 0 && look.found && !socket_has(fact, SOCKET_PEER)) {
		r = destroy_shared(fd, fact);
		look = (struct look){.wanted = fact};
		seen = look_again(fd, &look);
	}
	judge(out, &look, r);
	if (seen != 0 && (r == 0 || r == -ENOENT)) {
		out->proof = r == 0 ? ACT_PROOF_kernel : ACT_PROOF_NONE;
		out->outcome = r == 0 ? ACT_OUTCOME_gone : ACT_OUTCOME_unproven;
		out->error = -seen;
	}
}
