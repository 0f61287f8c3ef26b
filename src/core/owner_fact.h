/*
 * owner_fact — who has a socket, and what is known of that process.
 *
 * A process is named by pid and start time together: the number alone comes back for
 * another process. Numbers are as the reader's pid namespace sees them.
 */
#ifndef KONN_CORE_OWNER_FACT_H
#define KONN_CORE_OWNER_FACT_H

#include <stdbool.h>
#include <stdint.h>

enum owner_via {
	OWNER_VIA_NONE, /* no owner known */
#define OWNER_VIA(name_, help_) OWNER_VIA_##name_,
#include "core/owner_via.def"
#undef OWNER_VIA
	OWNER_VIA_COUNT,
};

enum owner_confidence {
	OWNER_CONFIDENCE_NONE, /* no owner known */
#define OWNER_CONFIDENCE(name_, help_) OWNER_CONFIDENCE_##name_,
#include "core/owner_confidence.def"
#undef OWNER_CONFIDENCE
	OWNER_CONFIDENCE_COUNT,
};

enum owner_reason {
	OWNER_REASON_NONE, /* the owner is known */
#define OWNER_REASON(name_, help_) OWNER_REASON_##name_,
#include "core/owner_reason.def"
#undef OWNER_REASON
	OWNER_REASON_COUNT,
};

/* "proc", "certain", "time_wait"…; NULL for …_NONE. Values of no enumerator: NULL. */
const char *owner_via_name(enum owner_via via);
const char *owner_confidence_name(enum owner_confidence confidence);
const char *owner_reason_name(enum owner_reason reason);
/* One sentence part for people; NULL as above. */
const char *owner_reason_help(enum owner_reason reason);

struct process_id {
	int32_t pid; /* thread group (what ps calls PID); 0: none */
	/*
	 * Since boot, in 1/100 s, as field 22 of /proc/PID/stat; from the kernel:
	 * group_leader->start_boottime / 10,000,000. 0: not known.
	 */
	uint64_t start_ticks;
};

/* Same process? Without a start time on either side the number must do. */
static inline bool process_id_same(struct process_id a, struct process_id b)
{
	return a.pid == b.pid &&
	       (a.start_ticks == b.start_ticks || !a.start_ticks || !b.start_ticks);
}

enum owner_has {
	OWNER_HAS_COOKIE = 1 << 0,
	OWNER_HAS_INODE = 1 << 1,
	OWNER_HAS_FD = 1 << 2,
	OWNER_HAS_NETNS = 1 << 3,
	OWNER_HAS_COUNT = 1 << 4,
};

/*
 * One process that has one socket, or (process.pid 0) the reason why none is known.
 * Sources emit one fact for each process that has the socket; an answer to a question
 * (owners_resolve) is the one of lowest pid, with the count of all.
 */
struct owner_fact {
	uint64_t cookie; /* of the socket, for this boot; OWNER_HAS_COOKIE */
	uint64_t inode;  /* of the socket; reused after it closed; OWNER_HAS_INODE */
	struct process_id process;
	int32_t fd;         /* lowest in that process; OWNER_HAS_FD */
	uint64_t netns;     /* inode of the socket's namespace; OWNER_HAS_NETNS */
	uint32_t processes; /* that have it, this one included; OWNER_HAS_COUNT */
	uint8_t via;        /* enum owner_via */
	uint8_t confidence; /* enum owner_confidence */
	uint8_t reason;     /* enum owner_reason: why no process is known to have it;
			       stands beside an inherited owner, too */
	uint8_t has;        /* enum owner_has */
};

enum process_has {
	PROCESS_HAS_PARENT = 1 << 0,
	PROCESS_HAS_UID = 1 << 1, /* uid and euid */
	PROCESS_HAS_NETNS = 1 << 2,
	PROCESS_HAS_CGROUP_ID = 1 << 3,
	PROCESS_HAS_COMM = 1 << 4,
	PROCESS_KERNEL_THREAD = 1 << 5,
};

#define PROCESS_COMM_BYTES 64 /* 15 bytes of which each may become \xNN */

/* What is short and comes from every source. */
struct process_fact {
	struct process_id id;
	int32_t parent_pid;
	uint32_t uid, euid;
	uint64_t netns;                /* inode of its network namespace */
	uint64_t cgroup_id;            /* inode of its cgroup2 directory */
	char comm[PROCESS_COMM_BYTES]; /* cleaned, NUL-terminated */
	uint32_t has;                  /* enum process_has */
};

enum container {
	CONTAINER_NONE,
#define CONTAINER(name_, help_) CONTAINER_##name_,
#include "core/container.def"
#undef CONTAINER
	CONTAINER_COUNT,
};

/* "docker", "lxc"…; NULL for CONTAINER_NONE and values of no enumerator. */
const char *container_name(enum container container);

/*
 * Where a process belongs, by its cgroup; an empty text is absent. All cleaned and
 * NUL-terminated.
 */
struct cgroup_fact {
	char unit[256];    /* of systemd: sshd.service, session-3.scope */
	char id[256];      /* of the container: 64 hex digits, or its name */
	char pod[48];      /* uid of the Kubernetes pod, with dashes */
	uint8_t container; /* enum container */
	bool unit_of_user; /* unit is one of a user's own systemd */
};

#define PROCESS_EXE_BYTES     1024
#define PROCESS_CMDLINE_BYTES 4096

/* What is long; an empty text is absent. All cleaned and NUL-terminated. */
struct process_text {
	char exe[PROCESS_EXE_BYTES];
	char cmdline[PROCESS_CMDLINE_BYTES]; /* arguments with a blank between them */
	bool exe_deleted; /* the file was removed or replaced since it was started */
	bool exe_cut, cmdline_cut; /* there was more */
	struct cgroup_fact cgroup;
};

#endif
