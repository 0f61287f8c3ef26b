#include "act/block.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act/block_message.h"

static int send_batch(int fd, const struct block_message *m)
{
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t sent;

	do
		sent = sendto(fd, m->bytes, m->len, 0, (const struct sockaddr *)&kernel,
			sizeof(kernel));
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* The first error among the answers; 0. Each message has one, already in the queue. */
static int read_answers(int fd, const struct block_message *m)
{
	_Alignas(8) uint8_t bytes[BLOCK_MESSAGE_BYTES];
	struct nlmsghdr head;
	int32_t error;
	int first = 0;
	bool any = false;

	for (;;) {
		ssize_t got = recv(fd, bytes, sizeof(bytes), 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		if (got < (ssize_t)(sizeof(head) + sizeof(error)))
			continue;
		memcpy(&head, bytes, sizeof(head));
		memcpy(&error, bytes + sizeof(head), sizeof(error));
		if (head.nlmsg_type != NLMSG_ERROR ||
			head.nlmsg_seq - m->serial > m->last - m->serial)
			continue;
		any = true;
		if (!first)
			first = error;
	}
	return any || errno != EAGAIN ? first : -EIO;
}

static int commit(struct block *b, const struct block_message *m)
{
	int r = send_batch(b->fd, m);

	b->serial = m->last + 1;
	return r < 0 ? r : read_answers(b->fd, m);
}

static int create(struct block *b, bool owned)
{
	struct block_message m;

	block_message_create(&m, b->serial, owned);
	b->owned = owned;
	return commit(b, &m);
}

static int remove_table(struct block *b)
{
	struct block_message m;

	block_message_remove(&m, b->serial);
	return commit(b, &m);
}

static bool exists(struct block *b)
{
	struct block_message m;

	block_message_ask(&m, b->serial);
	return commit(b, &m) == 0;
}

int block_open(struct block *b)
{
	int r;

	*b = (struct block){.serial = 1};
	b->fd = socket(
		AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (b->fd < 0)
		return -errno;
	r = create(b, true);
	if (r == -EEXIST && remove_table(b) == 0) /* left by one that is dead */
		r = create(b, true);
	if (r == -EOPNOTSUPP || r == -EINVAL) {
		r = create(b, false);
		if (r == -EEXIST && remove_table(b) == 0)
			r = create(b, false);
	}
	if (r == 0)
		return 0;
	/* A table that is owned by another descriptor is -EPERM to all others. */
	if (r == -EEXIST || (r == -EPERM && exists(b)))
		r = -EBUSY;
	(void)close(b->fd); /* the table was not made */
	b->fd = -1;
	return r;
}

void block_close(struct block *b)
{
	if (b->fd < 0)
		return;
	(void)remove_table(b); /* closing does the same, but later (a work queue) */
	(void)close(b->fd);
	b->fd = -1;
}

void block_add(struct block *b, const struct act_target *target, uint64_t timeout_ms,
	struct act_result *out)
{
	struct block_message m;
	int r;

	*out = (struct act_result){.what = ACT_block, .target = *target};
	block_message_add(&m, b->serial, target, timeout_ms);
	r = commit(b, &m);
	if (r < 0) {
		result_refused(out, -r);
		return;
	}
	out->outcome = ACT_OUTCOME_blocked;
	out->proof = ACT_PROOF_kernel;
}

int block_delete(struct block *b, const struct act_target *target)
{
	struct block_message m;

	block_message_delete(&m, b->serial, target);
	return commit(b, &m);
}
