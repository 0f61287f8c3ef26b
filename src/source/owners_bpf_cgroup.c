#include "source/owners_bpf_cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define LINE_BYTES 4096

static int mounted(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	char line[LINE_BYTES];
	struct mntent entry;
	int fd = -ENOENT;

	if (!mounts)
		return -errno;
	while (fd < 0 && getmntent_r(mounts, &entry, line, sizeof(line))) {
		if (strcmp(entry.mnt_type, "cgroup2") == 0)
			fd = open(entry.mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	(void)endmntent(mounts); /* only read */
	return fd;
}

static int mount_detached(void)
{
	int context = fsopen("cgroup2", FSOPEN_CLOEXEC);
	int fd;

	if (context < 0)
		return errno == ENODEV ? -ENOENT : -errno;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		fd = -errno;
	else if ((fd = fsmount(context, FSMOUNT_CLOEXEC, 0)) < 0)
		fd = -errno;
	(void)close(context); /* only configured */
	return fd;
}

int owners_bpf_cgroup(void)
{
	int fd = mounted();

	return fd >= 0 ? fd : mount_detached();
}
