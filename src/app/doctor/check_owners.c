#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/doctor/rights.h"
#include "source/owners_scan.h"

#define TURN 65536 /* processes and descriptors to look at between two calls */

static void ignore_owner(
	void *ctx, enum owners_event event, const struct owner_fact *fact)
{
	(void)ctx, (void)event, (void)fact;
}

static int scan_all(struct owners_scan *scan)
{
	const struct owners_sink sink = {.tell = ignore_owner};
	int ret = owners_scan_begin(scan, OWNERS_ALL, &sink);

	if (ret < 0)
		return ret;
	do
		ret = owners_scan_step(scan, TURN, &sink);
	while (ret > 0);
	return ret;
}

static void judge_scan(struct finding *f, const struct owners_status *s)
{
	if (s->hidden) {
		finding_set(f, DOCTOR_PARTLY,
			"/proc hides the processes of others (hidepid)");
		rights_refused(f, RIGHT(CAP_SYS_PTRACE) | RIGHT(CAP_DAC_READ_SEARCH));
		if (!f->command[0])
			finding_command(f, "sudo mount -o remount,hidepid=0 /proc");
	} else if (s->denied) {
		finding_set(f, DOCTOR_PARTLY,
			"descriptors of %u of %u processes may not be read", s->denied,
			s->processes);
		rights_refused(f, RIGHT(CAP_SYS_PTRACE) | RIGHT(CAP_DAC_READ_SEARCH));
	} else if (s->inner) {
		finding_set(f, DOCTOR_PARTLY,
			"all %u processes of this pid namespace; others are not seen",
			s->processes);
	} else if (!s->whole) {
		finding_set(f, DOCTOR_PARTLY,
			"more processes or descriptors than konn looks at");
	} else {
		finding_set(f, DOCTOR_WORKS, "descriptors of all %u processes",
			s->processes);
	}
}

void check_owners_proc(struct doctor *d, struct finding *f)
{
	int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	struct owners_scan *scan;

	(void)d;
	if (proc_fd < 0 || access("/proc/self/fd", F_OK) != 0) {
		finding_set(f, DOCTOR_MISSING, "/proc is not mounted");
		finding_command(f, "sudo mount -t proc proc /proc");
		if (proc_fd >= 0)
			(void)close(proc_fd); /* only read from */
		return;
	}
	scan = malloc(sizeof(*scan));
	if (!scan) {
		(void)close(proc_fd); /* only read from */
		finding_set(f, DOCTOR_MISSING, "out of memory");
		return;
	}
	owners_scan_init(scan, proc_fd);
	ret = scan_all(scan);
	if (ret < 0)
		finding_set(f, DOCTOR_MISSING, "/proc: %s", strerror(-ret));
	else
		judge_scan(f, &scan->status);
	owners_scan_done(scan);
	free(scan);
}

/* ---- BPF ---- */

/* Loads all parts once for the three lines, and unloads them at once. */
static void try_bpf(struct doctor *d)
{
	const struct owners_bpf_setup setup = {0};

	if (d->bpf_tried)
		return;
	d->bpf_tried = true;
	d->bpf_error = owners_bpf_load(&setup, &d->bpf);
	for (int i = 0; i < OWNERS_BPF_FDS; i++)
		if (d->bpf.fd[i] >= 0)
			(void)close(d->bpf.fd[i]); /* unloads it */
}

static void check_bpf(
	struct doctor *d, struct finding *f, enum owners_bpf_part part, uint64_t needed)
{
	const char *reason = d->bpf.reason[part];

	if (d->bpf.on[part]) {
		finding_set(f, DOCTOR_WORKS, "programs load and attach");
		return;
	}
	finding_set(f, DOCTOR_MISSING, "%s", reason);
	if (strstr(reason, "not permitted")) {
		finding_set(f, DOCTOR_MISSING, "programs do not load");
		rights_refused(f, needed);
	} else if (strstr(reason, "no cgroup2")) {
		finding_command(f, "sudo mkdir -p /run/cgroup2 && "
				   "sudo mount -t cgroup2 none /run/cgroup2");
	} else if (strstr(reason, "no BTF")) {
		finding_set(f, DOCTOR_MISSING,
			"the kernel is built without CONFIG_DEBUG_INFO_BTF");
	}
}

void check_owners_walk(struct doctor *d, struct finding *f)
{
	try_bpf(d);
	check_bpf(d, f, OWNERS_BPF_WALK, RIGHT(CAP_BPF) | RIGHT(CAP_PERFMON));
}

/* A part that stands on another one needs the rights of both. */
static void check_upper_bpf(struct doctor *d, struct finding *f,
	enum owners_bpf_part part, enum owners_bpf_part below)
{
	const uint64_t needed = RIGHT(CAP_BPF) | RIGHT(CAP_PERFMON) |
				RIGHT(CAP_NET_ADMIN);

