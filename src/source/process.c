#include "source/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAT_BYTES 1024 /* 52 numbers and a name: 700 at most */

struct part {
	const char *name;
	uint32_t most_bytes;
};

static const struct part parts[PROCESS_PARTS] = {
	[PROCESS_PART_STAT] = {"stat", STAT_BYTES},
	[PROCESS_PART_STATUS] = {"status", 1024}, /* Uid comes early */
	[PROCESS_PART_CGROUP] = {"cgroup", 12 * 1024},
	[PROCESS_PART_CMDLINE] = {"cmdline", PROCESS_CMDLINE_BYTES},
	[PROCESS_PART_EXE] = {"exe", 4096}, /* PATH_MAX; a link */
};
_Static_assert(STAT_BYTES + 1024 + 12 * 1024 + PROCESS_CMDLINE_BYTES + 4096 <=
		       PROCESS_RAW_BYTES,
	"all parts fit");

/* Reads to the end or until `most`; the length or -errno. */
static ssize_t read_file(int dir_fd, const char *name, char *out, size_t most)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, out + len, most - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len < most) || (n < 0 && errno == EINTR));
	n = n < 0 ? -errno : (ssize_t)len;
	(void)close(fd); /* was only read */
	return n;
}

int process_stat_read(int dir_fd, struct process_stat *out)
{
	char text[STAT_BYTES];
	ssize_t len = read_file(dir_fd, "stat", text, sizeof(text));

	if (len < 0)
		return (int)len;
	if (!process_stat_parse(text, (size_t)len, out))
		return -EPROTO;
	out->comm = NULL;
	out->comm_len = 0;
	return 0;
}

static ssize_t read_part(int dir_fd, const struct part *part, char *out)
{
	ssize_t len;

	if (part != &parts[PROCESS_PART_EXE])
		return read_file(dir_fd, part->name, out, part->most_bytes);
	len = readlinkat(dir_fd, part->name, out, part->most_bytes);
	return len < 0 ? -errno : len;
}

static void read_parts(int dir_fd, struct process_raw *out)
{
	size_t at = 0;

	for (unsigned i = 0; i < PROCESS_PARTS; i++) {
		ssize_t len = read_part(dir_fd, &parts[i], out->bytes + at);

		out->error[i] = len < 0 ? (int32_t)len : 0;
		out->len[i] = len > 0 ? (uint32_t)len : 0;
		if (out->len[i] == parts[i].most_bytes)
			out->cut |= 1u << i;
		at += out->len[i];
	}
}

int process_read(int proc_fd, struct process_id id, struct process_raw *out)
{
	struct process_stat stat;
	char name[16];
	struct stat st;
	int dir_fd, r;

	memset(out, 0, offsetof(struct process_raw, bytes));
	out->pid = id.pid;
	(void)snprintf(name, sizeof(name), "%d", id.pid);
	/* Bound to the process: everything below it is of one and the same. */
	dir_fd = openat(proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	read_parts(dir_fd, out);
	if (fstatat(dir_fd, "ns/net", &st, 0) == 0)
		out->netns = st.st_ino;
	out->exe_linked = fstatat(dir_fd, "exe", &st, 0) == 0 && st.st_nlink != 0;
	(void)close(dir_fd); /* O_PATH */
	r = out->error[PROCESS_PART_STAT];
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	if (!process_stat_parse(out->bytes, out->len[PROCESS_PART_STAT], &stat))
		return -EPROTO;
	return process_id_same(id, stat.id) ? 0 : -ESRCH;
}
