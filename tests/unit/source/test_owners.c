#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/owners.h"

static const struct hash_key key = {3, 4};

static void walk(struct owners *o, int32_t pid)
{
	struct owner_fact fact = {.process = {pid, 100}};

	owners_tell(o, OWNERS_WALK, &fact);
}

static void has(struct owners *o, int32_t pid, uint64_t inode, int32_t fd)
{
	struct owner_fact fact = {
		.inode = inode,
		.process = {pid, 100},
		.fd = fd,
		.via = OWNER_VIA_proc,
		.confidence = OWNER_CONFIDENCE_certain,
		.has = OWNER_HAS_INODE | OWNER_HAS_FD,
	};

	owners_tell(o, OWNERS_HAS, &fact);
}

static void gone(struct owners *o, int32_t pid)
{
	struct owner_fact fact = {.process = {pid, 100}};

	owners_tell(o, OWNERS_GONE, &fact);
}

static void test_list(void **state)
{
	struct owners o;
	struct owner_fact out[3];

	(void)state;
	assert_int_equal(owners_init(&o, 100, &key), 0);
	for (int32_t pid = 9; pid >= 5; pid--) {
		walk(&o, pid);
		has(&o, pid, 1000, 3);
		has(&o, pid, 2000 + (uint64_t)pid, 4);
		has(&o, pid, 1000, 7); /* by a second descriptor */
	}
	assert_int_equal(owners_list(&o, 1000, out, 3), 5);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(out[i].process.pid, 5 + i);
		assert_int_equal(out[i].fd, 3);
		assert_int_equal(out[i].processes, 5);
	}
	assert_int_equal(owners_list(&o, 1000, NULL, 0), 5);
	assert_int_equal(owners_list(&o, 2007, out, 3), 1);
	gone(&o, 5);
	gone(&o, 5);
	walk(&o, 6); /* has nothing any more */
	assert_int_equal(owners_list(&o, 1000, out, 3), 3);
	assert_int_equal(out[0].process.pid, 7);
	for (int32_t pid = 5; pid < 10; pid++)
		gone(&o, pid);
	assert_int_equal(owners_list(&o, 1000, out, 3), 0);
	assert_int_equal(o.held.used, 0);
	assert_int_equal(o.processes.used, 0);
	owners_done(&o);
}

/* What comes out of turn, or beyond the room, changes nothing else. */
static void test_hostile_facts(void **state)
{
	struct owners o;
	struct owner_fact out;

	(void)state;
	assert_int_equal(owners_init(&o, 2, &key), 0);
	has(&o, 5, 1, 1);
	walk(&o, 5);
	has(&o, 6, 1, 1);
	has(&o, 5, 0, 1);
	assert_int_equal(o.held.used, 0);
	assert_int_equal(o.lost, 2);
	for (uint64_t inode = 1; inode <= 4; inode++)
		has(&o, 5, inode, 1);
	assert_int_equal(o.held.used, 2);
	assert_int_equal(o.lost, 4);
	gone(&o, 5);
	has(&o, 5, 1, 1);
	assert_int_equal(owners_list(&o, 1, &out, 1), 0);
	owners_done(&o);
}

static struct owner_fact resolve(struct owners *o, struct owners_question q)
{
	struct owner_fact out;

	owners_resolve(o, &q, &out);
	return out;
}

static void pass(struct owners *o, struct owners_status status)
{
	(void)owners_begin(o);
	owners_end(o, &status);
}

static void test_wanted(void **state)
{
	struct owners_question q = {.inode = 50};
	struct owners_status whole = {.whole = true}, part = {0};
	struct owners o;

	(void)state;
	assert_int_equal(owners_init(&o, 100, &key), 0);
	assert_int_equal(owners_wanted(&o), OWNERS_NOTHING);
	assert_int_equal(resolve(&o, q).reason, OWNER_REASON_not_searched);
	assert_int_equal(owners_wanted(&o), OWNERS_CHANGED);
	pass(&o, part);
	assert_int_equal(owners_wanted(&o), OWNERS_NOTHING);
	assert_int_equal(resolve(&o, q).reason, OWNER_REASON_not_searched);
	assert_int_equal(owners_wanted(&o), OWNERS_ALL);
	/* one that appears while that pass is under way needs another */
	(void)owners_begin(&o);
	q.first_passes = owners_passes(&o);
	owners_end(&o, &whole);
	assert_int_equal(resolve(&o, q).reason, OWNER_REASON_not_searched);
	assert_int_equal(owners_wanted(&o), OWNERS_CHANGED);
	q.first_passes = 0;
	pass(&o, part);
	assert_int_equal(resolve(&o, q).reason, OWNER_REASON_no_descriptor);
	assert_int_equal(owners_wanted(&o), OWNERS_CHANGED); /* never all again */
	walk(&o, 5);
	has(&o, 5, 50, 3);
	assert_int_equal(resolve(&o, q).process.pid, 5);
	assert_int_equal(resolve(&o, q).reason, OWNER_REASON_NONE);
	owners_done(&o);
}

