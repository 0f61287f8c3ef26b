// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * owners — who owns a socket, from inside the kernel. Nothing here looks at packets.
 *
 *   sock_create ─► table of sockets (by cookie) ─► destroyed ─► ring
 *   send, recv  ─►   the last user                 (last words)
 *   walk over the tasks' files: to whoever reads it, and what the table lacks
 */
#include "bpf/kernel.h"
#include "bpf/owner_record.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define INET4         2
#define INET6         10
#define TCP           6
#define MSG_PEEK      2
#define KERNEL_THREAD 0x00200000 /* PF_KTHREAD */
#define ALLOW         1
#define E2BIG         7
#define ENOMEM        12

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before loading: without it the walk only emits. */
const volatile bool with_table = true;
const volatile __u64 ring_wake_bytes = 1 << 18;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct owner_record);
} konn_owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} konn_ended SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct owner_record_counts);
} konn_counts SEC(".maps");

static __always_inline void count(__u32 offset)
{
	__u32 zero = 0;
	char *all = bpf_map_lookup_elem(&konn_counts, &zero);

	if (all)
		__sync_fetch_and_add((__u64 *)(all + offset), 1);
}
#define COUNT(name_) count(__builtin_offsetof(struct owner_record_counts, name_))

static __always_inline void task_read(
	struct owner_record_task *out, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	out->pid = (__u32)leader->tgid;
	out->start_ns = leader->start_boottime;
	out->uid = leader->cred->uid.val;
	out->euid = leader->cred->euid.val;
	out->cgroup_id = leader->cgroups->dfl_cgrp->kn->id;
	bpf_probe_read_kernel(out->name, sizeof(out->name), leader->comm);
}

static __always_inline void mapped(__u8 out[16], __u32 addr)
{
	__u32 *word = (__u32 *)out;

	word[0] = word[1] = 0;
	word[2] = bpf_htonl(0xffff);
	word[3] = addr;
}

/* Did bind or connect move the socket? (The low words of the addresses will do.) */
static __always_inline bool same_tuple(struct owner_record *r, struct sock_common *c)
{
	__u32 low = c->skc_family == INET4 ? c->skc_daddr
					   : c->skc_v6_daddr.in6_u.u6_addr32[3];

	return r->local_port == c->skc_num && r->peer_port == bpf_ntohs(c->skc_dport) &&
	       ((__u32 *)r->peer_addr)[3] == low;
}

static __always_inline void tuple_read(struct owner_record *r, struct sock *sk)
{
	struct sock_common *c = &sk->__sk_common;

	r->local_port = c->skc_num;
	r->peer_port = bpf_ntohs(c->skc_dport);
	if (c->skc_family == INET4) {
		mapped(r->local_addr, c->skc_rcv_saddr);
		mapped(r->peer_addr, c->skc_daddr);
	} else {
		bpf_probe_read_kernel(r->local_addr, 16, &c->skc_v6_rcv_saddr);
		bpf_probe_read_kernel(r->peer_addr, 16, &c->skc_v6_daddr);
	}
	r->has_tuple = 1;
}

static __always_inline void socket_read(struct owner_record *r, struct sock *sk)
{
	r->family = sk->__sk_common.skc_family;
	r->protocol = sk->sk_protocol;
	r->netns = sk->__sk_common.skc_net.net->ns.inum;
	tuple_read(r, sk);
}

/* Always a whole new element: what is in the table changes in its counters only. */
static __always_inline void store(struct owner_record *r, __u64 flags)
{
	long rc;

	r->serial = r->serial_again = bpf_ktime_get_ns();
	rc = bpf_map_update_elem(&konn_owners, &r->cookie, r, flags);
	if (rc == 0 && flags == BPF_NOEXIST)
		COUNT(noted);
	else if (rc == -E2BIG || rc == -ENOMEM)
		COUNT(table_full);
}

/* ---- the walk ---- */

SEC("iter/task_file")
int konn_walk(struct bpf_iter__task_file *ctx)
{
	struct owner_record r = {};
	struct file *file = ctx->file;
	struct task_struct *task = ctx->task;
	struct socket *socket;
	struct sock *sk;
	__u16 family;

	if (!file || !task)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk)
		return 0;
	family = sk->__sk_common.skc_family;
	if (family != INET4 && family != INET6)
		return 0;
	r.cookie = bpf_get_socket_cookie(sk);
	r.inode = file->f_inode->i_ino;
	task_read(&r.user, task);
	socket_read(&r, sk);
	r.user_via = OWNER_USER_HOLDS;
	r.fd = (__s32)ctx->fd;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	if (with_table && !bpf_map_lookup_elem(&konn_owners, &r.cookie)) {
		r.user_via = OWNER_USER_HELD;
		store(&r, BPF_NOEXIST);
	}
	return 0;
}

/* ---- the table ---- */

