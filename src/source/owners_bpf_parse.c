#include <linux/types.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "bpf/owner_record.h"
#include "source/owners_bpf.h"

#define NS_PER_TICK 10000000u /* /proc counts start times in 1/100 s */

/* How `user` of a record is told. */
static const struct {
	uint8_t via, confidence;
} told[] = {
	[OWNER_USER_IO] = {OWNER_VIA_bpf_io, OWNER_CONFIDENCE_certain},
	[OWNER_USER_HOLDS] = {OWNER_VIA_bpf_iterator, OWNER_CONFIDENCE_certain},
	[OWNER_USER_HELD] = {OWNER_VIA_bpf_iterator, OWNER_CONFIDENCE_likely},
	[OWNER_USER_CLOSED] = {OWNER_VIA_bpf_close, OWNER_CONFIDENCE_likely},
};

static void process_parse(struct process_fact *out,
	const struct owner_record_task *task, struct buf *scratch)
{
	if (task->pid == 0)
		return;
	out->id.pid = (int32_t)task->pid;
	out->id.start_ticks = task->start_ns / NS_PER_TICK;
	out->uid = task->uid;
	out->euid = task->euid;
	out->cgroup_id = task->cgroup_id;
	out->has = PROCESS_HAS_UID;
	if (task->cgroup_id)
		out->has |= PROCESS_HAS_CGROUP_ID;
	buf_reset(scratch);
	/* 15 bytes, each of them four at most: it fits */
	text_clean(scratch, task->name, strnlen(task->name, OWNER_NAME_LEN - 1));
	if (scratch->oom || scratch->len == 0)
		return;
	memcpy(out->comm, scratch->data, scratch->len);
	out->has |= PROCESS_HAS_COMM;
}

static bool is_mapped(const struct addr *a)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(a->b, prefix, sizeof(prefix)) == 0;
}

/*
 * An IPv6 socket that talks IPv4 has mapped addresses; one that listens for both has
 * none and is IPv6.
 */
static bool tuple_parse(struct owners_bpf_fact *out, const struct owner_record *r)
{
	out->proto = (uint8_t)(r->protocol < 256 ? r->protocol : 0);
	out->family = r->family == AF_INET ? FAMILY_V4 : FAMILY_V6;
	if (!r->has_tuple)
		return true;
	memcpy(out->local_addr.b, r->local_addr, 16);
	memcpy(out->peer_addr.b, r->peer_addr, 16);
	if (is_mapped(&out->local_addr))
		out->family = FAMILY_V4;
	else if (r->family == AF_INET)
		return false;
	out->local_port = r->local_port;
	out->peer_port = r->peer_port;
	out->has |= OWNERS_BPF_HAS_TUPLE;
	return true;
}

static void owner_parse(struct owner_fact *out, const struct owner_record *r)
{
	out->cookie = r->cookie;
	out->has = OWNER_HAS_COOKIE;
	if (r->inode) {
		out->inode = r->inode;
		out->has |= OWNER_HAS_INODE;
	}
	if (r->netns) {
		out->netns = r->netns;
		out->has |= OWNER_HAS_NETNS;
	}
	if (r->fd >= 0) {
		out->fd = r->fd;
		out->has |= OWNER_HAS_FD;
	}
}

static void choose(struct owners_bpf_fact *out, const struct owner_record *r)
{
	if (out->process.id.pid) {
		out->owner.via = told[r->user_via].via;
		out->owner.confidence = told[r->user_via].confidence;
	} else {
		out->process = out->creator;
		out->owner.via = OWNER_VIA_bpf_create;
		out->owner.confidence = OWNER_CONFIDENCE_likely;
	}
	out->owner.process = out->process.id;
}

static bool plausible(const struct owner_record *r)
{
	bool used = r->user_via != OWNER_USER_NONE;

	return r->serial == r->serial_again && r->cookie &&
	       (r->family == AF_INET || r->family == AF_INET6) &&
	       r->user_via <= OWNER_USER_CLOSED && r->user.pid <= INT32_MAX &&
	       r->creator.pid <= INT32_MAX && used == (r->user.pid != 0) &&
	       (r->user.pid || r->creator.pid);
}

static bool record_parse(const struct owner_record *r, struct buf *scratch,
	const struct owners_bpf_sink *sink)
{
	struct owners_bpf_fact fact = {0};

	if (!plausible(r) || !tuple_parse(&fact, r))
		return false;
	process_parse(&fact.process, &r->user, scratch);
	process_parse(&fact.creator, &r->creator, scratch);
	owner_parse(&fact.owner, r);
	choose(&fact, r);
	if (r->user_via == OWNER_USER_IO) {
		fact.tx_bytes = r->tx_bytes;
		fact.rx_bytes = r->rx_bytes;
		fact.has |= OWNERS_BPF_HAS_BYTES;
		if (r->creator.pid)
			fact.has |= OWNERS_BPF_WHOLE;
	}
	sink->fact(sink->ctx, &fact);
	return true;
}

size_t owners_bpf_parse(const void *bytes, size_t len, struct buf *scratch,
	const struct owners_bpf_sink *sink)
{
	const char *at = bytes;
	struct owner_record r;
	size_t bad = 0;

	for (; len >= sizeof(r); at += sizeof(r), len -= sizeof(r)) {
		memcpy(&r, at, sizeof(r));
		if (!record_parse(&r, scratch, sink))
			bad++;
	}
	return bad + (len > 0);
}
