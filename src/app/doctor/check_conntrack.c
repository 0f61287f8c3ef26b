#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/doctor/rights.h"
#include "source/conntrack_settings.h"
#include "source/conntrack_socket.h"

#define DATAGRAMS (2 * CONNTRACK_PACKETS_ENOUGH)

/* What each request of ctnetlink may be answered. */
static void judge(struct finding *f, int ret, const char *works)
{
	if (ret >= 0) {
		finding_set(f, DOCTOR_WORKS, "%s", works);
	} else if (ret == -EPERM) {
		finding_set(f, DOCTOR_MISSING, "ctnetlink refuses");
		rights_refused(f, RIGHT(CAP_NET_ADMIN));
	} else if (ret == -EINVAL || ret == -EPROTONOSUPPORT || ret == -EOPNOTSUPP) {
		finding_set(f, DOCTOR_MISSING,
			"the kernel has no ctnetlink (CONFIG_NF_CT_NETLINK)");
		finding_command(f, "sudo modprobe nf_conntrack_netlink");
	} else {
		finding_set(f, DOCTOR_MISSING, "ctnetlink: %s", strerror(-ret));
	}
}

static void ignore_entry(void *ctx, const struct conntrack_fact *fact)
{
	(void)ctx, (void)fact;
}

static struct conntrack *new_reader(void)
{
	const struct conntrack_sink sink = {.fact = ignore_entry};
	struct conntrack *ct = malloc(sizeof(*ct));

	if (ct)
		conntrack_init(ct, 0, &sink);
	return ct;
}

/* The first part of a dump: whether it comes is known, however big the table is. */
void check_conntrack(struct doctor *d, struct finding *f)
{
	struct conntrack *ct = new_reader();
	struct conntrack_socket s = {-1, -1};
	int ret = ct ? conntrack_socket_open(&s, 0) : -ENOMEM;

	(void)d;
	if (ret == 0)
		ret = conntrack_socket_dump(&s, ct);
	if (ret == 0)
		ret = conntrack_socket_receive(&s, ct, 1);
	judge(f, ret, "the table can be read");
	conntrack_socket_close(&s);
	free(ct);
}

void check_conntrack_events(struct doctor *d, struct finding *f)
{
	struct conntrack_socket s = {-1, -1};
	int ret = conntrack_socket_open(&s, CONNTRACK_EVENT_BYTES);

	(void)d;
	judge(f, ret, "new, changed and ended entries are told");
	conntrack_socket_close(&s);
}

/* Of an entry that cannot be: addresses of the unspecified kind are never tracked. */
void check_conntrack_delete(struct doctor *d, struct finding *f)
{
	const struct conntrack_fact fact = {
		.orig = {.proto = IPPROTO_UDP, .family = FAMILY_V4},
		.reply = {.proto = IPPROTO_UDP, .family = FAMILY_V4},
		.has = CONNTRACK_HAS_PORTS | CONNTRACK_HAS_ID,
	};
	struct conntrack *ct = new_reader();
	struct conntrack_socket s = {-1, -1};
	int ret = ct ? conntrack_socket_open(&s, 0) : -ENOMEM;

	(void)d;
	if (ret == 0)
		ret = conntrack_socket_delete(&s, ct, &fact);
	judge(f, ret == -ENOENT ? 0 : ret, "entries can be deleted");
	conntrack_socket_close(&s);
	free(ct);
}

/* ---- settings ---- */

/* A few datagrams to a socket of konn's own, over loopback. */
static void make_packets(void)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
		getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
		connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		for (int i = 0; i < DATAGRAMS; i++)
			(void)send(fd, "", 1, 0); /* those that went are counted */
	(void)close(fd);                          /* nobody waits for them */
}

static void say_absent(struct finding *f)
{
	finding_set(f, DOCTOR_MISSING, "the kernel has no connection tracking here");
	finding_command(f, "sudo modprobe nf_conntrack");
}

static void judge_activity(struct finding *f, enum conntrack_activity activity)
{
	switch (activity) {
	case CONNTRACK_ABSENT: say_absent(f); break;
	case CONNTRACK_ACTIVE:
		finding_set(f, DOCTOR_WORKS, "connections are tracked");
		break;
	case CONNTRACK_NO_RULE:
		finding_set(f, DOCTOR_MISSING,
			"packets leave no entry: no rule tracks connections");
		finding_command(f,
			"sudo nft 'table inet konn { chain track { type filter hook "
			"input priority 0; ct state new; }; }'");
		break;
	case CONNTRACK_EMPTY:
		finding_set(
			f, DOCTOR_UNKNOWN, "no entry, and too few packets to tell why");
		break;
	}
}

void check_conntrack_rules(struct doctor *d, struct finding *f)
{
	struct conntrack_settings settings;
	uint64_t before = 0, after = 0;
	int root_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)d;
	conntrack_settings_read(root_fd, &settings);
	if ((settings.has & CONNTRACK_SETTING_COUNT) && settings.count == 0 &&
		conntrack_packets(root_fd, &before) == 0) {
		make_packets();
		if (conntrack_packets(root_fd, &after) < 0)
			after = before;
		conntrack_settings_read(root_fd, &settings);
	}
	judge_activity(f, conntrack_activity(&settings, after - before));
	if (root_fd >= 0)
		(void)close(root_fd); /* only read from */
}

struct setting {
	enum conntrack_setting bit;
	const char *name;     /* of the sysctl */
	const char *yes, *no; /* what it means */
};

static void judge_setting(struct finding *f, const struct setting *wanted)
{
	struct conntrack_settings s;
	int root_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint32_t value;

	conntrack_settings_read(root_fd, &s);
	if (root_fd >= 0)
		(void)close(root_fd); /* only read from */
	if (!(s.has & CONNTRACK_SETTING_COUNT)) {
		say_absent(f);
		return;
	}
	value = wanted->bit == CONNTRACK_SETTING_ACCT        ? s.acct
		: wanted->bit == CONNTRACK_SETTING_TIMESTAMP ? s.timestamp
							     : s.events;
	if (!(s.has & wanted->bit)) {
		finding_set(f, DOCTOR_MISSING, "the kernel is built without %s",
			wanted->name);
	} else if (value == 0) {
		finding_set(f, DOCTOR_MISSING, "%s", wanted->no);
		finding_command(f, "sudo sysctl -w net.netfilter.%s=1", wanted->name);
	} else if (value == 2) {
		finding_set(f, DOCTOR_PARTLY,
			"not of entries that were made while nobody listened");
		finding_command(f, "sudo sysctl -w net.netfilter.%s=1", wanted->name);
	} else {
		finding_set(f, DOCTOR_WORKS, "%s", wanted->yes);
	}
}

void check_conntrack_ends(struct doctor *d, struct finding *f)
{
	const struct setting wanted = {CONNTRACK_SETTING_EVENTS, "nf_conntrack_events",
		"the end of each entry is told", "events are turned off"};

	(void)d;
	judge_setting(f, &wanted);
}

void check_conntrack_bytes(struct doctor *d, struct finding *f)
{
	const struct setting wanted = {CONNTRACK_SETTING_ACCT, "nf_conntrack_acct",
		"new entries count packets and bytes",
		"entries do not count packets and bytes"};

	(void)d;
	judge_setting(f, &wanted);
}

void check_conntrack_times(struct doctor *d, struct finding *f)
{
	const struct setting wanted = {CONNTRACK_SETTING_TIMESTAMP,
		"nf_conntrack_timestamp", "new entries know when they began",
		"entries do not know when they began"};

	(void)d;
	judge_setting(f, &wanted);
}