	try_bpf(d);
	if (strncmp(d->bpf.reason[part], "needs the ", 10) == 0)
		part = below; /* whose reason is the true one */
	check_bpf(d, f, part, needed);
}

void check_owners_table(struct doctor *d, struct finding *f)
{
	check_upper_bpf(d, f, OWNERS_BPF_TABLE, OWNERS_BPF_WALK);
}

void check_owners_io(struct doctor *d, struct finding *f)
{
	try_bpf(d);
	check_upper_bpf(d, f, OWNERS_BPF_IO,
		d->bpf.on[OWNERS_BPF_WALK] ? OWNERS_BPF_TABLE : OWNERS_BPF_WALK);
}

/* ---- namespaces ---- */

#define SPACES_MOST 4096

struct spaces {
	uint32_t known;   /* others, each counted once */
	uint32_t entered; /* of them */
	uint32_t hidden;  /* processes whose namespace may not be known */
	bool own;         /* konn's own was entered anew: the same right */
	uint32_t count;
	ino_t seen[SPACES_MOST];
};

static bool seen_before(struct spaces *s, ino_t ino)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->seen[i] == ino)
			return true;
	if (s->count < SPACES_MOST)
		s->seen[s->count++] = ino;
	return false;
}

static void try_space(struct spaces *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0) {
		s->hidden += errno == EACCES || errno == EPERM;
		return;
	}
	if (fstat(fd, &st) == 0 && !seen_before(s, st.st_ino)) {
		s->known++;
		s->entered += setns(fd, CLONE_NEWNET) == 0;
	}
	(void)close(fd); /* only named it */
}

/* Each name of a folder between two texts. */
static void try_folder(struct spaces *s, const char *folder, const char *behind)
{
	DIR *dir = opendir(folder);
	const struct dirent *e;
	char path[600];

	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.' ||
			(*behind && (e->d_name[0] < '0' || e->d_name[0] > '9')))
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s%s", folder, e->d_name,
			behind); /* names have 255 bytes at most */
		try_space(s, path);
	}
	if (dir)
		(void)closedir(dir); /* only read from */
}

/* As the child, whose namespace nobody else shares a thought about. */
static void try_spaces(struct spaces *s)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct stat st;

	*s = (struct spaces){0};
	if (own >= 0) {
		s->own = setns(own, CLONE_NEWNET) == 0;
		if (fstat(own, &st) == 0)
			(void)seen_before(s, st.st_ino); /* notes it */
		(void)close(own);                        /* only named it */
	}
	try_folder(s, "/run/netns", "");
	try_folder(s, "/proc", "/ns/net");
}

/* What a child found; false: it could not tell. */
static bool ask_child(struct spaces *out)
{
	const size_t head = offsetof(struct spaces, count);
	int ends[2], status = 0;
	ssize_t got;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	child = fork();
	if (child == 0) {
		try_spaces(out);
		_exit(write(ends[1], out, head) != (ssize_t)head);
	}
	(void)close(ends[1]); /* the child's */
	got = child < 0 ? -1 : read(ends[0], out, head);
	(void)close(ends[0]); /* read to its end */
	if (child > 0)
		(void)waitpid(child, &status, 0); /* what it wrote tells more */
	return got == (ssize_t)head;
}

void check_namespaces(struct doctor *d, struct finding *f)
{
	struct spaces *s = calloc(1, sizeof(*s));

	(void)d;
	if (!s || !ask_child(s)) {
		finding_set(f, DOCTOR_MISSING, "no process to try it in");
	} else if (!s->own) {
		finding_set(f, DOCTOR_MISSING, "none can be entered");
		rights_refused(f, RIGHT(CAP_SYS_ADMIN) | RIGHT(CAP_SYS_PTRACE));
	} else if (s->entered < s->known) {
		finding_set(f, DOCTOR_PARTLY, "%u of %u others can be entered",
			s->entered, s->known);
		rights_refused(f, RIGHT(CAP_SYS_ADMIN) | RIGHT(CAP_SYS_PTRACE));
	} else if (s->hidden) {
		finding_set(f, DOCTOR_PARTLY,
			"%u others entered; processes whose own is not known: %u",
			s->entered, s->hidden);
		rights_refused(f, RIGHT(CAP_SYS_ADMIN) | RIGHT(CAP_SYS_PTRACE));
	} else if (s->known) {
		finding_set(f, DOCTOR_WORKS, "%u others entered", s->entered);
	} else {
		finding_set(f, DOCTOR_WORKS,
			"could be entered; there is no other one here");
	}
	free(s);
}
