#include "app/doctor/rights.h"

#include <cap-ng.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char own_file[] = "/proc/self/exe";

static uint64_t effective(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &head, data) != 0)
		return 0;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

/* Those that a program may get at all, whatever its file says. */
static uint64_t reachable(void)
{
	uint64_t all = 0;

	for (int i = 0; i < 64; i++)
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			all |= RIGHT(i);
	return all;
}

/* What setcap gave to konn's file before: the next setcap must repeat it. */
static uint64_t of_file(void)
{
	struct vfs_ns_cap_data data = {0};
	ssize_t n = getxattr(own_file, "security.capability", &data, sizeof(data));

	if (n < (ssize_t)(sizeof(data) - sizeof(data.rootid)))
		return 0;
	return le32toh(data.data[0].permitted) |
	       (uint64_t)le32toh(data.data[1].permitted) << 32;
}

static void add_names(struct buf *out, uint64_t rights, const char *prefix, bool upper)
{
	const char *comma = "";

	for (unsigned i = 0; i < 64; i++) {
		const char *name;

		if (!(rights & RIGHT(i)))
			continue;
		name = capng_capability_to_name(i);
		buf_fmt(out, "%s%s", comma, prefix);
		for (; name && *name; name++)
			buf_char(out, (char)(upper && *name >= 'a' && *name <= 'z'
						      ? *name - 'a' + 'A'
						      : *name));
		comma = upper ? ", " : ",";
	}
}

/* konn's own path as a shell reads it; false: it cannot be said so. */
static bool add_path(struct buf *out)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789/._-+,:@%";
	char path[PATH_MAX];
	ssize_t n = readlink(own_file, path, sizeof(path) - 1);

	if (n <= 0)
		return false;
	path[n] = '\0';
	if (strspn(path, plain) == (size_t)n) {
		buf_str(out, path);
		return true;
	}
	for (ssize_t i = 0; i < n; i++)
		if (path[i] == '\'' || path[i] == '\\' || path[i] < ' ')
			return false; /* would be shown escaped: not to be copied */
	buf_fmt(out, "'%s'", path);
	return true;
}

static bool file_rights_count(void)
{
	struct statvfs fs;

	return statvfs(own_file, &fs) != 0 || !(fs.f_flag & ST_NOSUID);
}

static void add_command(struct finding *f, uint64_t needed)
{
	struct buf command = {0};
	bool known;

	if (file_rights_count()) {
		buf_str(&command, "sudo setcap ");
		add_names(&command, needed | of_file(), "cap_", false);
		buf_str(&command, "+ep ");
		known = add_path(&command);
	} else { /* a file system mounted nosuid */
		buf_str(&command, "sudo ");
		known = add_path(&command);
	}
	if (known && !command.oom && command.len < sizeof(f->command))
		finding_command(f, "%s", buf_cstr(&command));
	buf_done(&command);
}

/* PROC_USER_INIT_INO of include/linux/proc_ns.h. */
static bool in_first_user_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) != 0 || st.st_ino == 0xeffffffdu;
}

void rights_refused(struct finding *f, uint64_t needed)
{
	uint64_t lacking = needed & ~effective();
	struct buf reason = {0};

	buf_str(&reason, f->reason);
	if (!lacking && !in_first_user_namespace()) {
		buf_str(&reason, ": rights of this user namespace do not count there");
	} else if (!lacking) {
		buf_str(&reason, ": refused though the rights are there (a security "
				 "module, lockdown or seccomp?)");
	} else {
		buf_str(&reason, ": needs ");
		add_names(&reason, lacking, "CAP_", true);
	}
	if (lacking & ~reachable())
		buf_str(&reason, ", which this container or service may not have");
	else if (lacking && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		buf_str(&reason, ", which no program started here can get "
				 "(no_new_privs)");
	else if (lacking)
		add_command(f, needed);
	(void)snprintf(f->reason, sizeof(f->reason), "%s", buf_cstr(&reason));
	buf_done(&reason);
}
