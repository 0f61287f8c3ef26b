#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/owners_bpf.h"
#include "source/owners_bpf_cgroup.h"

/*
 * Of bpftool's skeleton only the bytes and the types: its functions would load all
 * programs or none.
 */
#include "generated_owners.skel.h"

#define SOCKETS_DEFAULT (1u << 16)
#define RING_LEAST      (1u << 16)
#define RING_DEFAULT    (1u << 20)
#define RING_MOST       (1u << 30)
#define LOG_BYTES       (1u << 16)
#define FIRST_PID_SPACE 0xEFFFFFFCu /* PROC_PID_INIT_INO, include/linux/proc_ns.h */
#define BIT(part_)      (1u << (part_))
#define EVERY_PART      (BIT(OWNERS_BPF_PARTS) - 1)

struct program {
	const char *name;
	enum owners_bpf_part part;
	enum owners_bpf_fd fd;
	bool on_cgroup;
};

static const struct program programs[] = {
	{"konn_walk", OWNERS_BPF_WALK, OWNERS_BPF_FD_WALK, false},
	{"konn_created", OWNERS_BPF_TABLE, OWNERS_BPF_FD_CREATED, true},
	{"konn_released", OWNERS_BPF_TABLE, OWNERS_BPF_FD_RELEASED, true},
	{"konn_destroyed", OWNERS_BPF_TABLE, OWNERS_BPF_FD_DESTROYED, false},
	{"konn_sent", OWNERS_BPF_IO, OWNERS_BPF_FD_SENT, false},
	{"konn_received", OWNERS_BPF_IO, OWNERS_BPF_FD_RECEIVED, false},
};

#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

/* What an attempt needs beside the parts. */
struct attempt {
	const struct owners_bpf_setup *setup;
	struct owners_bpf_load *out;
	char *log; /* of the verifier, LOG_BYTES */
	int error; /* errno of the newest failure */
};

static void reason_set(struct attempt *a, unsigned parts, const char *text)
{
	for (unsigned i = 0; i < OWNERS_BPF_PARTS; i++) {
		if (parts & BIT(i))
			(void)snprintf(a->out->reason[i], sizeof(a->out->reason[i]),
				"%s", text); /* cut is fine */
	}
}

/* The verifier's complaint: the last line before its statistics. */
static void refusal(const char *log, char *out, size_t size)
{
	const char *end = strstr(log, "\nprocessed "), *start;

	if (!end)
		end = log + strlen(log);
	while (end > log && end[-1] == '\n')
		end--;
	for (start = end; start > log && start[-1] != '\n'; start--)
		;
	(void)snprintf(out, size, "the kernel's verifier refuses it: %.*s",
		(int)(end - start < 100 ? end - start : 100), start); /* cut is fine */
}

static void reason_of(struct attempt *a, enum owners_bpf_part part, int error)
{
	static const char *const needs[OWNERS_BPF_PARTS] = {
		[OWNERS_BPF_WALK] = "not permitted: needs CAP_BPF and CAP_PERFMON",
		[OWNERS_BPF_TABLE] =
			"not permitted: needs CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN",
		[OWNERS_BPF_IO] = "not permitted: needs CAP_BPF and CAP_PERFMON",
	};
	static const char *const lacks[OWNERS_BPF_PARTS] = {
		[OWNERS_BPF_WALK] = "the kernel has no iterator over files of tasks",
		[OWNERS_BPF_TABLE] = "the kernel lacks a hook of sockets that end",
		[OWNERS_BPF_IO] = "the kernel lacks sock_send_length (Linux 6.3)",
	};
	char text[160];

	a->error = error;
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		(void)snprintf(text, sizeof(text), "the kernel has no BTF");
	else if (error == EPERM)
		(void)snprintf(text, sizeof(text), "%s", needs[part]);
	else if (error == ESRCH || error == ENOENT)
		(void)snprintf(text, sizeof(text), "%s", lacks[part]);
	else if (a->log[0])
		refusal(a->log, text, sizeof(text));
	else
		(void)snprintf(
			text, sizeof(text), "the kernel says: %s", strerror(error));
	reason_set(a, BIT(part), text);
}

