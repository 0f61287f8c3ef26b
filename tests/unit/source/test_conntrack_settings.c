/* What /proc says of connection tracking, from a folder of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "source/conntrack_settings.h"

#define FOLDER "sys/net/netfilter"

static int make_root(void **state)
{
	char name[] = "conntrack-XXXXXX"; /* in the build folder */
	int *root = malloc(sizeof(*root));

	if (!root || !mkdtemp(name))
		return -1;
	*root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = root;
	return *root < 0 || mkdirat(*root, "sys", 0755) ||
	       mkdirat(*root, "sys/net", 0755) || mkdirat(*root, FOLDER, 0755) ||
	       mkdirat(*root, "thread-self", 0755) ||
	       mkdirat(*root, "thread-self/net", 0755);
}

static int remove_root(void **state)
{
	static const char *const all[] = {FOLDER "/nf_conntrack_count",
		FOLDER "/nf_conntrack_max", FOLDER "/nf_conntrack_acct",
		"thread-self/net/snmp", "thread-self/net/snmp6"};
	static const char *const folders[] = {
		FOLDER, "sys/net", "sys", "thread-self/net", "thread-self"};
	char link[64], path[256] = "";
	int *root = *state;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", *root);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		(void)unlinkat(*root, all[i], 0);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		(void)unlinkat(*root, folders[i], AT_REMOVEDIR);
	(void)close(*root);
	free(root);
	return rmdir(path);
}

static void put(int root, const char *path, const char *text)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

static void settings(void **state)
{
	int root = *(int *)*state;
	struct conntrack_settings s;

	conntrack_settings_read(root, &s);
	assert_int_equal(s.has, 0);
	assert_int_equal(conntrack_activity(&s, 1000), CONNTRACK_ABSENT);
	put(root, FOLDER "/nf_conntrack_count", "17\n");
	put(root, FOLDER "/nf_conntrack_max", "lots\n");
	put(root, FOLDER "/nf_conntrack_acct", "99999999999\n");
	conntrack_settings_read(root, &s);
	assert_int_equal(s.has, CONNTRACK_SETTING_COUNT);
	assert_int_equal(s.count, 17);
	assert_int_equal(s.max, 0);
	assert_int_equal(conntrack_activity(&s, 0), CONNTRACK_ACTIVE);
	put(root, FOLDER "/nf_conntrack_count", "0\n");
	conntrack_settings_read(root, &s);
	assert_int_equal(conntrack_activity(&s, 0), CONNTRACK_EMPTY);
	assert_int_equal(
		conntrack_activity(&s, CONNTRACK_PACKETS_ENOUGH), CONNTRACK_NO_RULE);
}

static void accounting(void **state)
{
	int root = *(int *)*state;
	bool was = true;

	assert_int_equal(conntrack_accounting(root, true, &was), -ENOENT);
	assert_true(was);
	put(root, FOLDER "/nf_conntrack_acct", "0\n");
	assert_int_equal(conntrack_accounting(root, true, &was), 0);
	assert_false(was);
	assert_int_equal(conntrack_accounting(root, was, &was), 0);
	assert_true(was);
}

static void packets(void **state)
{
	int root = *(int *)*state;
	uint64_t n = 7;

	assert_int_equal(conntrack_packets(root, &n), -ENOENT);
	put(root, "thread-self/net/snmp", "nonsense");
	assert_int_equal(conntrack_packets(root, &n), -EPROTO);
	assert_int_equal(n, 7);
	put(root, "thread-self/net/snmp",
		"Ip: Forwarding InReceives Other OutRequests\nIp: 1 40 -5 2\n"
		"Icmp: InReceives\nIcmp: 999\n");
	assert_int_equal(conntrack_packets(root, &n), 0);
	assert_int_equal(n, 42);
	put(root, "thread-self/net/snmp6",
		"Ip6InReceives                   \t100\nIp6InReceives2 3\n");
	assert_int_equal(conntrack_packets(root, &n), 0);
	assert_int_equal(n, 142);
	put(root, "thread-self/net/snmp6",
		"Ip6InReceives                   100\nIp6OutRequests 8\n"
		"Icmp6InMsgs 90\nIcmp6OutMsgs 8\n");
	assert_int_equal(conntrack_packets(root, &n), 0);
	assert_int_equal(n, 52);
}

#define ROOT_TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROOT_TEST(settings),
		ROOT_TEST(accounting),
		ROOT_TEST(packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
