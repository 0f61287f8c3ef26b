/*
 * process — what a process is: its names, users, namespace and cgroup, from /proc/PID.
 *
 * Reading (may need privileges, parses one line) and parsing (hostile bytes, needs
 * none) are apart, so that they can be in different processes.
 */
#ifndef KONN_SOURCE_PROCESS_H
#define KONN_SOURCE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/owner_fact.h"

struct process_stat {
	struct process_id id;
	int32_t parent_pid;
	uint32_t threads;
	uint32_t flags;       /* PF_* of include/linux/sched.h */
	uint64_t start_ticks; /* as in id */
	char state;           /* R S D T Z… */
	const char *comm;     /* borrowed from the text; raw */
	size_t comm_len;
};

/* Pure: the line of /proc/PID/stat; false when it is not one. */
bool process_stat_parse(const char *text, size_t len, struct process_stat *out);

/*
 * Of the process whose /proc/PID directory dir_fd is (O_PATH is enough); out->comm is
 * NULL. 0 or -errno (-ESRCH, -ENOENT: ended). One open, read and close: 7 us.
 */
int process_stat_read(int dir_fd, struct process_stat *out);

enum process_part {
	PROCESS_PART_STAT,
	PROCESS_PART_STATUS,
	PROCESS_PART_CGROUP,
	PROCESS_PART_CMDLINE,
	PROCESS_PART_EXE,
	PROCESS_PARTS,
};

#define PROCESS_RAW_BYTES (24u * 1024)

/* The files of one process as they were read; one message of the helper. */
struct process_raw {
	int32_t pid;
	int32_t error[PROCESS_PARTS]; /* 0 or -errno */
	uint32_t len[PROCESS_PARTS];  /* bytes of each part, one behind the other */
	uint32_t cut;                 /* bits 1 << enum process_part: there was more */
	uint64_t netns;               /* inode; 0: not known (no permission) */
	uint8_t exe_linked;           /* not 0: the program's file still has a name */
	char bytes[PROCESS_RAW_BYTES];
};
_Static_assert(sizeof(struct process_raw) <= 32 * 1024, "one message of the helper");

/*
 * Reads all parts; those that fail say so in out->error. proc_fd: a directory like
 * /proc. 0 when there is a process of that number and, if `id` has a start time, it is
 * that one; else -ESRCH or -errno. 50 us.
 */
int process_read(int proc_fd, struct process_id id, struct process_raw *out);

/*
 * Pure. `scratch` is reused from call to call (the only memory that is allocated).
 * Unknown fields are absent in the `has` of each. False when not even `stat` is one.
 */
bool process_parse(const struct process_raw *raw, struct buf *scratch,
	struct process_fact *out_fact, struct process_text *out_text);

#endif