static uint32_t ring_size(const struct owners_bpf_setup *setup)
{
	uint32_t size = RING_LEAST;

	while (size < (setup->ring_bytes ? setup->ring_bytes : RING_DEFAULT) &&
		size < RING_MOST)
		size *= 2;
	return size;
}

static struct bpf_map *map(struct bpf_object *object, const char *name)
{
	return bpf_object__find_map_by_name(object, name);
}

/* Unused maps stay small. */
static int sizes_set(struct bpf_object *object, struct attempt *a, bool with_table)
{
	uint32_t ring = with_table ? ring_size(a->setup) : RING_LEAST;
	uint32_t sockets = a->setup->sockets ? a->setup->sockets : SOCKETS_DEFAULT;
	const struct owners__rodata constants = {
		.with_table = with_table, .ring_wake_bytes = ring / 4};
	int rc = bpf_map__set_initial_value(
		map(object, "konn.rodata"), &constants, sizeof(constants));

	if (rc == 0)
		rc = bpf_map__set_max_entries(
			map(object, "konn_owners"), with_table ? sockets : 1);
	return rc ? rc : bpf_map__set_max_entries(map(object, "konn_ended"), ring);
}

/* Loads the programs of some parts. NULL and `*out_error` (an errno) on failure. */
static struct bpf_object *load(struct attempt *a, unsigned parts, int *out_error)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "konn",
		.kernel_log_buf = a->log, .kernel_log_size = LOG_BYTES);
	struct bpf_object *object;
	const void *bytes;
	size_t size;
	int rc;

	a->log[0] = '\0';
	bytes = owners__elf_bytes(&size);
	object = bpf_object__open_mem(bytes, size, &options);
	if (!object) {
		*out_error = errno;
		return NULL;
	}
	for (unsigned i = 0; i < PROGRAMS; i++) {
		struct bpf_program *p = bpf_object__find_program_by_name(
			object, programs[i].name);

		/* fails only when it is loaded */
		(void)bpf_program__set_autoload(p, parts & BIT(programs[i].part));
	}
	rc = sizes_set(object, a, parts & BIT(OWNERS_BPF_TABLE));
	if (rc == 0)
		rc = bpf_object__load(object);
	if (rc == 0)
		return object;
	bpf_object__close(object);
	*out_error = -rc;
	return NULL;
}

/* Which of several parts do not load, each tried alone. */
static unsigned find_bad(struct attempt *a, unsigned parts, int error)
{
	struct bpf_object *object;
	unsigned bad = 0;
	int why;

	for (unsigned i = 0; i < OWNERS_BPF_PARTS; i++) {
		if (!(parts & BIT(i)))
			continue;
		object = load(a, BIT(i), &why);
		if (!object) {
			reason_of(a, i, why);
			bad |= BIT(i);
		}
		bpf_object__close(object);
	}
	if (bad)
		return bad;
	/* Together they do not: the walk, which is the smallest, goes on alone. */
	bad = parts & ~BIT(OWNERS_BPF_WALK);
	bad = bad ? bad : parts;
	for (unsigned i = 0; i < OWNERS_BPF_PARTS; i++) {
		if (bad & BIT(i))
			reason_of(a, i, error);
	}
	return bad;
}

static int duplicate(int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return own < 0 ? -errno : own;
}

/* Attaches one program and keeps a descriptor of its link. 0 or -errno. */
static int attach(
	struct bpf_object *object, const struct program *p, int cgroup_fd, int *out)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, p->name);
	struct bpf_link *link;
	int fd;

	link = p->on_cgroup ? bpf_program__attach_cgroup(program, cgroup_fd)
			    : bpf_program__attach(program);
	if (!link)
		return -errno;
	fd = duplicate(bpf_link__fd(link));
	(void)bpf_link__destroy(link); /* ours keeps it attached */
	if (fd < 0)
		return fd;
	*out = fd;
	return 0;
}

