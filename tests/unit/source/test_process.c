#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/process.h"

#define NUMBERS \
	" S 7 42 42 0 -1 4194560 100 0 0 0 5 6 0 0 20 0 3 0 987654 1000 200 184467"

static const char stat_line[] = "42 (a) (b c)" NUMBERS "\n";
static const char status_text[] = "Name:\ta) (b c\nUmask:\t0022\nState:\tS (sleeping)\n"
				  "Uid:\t1000\t0\t1000\t1000\nGid:\t1\t1\t1\t1\n";

static void add_part(
	struct process_raw *raw, enum process_part part, const char *bytes, size_t len)
{
	size_t at = 0;

	for (unsigned i = 0; i < part; i++)
		at += raw->len[i];
	assert_true(at + len <= sizeof(raw->bytes));
	memcpy(raw->bytes + at, bytes, len);
	raw->len[part] = (uint32_t)len;
}

static struct process_raw *make_raw(const char *cmdline, size_t len, const char *exe)
{
	struct process_raw *raw = calloc(1, sizeof(*raw));

	assert_non_null(raw);
	raw->pid = 42;
	add_part(raw, PROCESS_PART_STAT, stat_line, strlen(stat_line));
	add_part(raw, PROCESS_PART_STATUS, status_text, strlen(status_text));
	add_part(raw, PROCESS_PART_CGROUP, "0::/system.slice/x.service\n", 27);
	add_part(raw, PROCESS_PART_CMDLINE, cmdline, len);
	add_part(raw, PROCESS_PART_EXE, exe, strlen(exe));
	return raw;
}

static void test_stat(void **state)
{
	struct process_stat s;

	(void)state;
	assert_true(process_stat_parse(stat_line, strlen(stat_line), &s));
	assert_int_equal(s.id.pid, 42);
	assert_int_equal(s.id.start_ticks, 987654);
	assert_int_equal(s.parent_pid, 7);
	assert_int_equal(s.threads, 3);
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.comm_len, 7);
	assert_memory_equal(s.comm, "a) (b c", 7);
}

static void test_stat_damaged(void **state)
{
	static const char *const bad[] = {"", "42", "42 (a", "42 a) S 1", "(a)" NUMBERS,
		"x (a)" NUMBERS, "99999999999 (a)" NUMBERS, "42 (a) SS 7",
		"42 )a(" NUMBERS, "42 (a) S -7 42"};
	const char *end = strstr(stat_line, " 1000 200");
	struct process_stat s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(process_stat_parse(bad[i], strlen(bad[i]), &s));
	/* a start time that may have been cut is none */
	for (size_t len = 0; len <= (size_t)(end - stat_line); len++) {
		char *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, stat_line, len);
		assert_false(process_stat_parse(copy, len, &s));
		free(copy);
	}
	assert_true(process_stat_parse(stat_line, (size_t)(end - stat_line) + 1, &s));
}

static void test_parse(void **state)
{
	struct process_raw *raw = make_raw(
		"prog\0--x\033[1m\0a b\0\0", 18, "/bin/prog");
	struct buf scratch = {0};
	struct process_fact fact;
	struct process_text text;

	(void)state;
	raw->netns = 77;
	assert_true(process_parse(raw, &scratch, &fact, &text));
	assert_int_equal(fact.id.pid, 42);
	assert_int_equal(fact.uid, 1000);
	assert_int_equal(fact.euid, 0);
	assert_int_equal(fact.netns, 77);
	assert_int_equal(fact.has, PROCESS_HAS_PARENT | PROCESS_HAS_UID |
					   PROCESS_HAS_NETNS | PROCESS_HAS_COMM);
	assert_string_equal(fact.comm, "a) (b c");
	assert_string_equal(text.cmdline, "prog --x\\x1b[1m a b");
	assert_string_equal(text.exe, "/bin/prog");
	assert_false(text.exe_deleted || text.exe_cut || text.cmdline_cut);
	assert_string_equal(text.cgroup.unit, "x.service");
	free(raw);
	buf_done(&scratch);
}

static void test_deleted(void **state)
{
	struct process_raw *raw = make_raw("", 0, "/bin/p (deleted)");
	struct buf scratch = {0};
	struct process_fact fact;
	struct process_text text;

	(void)state;
	assert_true(process_parse(raw, &scratch, &fact, &text));
	assert_true(text.exe_deleted);
	assert_string_equal(text.exe, "/bin/p");
	assert_string_equal(text.cmdline, "");
	raw->exe_linked = true; /* that is its name */
	assert_true(process_parse(raw, &scratch, &fact, &text));
	assert_false(text.exe_deleted);
	assert_string_equal(text.exe, "/bin/p (deleted)");
	free(raw);
	buf_done(&scratch);
}

static void test_long(void **state)
{
	char *args = malloc(PROCESS_CMDLINE_BYTES);
	struct buf scratch = {0};
	struct process_raw *raw;
	struct process_fact fact;
	struct process_text text;

	(void)state;
	assert_non_null(args);
	memset(args, 0xff, PROCESS_CMDLINE_BYTES);
	raw = make_raw(args, PROCESS_CMDLINE_BYTES, "");
	assert_true(process_parse(raw, &scratch, &fact, &text));
	assert_true(text.cmdline_cut);
	assert_int_equal(strlen(text.cmdline), PROCESS_CMDLINE_BYTES - 4);
	assert_string_equal(text.exe, "");
	raw->len[PROCESS_PART_EXE] = PROCESS_RAW_BYTES; /* a lie */
	assert_false(process_parse(raw, &scratch, &fact, &text));
	raw->len[PROCESS_PART_EXE] = UINT32_MAX;
	assert_false(process_parse(raw, &scratch, &fact, &text));
	free(raw);
	free(args);
	buf_done(&scratch);
}

/* This process, as the system calls tell it. */
static void test_self(void **state)
{
	int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct process_raw *raw = malloc(sizeof(*raw));
	struct process_id id = {getpid(), 0};
	struct buf scratch = {0};
	struct process_fact fact;
	struct process_text text;
	char exe[1024] = {0};
	struct stat st;

	(void)state;
	if (proc_fd < 0)
		skip();
	assert_non_null(raw);
	assert_int_equal(process_read(proc_fd, id, raw), 0);
	assert_true(process_parse(raw, &scratch, &fact, &text));
	assert_int_equal(fact.id.pid, getpid());
	assert_int_equal(fact.parent_pid, getppid());
	assert_int_equal(fact.uid, getuid());
	assert_int_equal(fact.euid, geteuid());
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	assert_string_equal(text.exe, exe);
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	assert_int_equal(fact.netns, st.st_ino);
	id.start_ticks = fact.id.start_ticks;
	assert_int_equal(process_read(proc_fd, id, raw), 0);
	id.start_ticks++; /* of an earlier process of that number */
	assert_int_equal(process_read(proc_fd, id, raw), -ESRCH);
	id = (struct process_id){INT32_MAX, 0};
	assert_int_equal(process_read(proc_fd, id, raw), -ESRCH);
	(void)close(proc_fd);
	free(raw);
	buf_done(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_stat_damaged),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_deleted),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_self),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
