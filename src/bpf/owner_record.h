// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * owner_record — what the programs in the kernel say about one socket's owner.
 *
 * One layout for all three ways out: the walk over the tasks' files, the table of
 * sockets (value) and the ring of ended sockets. Native byte order.
 * Read by the programs (clang -target bpf) and by source/owners_bpf_parse.
 */
#ifndef KONN_BPF_OWNER_RECORD_H
#define KONN_BPF_OWNER_RECORD_H

#include <linux/types.h>

#define OWNER_NAME_LEN 16 /* TASK_COMM_LEN */

/* What `user` did with the socket. */
enum owner_record_user {
	OWNER_USER_NONE,
	OWNER_USER_IO,     /* sent or received on it, the last one to do so */
	OWNER_USER_HOLDS,  /* has it in its file table: what a walk emits */
	OWNER_USER_HELD,   /* had it when the last walk came by */
	OWNER_USER_CLOSED, /* closed it, and nobody was known before */
};

/* A process; all of it is absent when pid is 0. */
struct owner_record_task {
	__u64 start_ns;  /* since boot (CLOCK_BOOTTIME), /proc/PID/stat's 22nd */
	__u64 cgroup_id; /* of the cgroup2 hierarchy */
	__u32 pid;       /* thread group id in the first pid namespace */
	__u32 uid, euid; /* in the first user namespace */
	__u32 zero;
	char name[OWNER_NAME_LEN]; /* bytes of anybody's choice */
};

/*
 * The kernel may use an element of the table again while somebody still copies it. Each
 * version of a record has another serial, at both ends: if they differ, it is of two.
 */
struct owner_record {
	__u64 serial;
	__u64 cookie; /* the one of SO_COOKIE and sock_diag */
	__u64 inode;  /* 0: not known */
	__u64 tx_bytes, rx_bytes;
	struct owner_record_task creator;   /* called socket() */
	struct owner_record_task user;      /* see user_via */
	__u32 netns;                        /* inode number; 0: not known */
	__s32 fd;                           /* of user; -1: not known */
	__u16 family;                       /* AF_INET, AF_INET6 */
	__u16 protocol;                     /* IPPROTO_… */
	__u16 local_port, peer_port;        /* host order; 0: none */
	__u8 local_addr[16], peer_addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	__u8 user_via;                      /* enum owner_record_user */
	__u8 has_tuple;                     /* addresses and ports were read */
	__u8 zero[6];
	__u64 serial_again;
};

/* Counters since loading. */
struct owner_record_counts {
	__u64 noted;      /* sockets that came into the table */
	__u64 table_full; /* times that a socket did not fit: at creation and each I/O
			   */
	__u64 ended;      /* records that went into the ring */
	__u64 ring_full;  /* ends that did not fit */
};

#endif
