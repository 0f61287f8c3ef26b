#include "source/owners_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/process.h"

/* include/linux/proc_ns.h: the first pid namespace has this inode on every machine. */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"
#define PATH_BYTES          32 /* PID/fd, PID/stat */

void owners_scan_init(struct owners_scan *scan, int proc_fd)
{
	struct stat st;

	memset(scan, 0, sizeof(*scan));
	scan->proc_fd = proc_fd;
	scan->walk_fd = -1;
	scan->sizes = fstatat(proc_fd, "self/fd", &st, 0) == 0 && st.st_size > 0;
}

static void end_walk(struct owners_scan *scan)
{
	if (scan->walk_fd >= 0)
		(void)close(scan->walk_fd); /* was only read */
	scan->walk_fd = -1;
	scan->buffer_at = scan->buffer_len = 0;
}

void owners_scan_done(struct owners_scan *scan)
{
	end_walk(scan);
	if (scan->proc_fd >= 0)
		(void)close(scan->proc_fd); /* was only read */
	free(scan->list);
	memset(scan, 0, sizeof(*scan));
	scan->proc_fd = scan->walk_fd = -1;
}

/* A name made of digits only, as a number up to INT32_MAX; -1 for any other. */
static int32_t number_of(const char *name)
{
	int64_t value = 0;

	if (!*name)
		return -1;
	for (; *name; name++) {
		if (*name < '0' || *name > '9')
			return -1;
		value = value * 10 + (*name - '0');
		if (value > INT32_MAX)
			return -1;
	}
	return (int32_t)value;
}

/*
 * The next entry of directory `fd` whose name is a number. -1: end (or gone), with
 * *out_errno. The kernel ends each name with NUL inside its record.
 */
static int32_t next_number(struct owners_scan *scan, int fd, int *out_errno)
{
	for (;;) {
		const struct dirent64 *entry;
		int32_t number;
		ssize_t len;

		if (scan->buffer_at >= scan->buffer_len) {
			len = getdents64(fd, scan->buffer, sizeof(scan->buffer));
			*out_errno = len < 0 ? errno : 0;
			scan->buffer_at = 0;
			scan->buffer_len = len > 0 ? (size_t)len : 0;
			if (len <= 0)
				return -1;
		}
		entry = (const void *)(scan->buffer + scan->buffer_at);
		scan->buffer_at += entry->d_reclen;
		number = number_of(entry->d_name);
		if (number >= 0)
			return number;
	}
}

static void tell(const struct owners_sink *sink, enum owners_event event,
	const struct owners_process *p)
{
	struct owner_fact fact = {
		.process = {p->pid, p->start_ticks},
		.via = OWNER_VIA_proc,
		.confidence = OWNER_CONFIDENCE_certain,
	};

	sink->tell(sink->ctx, event, &fact);
}

