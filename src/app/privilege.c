#include "app/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOBODY 65534 /* when no user database says otherwise */

struct identity {
	uid_t uid;
	gid_t gid;
};

/*
 * Reads the local file only: a name service may ask the network for a user that does
 * not exist, and load libraries into a process that is still root.
 */
static struct identity worker_identity(void)
{
	struct identity found = {NOBODY, NOBODY};
	FILE *users = fopen("/etc/passwd", "re");
	const struct passwd *p;

	while (users && (p = fgetpwent(users))) {
		if (p->pw_uid == 0)
			continue; /* never root, whatever the file calls it */
		if (strcmp(p->pw_name, "konn") == 0) {
			found = (struct identity){p->pw_uid, p->pw_gid};
			break;
		}
		if (strcmp(p->pw_name, "nobody") == 0)
			found = (struct identity){p->pw_uid, p->pw_gid};
	}
	if (users)
		(void)fclose(users); /* was only read */
	return found;
}

/* Fails where the ids are not mapped (a user namespace with one user) or were given up.
 */
static int change_identity(struct err *err)
{
	struct identity to;

	if (geteuid() != 0)
		return 0;
	to = worker_identity();
	if (setgroups(0, NULL) != 0)
		return err_errno(err, "cannot leave the groups of root");
	if (setresgid(to.gid, to.gid, to.gid) != 0)
		return err_errno(err, "cannot become group %u", (unsigned)to.gid);
	if (setresuid(to.uid, to.uid, to.uid) != 0)
		return err_errno(err, "cannot become user %u", (unsigned)to.uid);
	return 0;
}

static int empty_capabilities(struct err *err)
{
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0 || capng_get_caps_process() != 0 ||
		capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE) {
		errno = EPERM;
		return err_errno(err, "cannot give up the capabilities");
	}
	return 0;
}

static int forbid_more(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_errno(err, "cannot set no_new_privs");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_errno(err, "cannot forbid core dumps");
	return 0;
}

int privilege_drop(struct err *err)
{
	struct err first = {0};
	int status, worst;

	/* While CAP_SETPCAP is there; without exec a leftover bounding set is harmless.
	 */
	capng_clear(CAPNG_SELECT_ALL);
	(void)capng_apply(CAPNG_SELECT_BOUNDS);

	worst = change_identity(&first);
	status = empty_capabilities(worst ? NULL : &first);
	worst = worst ? worst : status;
	status = forbid_more(worst ? NULL : &first);
	worst = worst ? worst : status;
	if (worst)
		(void)err_set(err, EXIT_SANDBOX, "%s", first.text); /* worst says it */
	return worst;
}
