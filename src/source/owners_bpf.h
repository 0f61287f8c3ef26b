/*
 * owners_bpf — who owns a socket, from programs in the kernel (src/bpf).
 *
 *   part   gives                                      needs
 *   walk   every process that has a socket in its     CAP_BPF, CAP_PERFMON, BTF,
 *          file table, in all namespaces, when read   Linux 5.11
 *   table  who made a socket, and its last words      walk, CAP_NET_ADMIN, cgroup2
 *          (processes below the cgroup2 that konn sees as root)
 *   io     who sends and receives, and how much       table, Linux 6.3
 *
 * Three steps, which may happen in different processes: owners_bpf_load (privileged,
 * uses libbpf, 60 ms) gives descriptors; owners_bpf_open and what follows read from
 * them and need no privilege (Linux 5.19; before that CAP_BPF), no libbpf and no
 * memory; they give raw records, which owners_bpf_parse makes facts of. Closing the
 * descriptors unloads everything.
 *
 * The table starts empty; a walk puts into it what it lacks, so whoever has loaded
 * walks once. Without `io` an accepted connection is known by a walk or its close only.
 */
#ifndef KONN_SOURCE_OWNERS_BPF_H
#define KONN_SOURCE_OWNERS_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "core/addr.h"
#include "core/owner_fact.h"

#define OWNERS_BPF_RECORD_BYTES 200 /* a buffer holds whole records only */

enum owners_bpf_part {
	OWNERS_BPF_WALK,
	OWNERS_BPF_TABLE,
	OWNERS_BPF_IO,
	OWNERS_BPF_PARTS,
};

/* Whoever reads needs the first four; the others only keep a program attached. */
enum owners_bpf_fd {
	OWNERS_BPF_FD_WALK,
	OWNERS_BPF_FD_TABLE,
	OWNERS_BPF_FD_RING,
	OWNERS_BPF_FD_COUNTS,
	OWNERS_BPF_FD_READ, /* number of those above */
	OWNERS_BPF_FD_CREATED = OWNERS_BPF_FD_READ,
	OWNERS_BPF_FD_RELEASED,
	OWNERS_BPF_FD_DESTROYED,
	OWNERS_BPF_FD_SENT,
	OWNERS_BPF_FD_RECEIVED,
	OWNERS_BPF_FDS,
};

struct owners_bpf_setup {
	/*
	 * Sockets in the table at most; 0: 65,536. 300 bytes of kernel memory each,
	 * taken when one is noted and given back when it ends. What does not fit is
	 * counted.
	 */
	uint32_t sockets;
	/*
	 * Bytes of the ring of ended sockets, rounded up to a power of 2; 0: 1 MiB,
	 * which is 5,000 of them. The reader's RSS has them twice.
	 */
	uint32_t ring_bytes;
	bool no_table, no_io; /* parts that are not wanted */
};

struct owners_bpf_load {
	int fd[OWNERS_BPF_FDS]; /* owned; -1: none */
	bool on[OWNERS_BPF_PARTS];
	/* Why a part is not on, for people, one line; empty when it is or is not
	 * wanted. */
	char reason[OWNERS_BPF_PARTS][160];
};

/*
 * Tries each part; what works stays. 0 when at least `walk` does, else -errno
 * (-ENOSYS: built without BPF), with nothing loaded. `out` is written in any case; the
 * caller unloads it. Blocks for 30 to 150 ms (when parts fail,
 * several times that) and needs 12 MB meanwhile.
 */
int owners_bpf_load(const struct owners_bpf_setup *setup, struct owners_bpf_load *out);

/* Detaches and unloads everything, unless another process holds the descriptors. */
void owners_bpf_unload(struct owners_bpf_load *load);

/* ---- reading ---- */

struct owners_bpf {
	int fd[OWNERS_BPF_FD_READ]; /* borrowed; table and below -1 without the table */
	uint64_t *read_at;          /* of the ring; mapped, owned */
	const uint64_t *written;    /* of the ring; mapped, owned */
	uint32_t ring_bytes;
};

/* Counters since loading. */
struct owners_bpf_counts {
	uint64_t noted;      /* sockets that came into the table */
	uint64_t table_full; /* times that a socket did not fit: when made, each I/O */
	uint64_t ended;      /* last words in the ring */
	uint64_t ring_full;  /* last words that did not fit: those owners are lost */
};

/* The descriptors are borrowed until close. 0 or -errno. */
int owners_bpf_open(struct owners_bpf *o, const int fd[static OWNERS_BPF_FD_READ]);
void owners_bpf_close(struct owners_bpf *o);

/* A new walk over all tasks' files: a descriptor (owned) for owners_bpf_walk, or
 * -errno. */
int owners_bpf_walk_open(const struct owners_bpf *o);

/*
 * The next records of a walk: bytes written (whole records), 0 at its end, -errno.
 * Looks at a million descriptors at most before it returns; -EAGAIN: it found nothing
 * among them, go on. `size` >= OWNERS_BPF_RECORD_BYTES; more than 32 KiB brings
 * nothing. 0.8 us a socket.
 */
ssize_t owners_bpf_walk(int walk_fd, void *out, size_t size);

/*
 * The record of one socket: OWNERS_BPF_RECORD_BYTES written to `out`, which has room
 * for them, or -errno: -ENOENT, not in the table. 0.5 us.
 */
ssize_t owners_bpf_find(const struct owners_bpf *o, uint64_t cookie, void *out);

/*
 * Takes last words out of the ring: bytes written (whole records); 0: no more. The
 * descriptor OWNERS_BPF_FD_RING becomes readable (poll) when a quarter of it is filled;
 * whoever wants them earlier comes by.
 */
ssize_t owners_bpf_drain(struct owners_bpf *o, void *out, size_t size);

/* 0 or -errno. */
int owners_bpf_count(const struct owners_bpf *o, struct owners_bpf_counts *out);

/* ---- parsing: pure ---- */

enum owners_bpf_has {
	OWNERS_BPF_HAS_TUPLE = 1 << 0, /* addresses, ports; netns of `owner` */
	OWNERS_BPF_HAS_BYTES = 1 << 1,
	OWNERS_BPF_WHOLE = 1 << 2, /* the bytes are those of the socket's whole life */
};

struct owners_bpf_fact {
	/* The surest: who did I/O last, else who holds, held, made or closed it. */
	struct owner_fact owner;
	struct process_fact process; /* of `owner`, as it was at that moment */
	struct process_fact creator; /* id.pid 0: not known */
	uint32_t has;                /* enum owners_bpf_has */
	uint8_t proto, family; /* IP protocol; enum family, v4 for mapped addresses */
	/* As they were when `owner` was noted; a port of 0: not bound, not connected.
	 */
	struct addr local_addr, peer_addr;
	uint16_t local_port, peer_port;
	/*
	 * Payload since the socket was noted, by all processes. When two processes use
	 * a socket in the same instant a few of the other's bytes may be missing.
	 */
	uint64_t tx_bytes, rx_bytes;
};

struct owners_bpf_sink {
	void *ctx;
	void (*fact)(void *ctx, const struct owners_bpf_fact *fact); /* borrowed */
};

/*
 * Makes facts of raw records. `scratch` is for cleaning names, and may be reused.
 * Returns the number of records that made no sense (a cut one at the end is one of
 * them).
 */
size_t owners_bpf_parse(const void *bytes, size_t len, struct buf *scratch,
	const struct owners_bpf_sink *sink);

#endif
