/*
 * owners_scan — which process has which socket, by /proc/PID/fd; needs no BPF.
 *
 * This half touches the system and may run with privileges: it parses numbers and
 * "socket:[N]" only. What it tells goes to owners_tell (source/owners.h), in this
 * process or, as records, in another one.
 *
 * Others' processes need CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH (both), and no Landlock
 * domain. Without them they are counted as denied; a machine may keep some even from
 * root.
 *
 * Cost: 1.5 us a process (one fstatat), 3 us a descriptor of those that are walked.
 */
#ifndef KONN_SOURCE_OWNERS_SCAN_H
#define KONN_SOURCE_OWNERS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/owner_fact.h"

#define OWNERS_PROCESSES_MOST   (1u << 18) /* beyond, status.limited */
#define OWNERS_DESCRIPTORS_MOST (1u << 20) /* in one pass; beyond, status.limited */

enum owners_pass {
	OWNERS_NOTHING,
	OWNERS_CHANGED, /* processes that are new or whose number of descriptors changed
			 */
	OWNERS_ALL, /* every process: finds one that closed a socket and opened another
		     */
};

enum owners_event {
	OWNERS_WALK, /* what was told of this pid is void, what it has follows */
	OWNERS_HAS,  /* one socket of the process that is walked */
	OWNERS_GONE, /* the process ended */
};

/*
 * `fact` has the process; for OWNERS_HAS also inode and fd. A process that has one
 * socket by several descriptors is told several times, the lowest first. Borrowed.
 */
struct owners_sink {
	void *ctx;
	void (*tell)(void *ctx, enum owners_event event, const struct owner_fact *fact);
};

struct owners_status {
	uint32_t processes, walked, denied, vanished;
	uint32_t descriptors, sockets; /* looked at; of them sockets */
	bool whole;                    /* all that may be looked at were walked */
	bool limited;                  /* a bound above was met */
	bool hidden; /* others' processes are not even listed (hidepid) */
	bool inner;  /* not the machine's first pid namespace: some cannot be seen */
};

struct owners_process {
	int32_t pid;
	bool walked;
	uint32_t descriptors; /* when walked */
	uint64_t ino; /* of /proc/PID/fd: new for a new process of that number */
	uint64_t start_ticks;
};

struct owners_scan {
	int proc_fd; /* owned */
	bool sizes;  /* the kernel tells the number of descriptors (Linux 6.2) */
	enum owners_pass pass;
	struct owners_process *list; /* owned; by pid */
	uint32_t count, cap, at;
	int walk_fd; /* directory of descriptors that is being read; -1: none */
	size_t buffer_at, buffer_len;
	struct owners_status status; /* of this pass so far */
	_Alignas(8) char buffer[16384];
};

/*
 * `proc_fd`: a directory that looks like /proc, owned by the scan from here. Cannot
 * fail; the first pass walks everything.
 */
void owners_scan_init(struct owners_scan *scan, int proc_fd);
void owners_scan_done(struct owners_scan *scan);

/*
 * Lists the processes and tells which are gone; a pass that was under way is given up.
 * 0 or -errno (then there is no pass).
 */
int owners_scan_begin(struct owners_scan *scan, enum owners_pass pass,
	const struct owners_sink *sink);

/*
 * Looks at about `budget` processes and descriptors. 1: not done yet; 0: the pass is
 * complete, scan->status is final; -errno: given up. Never waits.
 */
int owners_scan_step(
	struct owners_scan *scan, uint32_t budget, const struct owners_sink *sink);

#endif