static int by_pid(const void *a, const void *b)
{
	const struct owners_process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static int add_process(struct owners_scan *scan, int32_t pid)
{
	uint32_t cap = scan->cap ? scan->cap * 2 : 256;
	void *moved;

	if (scan->count == scan->cap) {
		moved = realloc(scan->list, cap * sizeof(*scan->list));
		if (!moved)
			return -ENOMEM;
		scan->list = moved;
		scan->cap = cap;
	}
	scan->list[scan->count++] = (struct owners_process){.pid = pid};
	return 0;
}

static int list_processes(struct owners_scan *scan)
{
	int32_t pid;
	int error = 0, r = 0;

	if (lseek(scan->proc_fd, 0, SEEK_SET) < 0)
		return -errno;
	scan->buffer_at = scan->buffer_len = 0;
	while (r == 0 && (pid = next_number(scan, scan->proc_fd, &error)) >= 0) {
		if (scan->count == OWNERS_PROCESSES_MOST) {
			scan->status.limited = true;
			break;
		}
		r = add_process(scan, pid);
	}
	scan->buffer_at = scan->buffer_len = 0;
	if (r == 0 && error)
		r = -error;
	qsort(scan->list, scan->count, sizeof(*scan->list), by_pid);
	return r;
}

/* Takes over what is known of the processes that are still there. */
static void join_old(struct owners_scan *scan, const struct owners_process *old,
	uint32_t old_count, const struct owners_sink *sink)
{
	uint32_t i = 0;

	for (uint32_t k = 0; k < old_count; k++) {
		while (i < scan->count && scan->list[i].pid < old[k].pid)
			i++;
		if (i < scan->count && scan->list[i].pid == old[k].pid)
			scan->list[i] = old[k];
		else if (old[k].walked)
			tell(sink, OWNERS_GONE, &old[k]);
	}
}

static bool inner_namespace(int proc_fd)
{
	char text[32];
	ssize_t len = readlinkat(proc_fd, "self/ns/pid", text, sizeof(text));

	return len > 0 && ((size_t)len != strlen(FIRST_PID_NAMESPACE) ||
				  memcmp(text, FIRST_PID_NAMESPACE, (size_t)len) != 0);
}

int owners_scan_begin(
	struct owners_scan *scan, enum owners_pass pass, const struct owners_sink *sink)
{
	struct owners_process *old = scan->list;
	uint32_t old_count = scan->count;
	struct stat first;
	int r;

	if (scan->walk_fd >= 0)
		scan->list[scan->at].ino = 0; /* only a part of it was told */
	end_walk(scan);
	scan->status = (struct owners_status){
		.whole = true,
		/* Not access(2), which leaves a user's capabilities out. */
		.hidden = fstatat(scan->proc_fd, "1", &first, 0) != 0,
		.inner = inner_namespace(scan->proc_fd),
	};
	scan->list = NULL;
	scan->count = scan->cap = scan->at = 0;
	scan->pass = OWNERS_NOTHING;
	r = list_processes(scan);
	if (r < 0) { /* what was known stays known */
		free(scan->list);
		scan->list = old;
		scan->count = scan->cap = old_count;
		return r;
	}
	join_old(scan, old, old_count, sink);
	free(old);
	scan->status.processes = scan->count;
	scan->pass = pass;
	return 0;
}

static void vanish(struct owners_scan *scan, struct owners_process *p,
	const struct owners_sink *sink)
{
	scan->status.vanished++;
	if (p->walked)
		tell(sink, OWNERS_GONE, p);
	p->walked = false;
	p->ino = 0;
}

static int open_fd_directory(int parent_fd, const char *path)
{
	return openat(parent_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/*
 * The first thread of a process may end before the others; its /proc/PID/fd is empty
 * then, and the descriptors are those of any thread that lives.
 */
static int open_of_thread(struct owners_scan *scan, int dir_fd, int32_t pid)
{
	int task_fd = open_fd_directory(dir_fd, "task"), found = -1, error;
	char path[PATH_BYTES];
	int32_t tid;

	if (task_fd < 0)
		return -1;
	while (found < 0 && (tid = next_number(scan, task_fd, &error)) >= 0) {
		if (tid == pid)
			continue;
		(void)snprintf(path, sizeof(path), "%d/fd", tid);
		found = open_fd_directory(task_fd, path);
	}
	scan->buffer_at = scan->buffer_len = 0;
	(void)close(task_fd); /* was only read */
	if (found < 0)
		errno = ENOENT;
	return found;
}

/* Opens the descriptors of the process behind dir_fd. -1 and errno. */
static int open_walk(struct owners_scan *scan, struct owners_process *p, int dir_fd)
{
	struct process_stat stat;
	int r = process_stat_read(dir_fd, &stat);

	if (r < 0) {
		errno = -r;
		return -1;
	}
	p->start_ticks = stat.start_ticks;
	if (stat.state == 'Z' && stat.threads > 1)
		return open_of_thread(scan, dir_fd, p->pid);
	return open_fd_directory(dir_fd, "fd");
}

/* 0, or -errno of what concerns konn itself and not this process. */
static int begin_walk(struct owners_scan *scan, struct owners_process *p,
	const struct owners_sink *sink)
{
	struct owners_process was = *p;
	char path[PATH_BYTES];
	int dir_fd, error;

	(void)snprintf(path, sizeof(path), "%d", p->pid);
	/* Bound to the process: what is opened below it is never another's. */
	dir_fd = openat(scan->proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd >= 0)
		scan->walk_fd = open_walk(scan, p, dir_fd);
	error = errno;
	if (dir_fd >= 0)
		(void)close(dir_fd); /* O_PATH */
	if (was.walked && (scan->walk_fd < 0 || was.start_ticks != p->start_ticks)) {
		tell(sink, OWNERS_GONE, &was);
		p->walked = false;
	}
	if (scan->walk_fd >= 0) {
		p->walked = true;
		scan->status.walked++;
		tell(sink, OWNERS_WALK, p);
		return 0;
	}
	if (error == EMFILE || error == ENFILE || error == ENOMEM) {
		p->ino = 0; /* to be tried again */
		return -error;
	}
	if (error == EACCES || error == EPERM)
		scan->status.denied++;
	else
		vanish(scan, p, sink);
	return 0;
}

static int look_at(struct owners_scan *scan, struct owners_process *p,
	const struct owners_sink *sink)
{
	char path[PATH_BYTES];
	struct stat st;
	bool same;

	(void)snprintf(path, sizeof(path), "%d/fd", p->pid);
	if (fstatat(scan->proc_fd, path, &st, 0) < 0) {
		if (errno == EACCES || errno == EPERM)
			scan->status.denied++;
		else
			vanish(scan, p, sink);
		return 0;
	}
	same = scan->sizes && p->ino == st.st_ino &&
	       p->descriptors == (uint32_t)st.st_size;
	p->ino = st.st_ino;
	p->descriptors = (uint32_t)st.st_size;
	if (same && scan->pass != OWNERS_ALL) {
		if (p->walked)
			scan->status.whole = false;
		else
			scan->status.denied++; /* as it was when last tried */
		return 0;
	}
	return begin_walk(scan, p, sink);
}

/* The number of "socket:[N]"; 0 for anything else. */
static uint64_t socket_inode(const char *text, size_t len)
{
	static const char head[] = "socket:[";
	uint64_t inode = 0;

	if (len < sizeof(head) + 1 || memcmp(text, head, sizeof(head) - 1) != 0 ||
		text[len - 1] != ']')
		return 0;
	for (size_t i = sizeof(head) - 1; i < len - 1; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		if (__builtin_mul_overflow(inode, 10, &inode) ||
			__builtin_add_overflow(
				inode, (uint64_t)(text[i] - '0'), &inode))
			return 0;
	}
	return inode;
}

static void tell_socket(const struct owners_sink *sink, const struct owners_process *p,
	uint64_t inode, int32_t fd)
{
	struct owner_fact fact = {
		.inode = inode,
		.process = {p->pid, p->start_ticks},
		.fd = fd,
		.via = OWNER_VIA_proc,
		.confidence = OWNER_CONFIDENCE_certain,
		.has = OWNER_HAS_INODE | OWNER_HAS_FD,
	};

	sink->tell(sink->ctx, OWNERS_HAS, &fact);
}

/* One descriptor; false at the end of the directory. */
static bool walk_one(struct owners_scan *scan, struct owners_process *p,
	const struct owners_sink *sink)
{
	char name[16], target[64];
	uint64_t inode;
	ssize_t len;
	int error;
	int32_t fd = next_number(scan, scan->walk_fd, &error);

	if (fd < 0)
		return false;
	if (scan->status.descriptors == OWNERS_DESCRIPTORS_MOST) {
		scan->status.limited = true;
		return false;
	}
	scan->status.descriptors++;
	(void)snprintf(name, sizeof(name), "%d", fd);
	len = readlinkat(scan->walk_fd, name, target, sizeof(target));
	if (len < 0 && errno == EACCES) { /* Landlock lets it be listed, but not read */
		scan->status.denied++;
		scan->status.walked--;
		tell(sink, OWNERS_GONE, p);
		p->walked = false;
		return false;
	}
	inode = len > 0 ? socket_inode(target, (size_t)len) : 0;
	if (inode) {
		scan->status.sockets++;
		tell_socket(sink, p, inode, fd);
	}
	return true;
}

/* One descriptor or one process. 0 or -errno. */
static int advance(struct owners_scan *scan, const struct owners_sink *sink)
{
	struct owners_process *p = &scan->list[scan->at];
	int r = 0;

	if (scan->walk_fd < 0)
		r = look_at(scan, p, sink);
	else if (!walk_one(scan, p, sink))
		end_walk(scan);
	if (scan->walk_fd < 0)
		scan->at++;
	return r;
}

int owners_scan_step(
	struct owners_scan *scan, uint32_t budget, const struct owners_sink *sink)
{
	int r = 0;

	if (scan->pass == OWNERS_NOTHING)
		return 0;
	while (r == 0 && scan->at < scan->count) {
		if (!budget--)
			return 1;
		r = advance(scan, sink);
	}
	scan->pass = OWNERS_NOTHING;
	return r;
}