/* Attaches all programs of the parts; the parts that failed. */
static unsigned attach_all(struct attempt *a, struct bpf_object *object, unsigned parts)
{
	int cgroup_fd = parts & BIT(OWNERS_BPF_TABLE) ? owners_bpf_cgroup() : -1;
	unsigned bad = 0;
	int rc;

	if (parts & BIT(OWNERS_BPF_TABLE) && cgroup_fd < 0) {
		reason_set(a, BIT(OWNERS_BPF_TABLE), "no cgroup2 hierarchy in reach");
		return BIT(OWNERS_BPF_TABLE);
	}
	for (unsigned i = 0; i < PROGRAMS; i++) {
		if (!(parts & BIT(programs[i].part)))
			continue;
		rc = attach(
			object, &programs[i], cgroup_fd, &a->out->fd[programs[i].fd]);
		if (rc < 0) {
			reason_of(a, programs[i].part, -rc);
			bad |= BIT(programs[i].part);
		}
	}
	if (cgroup_fd >= 0)
		(void)close(cgroup_fd); /* only named a place */
	return bad;
}

/* The maps' descriptors. 0 or -errno. */
static int keep_maps(struct bpf_object *object, struct owners_bpf_load *out)
{
	static const char *const names[] = {"konn_owners", "konn_ended", "konn_counts"};

	for (unsigned i = 0; i < 3; i++) {
		int fd = duplicate(bpf_map__fd(map(object, names[i])));

		if (fd < 0)
			return fd;
		out->fd[OWNERS_BPF_FD_TABLE + i] = fd;
	}
	return 0;
}

/* Loads and attaches; the parts that failed, with their reasons. */
static unsigned try(struct attempt *a, unsigned parts)
{
	unsigned bad;
	int rc = 0;
	struct bpf_object *object = load(a, parts, &rc);

	if (!object)
		return find_bad(a, parts, rc);
	bad = attach_all(a, object, parts);
	if (!bad && parts & BIT(OWNERS_BPF_TABLE)) {
		rc = keep_maps(object, a->out);
		if (rc < 0) {
			reason_of(a, OWNERS_BPF_TABLE, -rc);
			bad = BIT(OWNERS_BPF_TABLE);
		}
	}
	bpf_object__close(object);
	return bad;
}

static void close_all(struct owners_bpf_load *l)
{
	for (unsigned i = 0; i < OWNERS_BPF_FDS; i++) {
		if (l->fd[i] >= 0)
			(void)close(l->fd[i]); /* nothing was written */
		l->fd[i] = -1;
	}
}

/* Parts without those that need a missing one. */
static unsigned whole(struct attempt *a, unsigned parts)
{
	if (!(parts & BIT(OWNERS_BPF_WALK))) {
		reason_set(a, parts, "needs the walk");
		parts = 0;
	}
	if (parts & BIT(OWNERS_BPF_IO) && !(parts & BIT(OWNERS_BPF_TABLE))) {
		reason_set(a, BIT(OWNERS_BPF_IO), "needs the table of sockets");
		parts &= ~BIT(OWNERS_BPF_IO);
	}
	return parts;
}

static unsigned wanted(const struct owners_bpf_setup *setup)
{
	unsigned parts = EVERY_PART;

	if (setup->no_table)
		parts = BIT(OWNERS_BPF_WALK);
	if (setup->no_io)
		parts &= ~BIT(OWNERS_BPF_IO);
	return parts;
}

/* The programs tell process numbers of the first pid namespace. */
static bool numbers_agree(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == FIRST_PID_SPACE;
}

int owners_bpf_load(const struct owners_bpf_setup *setup, struct owners_bpf_load *out)
{
	struct attempt a = {setup, out, NULL, EPERM};
	unsigned parts = wanted(setup), bad;

	memset(out, 0, sizeof(*out));
	memset(out->fd, 0xff, sizeof(out->fd));
	if (!numbers_agree()) {
		reason_set(&a, parts, "process numbers differ in this pid namespace");
		return -EXDEV;
	}
	a.log = malloc(LOG_BYTES);
	if (!a.log)
		return -ENOMEM;
	(void)libbpf_set_print(NULL); /* nothing below app prints */
	while (parts) {
		bad = try(&a, parts);
		if (!bad)
			break;
		close_all(out);
		parts = whole(&a, parts & ~bad);
	}
	free(a.log);
	for (unsigned i = 0; i < OWNERS_BPF_PARTS; i++)
		out->on[i] = parts & BIT(i);
	return parts ? 0 : -a.error;
}

void owners_bpf_unload(struct owners_bpf_load *load)
{
	close_all(load);
	memset(load->on, 0, sizeof(load->on));
}