SEC("cgroup/sock_create")
int konn_created(struct bpf_sock *ctx)
{
	struct owner_record r = {};

	r.cookie = bpf_get_socket_cookie(ctx);
	task_read(&r.creator, bpf_get_current_task_btf());
	r.family = (__u16)ctx->family;
	r.protocol = (__u16)ctx->protocol;
	r.fd = -1;
	store(&r, BPF_NOEXIST);
	return ALLOW;
}

static __always_inline bool same_task(
	struct owner_record_task *a, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	char name[OWNER_NAME_LEN];

	if (a->pid != (__u32)leader->tgid || a->start_ns != leader->start_boottime)
		return false;
	bpf_probe_read_kernel(name, sizeof(name), leader->comm);
	return *(__u64 *)name == *(__u64 *)a->name &&
	       *(__u64 *)(name + 8) == *(__u64 *)(a->name + 8);
}

/* Another user or place, or the socket is new to us. */
static __always_inline struct owner_record *changed(
	struct owner_record *old, struct sock *sk, __u64 cookie)
{
	struct owner_record r = {};

	if (old) {
		__builtin_memcpy(&r, old, sizeof(r));
		if (r.serial != r.serial_again || r.cookie != cookie)
			return 0; /* somebody else just replaced it */
	}
	r.cookie = cookie;
	task_read(&r.user, bpf_get_current_task_btf());
	socket_read(&r, sk);
	r.inode = sk->sk_socket->file->f_inode->i_ino;
	r.user_via = OWNER_USER_IO;
	r.fd = -1;
	store(&r, old ? BPF_EXIST : BPF_NOEXIST);
	return bpf_map_lookup_elem(&konn_owners, &cookie);
}

static __always_inline struct owner_record *used(struct sock *sk)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u16 family = sk->__sk_common.skc_family;
	struct owner_record *r;
	__u64 cookie;

	if (family != INET4 && family != INET6)
		return 0;
	/* The kernel's own sockets, and what it does for somebody that we do not know.
	 */
	if (task->flags & KERNEL_THREAD || !sk->sk_socket->file)
		return 0;
	cookie = bpf_get_socket_cookie(sk);
	r = bpf_map_lookup_elem(&konn_owners, &cookie);
	if (r && r->user_via == OWNER_USER_IO && same_task(&r->user, task) &&
		same_tuple(r, &sk->__sk_common))
		return r;
	return changed(r, sk, cookie);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(konn_sent, struct sock *sk, int done, int flags)
{
	struct owner_record *r;

	if (done < 0)
		return 0;
	r = used(sk);
	if (r)
		__sync_fetch_and_add(&r->tx_bytes, done);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(konn_received, struct sock *sk, int done, int flags)
{
	struct owner_record *r;

	if (done < 0)
		return 0;
	r = used(sk);
	if (r && !(flags & MSG_PEEK))
		__sync_fetch_and_add(&r->rx_bytes, done);
	return 0;
}

/* ---- the end ---- */

/* The reader comes by on its own; it is woken only when it must not wait any longer. */
static __always_inline __u64 wake(void)
{
	return bpf_ringbuf_query(&konn_ended, BPF_RB_AVAIL_DATA) < ring_wake_bytes
		       ? BPF_RB_NO_WAKEUP
		       : BPF_RB_FORCE_WAKEUP;
}

static __always_inline void end(__u64 cookie)
{
	struct owner_record *r = bpf_map_lookup_elem(&konn_owners, &cookie);
	struct owner_record *last;

	if (!r)
		return;
	last = bpf_ringbuf_reserve(&konn_ended, sizeof(*last), 0);
	if (last) {
		__builtin_memcpy(last, r, sizeof(*last));
		bpf_ringbuf_submit(last, wake());
		COUNT(ended);
	} else {
		COUNT(ring_full);
	}
	bpf_map_delete_elem(&konn_owners, &cookie);
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(konn_destroyed, struct sock *sk)
{
	end(bpf_get_socket_cookie(sk));
	return 0;
}

/*
 * The last descriptor was closed, by the task that runs. TCP lives on until
 * tcp_destroy_sock; one that nobody was known for gets its closer.
 */
SEC("cgroup/sock_release")
int konn_released(struct bpf_sock *ctx)
{
	__u64 cookie = bpf_get_socket_cookie(ctx);
	struct owner_record r = {};

	if (!bpf_map_lookup_elem(&konn_owners, &cookie)) {
		r.cookie = cookie;
		task_read(&r.user, bpf_get_current_task_btf());
		r.family = (__u16)ctx->family;
		r.protocol = (__u16)ctx->protocol;
		r.user_via = OWNER_USER_CLOSED;
		r.fd = -1;
		store(&r, BPF_NOEXIST);
	}
	if (ctx->protocol != TCP)
		end(cookie);
	return ALLOW;
}