static void test_reasons(void **state)
{
	struct owners_question q = {.inode = 50};
	struct owners o;

	(void)state;
	assert_int_equal(owners_init(&o, 100, &key), 0);
	pass(&o, (struct owners_status){.whole = true, .denied = 1, .inner = true});
	assert_int_equal(resolve(&o, q).reason, OWNER_REASON_no_permission);
	pass(&o, (struct owners_status){.whole = true, .hidden = true});
	assert_int_equal(resolve(&o, q).reason, OWNER_REASON_no_permission);
	pass(&o, (struct owners_status){.whole = true, .inner = true});
	assert_int_equal(resolve(&o, q).reason, OWNER_REASON_other_pid_namespace);
	pass(&o, (struct owners_status){.whole = true, .limited = true, .denied = 1});
	assert_int_equal(resolve(&o, q).reason, OWNER_REASON_limit);
	q = (struct owners_question){.state = TCP_TIME_WAIT};
	assert_int_equal(resolve(&o, q).reason, OWNER_REASON_time_wait);
	q.state = TCP_FIN_WAIT_2;
	assert_int_equal(resolve(&o, q).reason, OWNER_REASON_orphan);
	q.state = TCP_STATE_NONE;
	assert_int_equal(resolve(&o, q).reason, OWNER_REASON_orphan);
	owners_done(&o);
}

static void test_listener(void **state)
{
	struct owners_question q = {.listener = 60, .state = TCP_ESTABLISHED};
	struct owner_fact fact;
	struct owners o;

	(void)state;
	assert_int_equal(owners_init(&o, 100, &key), 0);
	assert_int_equal(resolve(&o, q).process.pid, 0);
	walk(&o, 5);
	has(&o, 5, 60, 3);
	fact = resolve(&o, q);
	assert_int_equal(fact.process.pid, 5);
	assert_int_equal(fact.via, OWNER_VIA_listener);
	assert_int_equal(fact.confidence, OWNER_CONFIDENCE_inherited);
	assert_int_equal(fact.reason, OWNER_REASON_not_accepted);
	assert_int_equal(fact.has & (OWNER_HAS_FD | OWNER_HAS_INODE), 0);
	q.inode = 70;
	fact = resolve(&o, q);
	assert_int_equal(fact.inode, 70);
	assert_int_equal(fact.reason, OWNER_REASON_not_searched);
	has(&o, 5, 70, 4);
	assert_int_equal(resolve(&o, q).via, OWNER_VIA_proc);
	owners_done(&o);
}

/* ---- a scan of a folder that looks like /proc ---- */

static void make_stat(int root, int pid, int start_ticks)
{
	char path[64], text[160];
	int fd;

	snprintf(path, sizeof(path), "%d/stat", pid);
	fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	snprintf(text, sizeof(text),
		"%d (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0\n", pid,
		start_ticks);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void make_process(int root, int pid, const char *const *links)
{
	char path[64];

	snprintf(path, sizeof(path), "%d", pid);
	(void)mkdirat(root, path, 0700);
	make_stat(root, pid, 7 * pid);
	snprintf(path, sizeof(path), "%d/fd", pid);
	(void)mkdirat(root, path, 0700);
	for (int i = 0; links[i]; i++) {
		snprintf(path, sizeof(path), "%d/fd/%d", pid, i);
		(void)unlinkat(root, path, 0);
		assert_int_equal(symlinkat(links[i], root, path), 0);
	}
}

static uint32_t scan_all(struct owners_scan *scan, struct owners *o, uint32_t budget)
{
	struct owners_sink sink = {o, owners_tell};
	uint32_t steps = 0;

	(void)owners_begin(o);
	assert_int_equal(owners_scan_begin(scan, OWNERS_CHANGED, &sink), 0);
	while (owners_scan_step(scan, budget, &sink) == 1)
		steps++;
	owners_end(o, &scan->status);
	return steps;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void test_scan(void **state)
{
	static const char *const odd[] = {"socket:[11]", "socket:[]", "socket:[1x]",
		"socket:[99999999999999999999999]", "pipe:[11]", "socket:[12",
		"/dev/null", NULL};
	static const char *const two[] = {
		"/dev/null", "socket:[11]", "socket:[22]", NULL};
	char path[] = "/tmp/test-owners-XXXXXX";
	struct owner_fact out[2];
	struct owners_scan scan;
	struct owners o;
	int root;

	(void)state;
	assert_non_null(mkdtemp(path));
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);
	make_process(root, 30, two);
	make_process(root, 4, two);
	make_process(root, 50, odd);
	assert_int_equal(mkdirat(root, "4x", 0700), 0);
	assert_int_equal(mkdirat(root, "99999999999", 0700), 0);
	assert_int_equal(owners_init(&o, 100, &key), 0);
	owners_scan_init(&scan, dup(root));
	assert_true(scan_all(&scan, &o, 1) > 7);
	assert_int_equal(scan.status.processes, 3);
	assert_int_equal(scan.status.descriptors, 13);
	assert_int_equal(scan.status.sockets, 5);
	assert_true(scan.status.whole);
	assert_true(scan.status.hidden); /* no process 1 */
	assert_int_equal(owners_list(&o, 11, out, 2), 3);
	assert_int_equal(out[0].process.pid, 4);
	assert_int_equal(out[0].process.start_ticks, 28);
	assert_int_equal(out[0].fd, 1);
	assert_int_equal(out[1].process.pid, 30);
	assert_int_equal(renameat(root, "30", root, "31"), 0);
	assert_int_equal(scan_all(&scan, &o, 1000), 0);
	assert_int_equal(owners_list(&o, 22, out, 2), 2);
	assert_int_equal(out[1].process.pid, 31);
	/* another process of the same number */
	make_stat(root, 4, 999);
	(void)scan_all(&scan, &o, 1000);
	assert_int_equal(owners_list(&o, 22, out, 2), 2);
	assert_int_equal(out[0].process.pid, 4);
	assert_int_equal(out[0].process.start_ticks, 999);
	owners_scan_done(&scan);
	owners_done(&o);
	close(root);
	assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_hostile_facts),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
