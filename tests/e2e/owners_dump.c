/*
 * Answers questions about sockets' owners, for the tests of this folder. Lines on
 *stdin:
 *
 *	pass | pass all       scans; prints what it took
 *	born                  prints how many passes there were
 *	ask INODE STATE LISTENER BORN   (STATE a number of enum tcp_state, 0: not TCP)
 *	process PID           prints what is known of the process
 *
 * Each answer is one line of JSON.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "source/owners.h"
#include "source/process.h"

#define OWNERS_SHOWN 64
#define STEP         1000

struct dump {
	int proc_fd;
	struct owners_scan scan;
	struct owners owners;
	struct buf scratch;
	struct process_raw raw;
	struct process_fact fact;
	struct process_text text;
};

static uint64_t cpu_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void print_text(const char *key, const char *text)
{
	if (!text || !*text)
		return;
	printf(",\"%s\":\"", key);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void do_pass(struct dump *d, bool all)
{
	struct owners_sink sink = {&d->owners, owners_tell};
	enum owners_pass pass = owners_begin(&d->owners);
	uint64_t start_us = cpu_us();
	unsigned steps = 0;
	int r;

	r = owners_scan_begin(&d->scan, all ? OWNERS_ALL : pass, &sink);
	do {
		if (r >= 0)
			r = owners_scan_step(&d->scan, STEP, &sink);
		steps++;
	} while (r == 1);
	if (r == 0)
		owners_end(&d->owners, &d->scan.status);
	printf("{\"r\":%d,\"pass\":%d,\"processes\":%u,\"walked\":%u,\"denied\":%u,"
	       "\"descriptors\":%u,\"sockets\":%u,\"whole\":%s,\"limited\":%s,"
	       "\"hidden\":%s,\"inner\":%s,\"steps\":%u,\"held\":%u,\"cpu_us\":%" PRIu64
	       "}\n",
		r, (int)pass, d->scan.status.processes, d->scan.status.walked,
		d->scan.status.denied, d->scan.status.descriptors,
		d->scan.status.sockets, d->scan.status.whole ? "true" : "false",
		d->scan.status.limited ? "true" : "false",
		d->scan.status.hidden ? "true" : "false",
		d->scan.status.inner ? "true" : "false", steps, d->owners.held.used,
		cpu_us() - start_us);
}

static void print_owners(struct dump *d, uint64_t inode)
{
	struct owner_fact list[OWNERS_SHOWN];
	uint32_t count = owners_list(&d->owners, inode, list, OWNERS_SHOWN);

	printf(",\"owners\":[");
	for (uint32_t i = 0; i < count && i < OWNERS_SHOWN; i++)
		printf("%s[%d,%d]", i ? "," : "", list[i].process.pid, list[i].fd);
	printf("]");
}

static void do_ask(struct dump *d, const char *line)
{
	struct owners_question question = {0};
	struct owner_fact fact;
	uint64_t inode;
	char *at;

	question.inode = inode = strtoull(line + 4, &at, 10);
	question.state = (enum tcp_state)strtoul(at, &at, 10);
	question.listener = strtoull(at, &at, 10);
	question.first_passes = (uint32_t)strtoul(at, &at, 10);
	owners_resolve(&d->owners, &question, &fact);
	printf("{\"pid\":%d,\"wanted\":%d", fact.process.pid,
		(int)owners_wanted(&d->owners));
	if (fact.has & OWNER_HAS_FD)
		printf(",\"fd\":%d", fact.fd);
	if (fact.has & OWNER_HAS_COUNT)
		printf(",\"count\":%u", fact.processes);
	print_text("via", owner_via_name(fact.via));
	print_text("confidence", owner_confidence_name(fact.confidence));
	print_text("reason", owner_reason_name(fact.reason));
	print_owners(d, inode);
	printf("}\n");
}

static void do_process(struct dump *d, int32_t pid)
{
	struct process_id id = {pid, 0};
	int r = process_read(d->proc_fd, id, &d->raw);
	const struct process_fact *f = &d->fact;
	const struct process_text *t = &d->text;

	if (r == 0 && !process_parse(&d->raw, &d->scratch, &d->fact, &d->text))
		r = -1;
	printf("{\"r\":%d", r);
	if (r == 0) {
		printf(",\"pid\":%d,\"start\":%" PRIu64, f->id.pid, f->id.start_ticks);
		printf(",\"parent\":%d", f->parent_pid);
		if (f->has & PROCESS_HAS_UID)
			printf(",\"uid\":%u,\"euid\":%u", f->uid, f->euid);
		if (f->has & PROCESS_HAS_NETNS)
			printf(",\"netns\":%" PRIu64, f->netns);
		printf(",\"kernel\":%d", !!(f->has & PROCESS_KERNEL_THREAD));
		print_text("comm", f->comm);
		print_text("exe", t->exe);
		printf(",\"deleted\":%d", t->exe_deleted);
		print_text("cmdline", t->cmdline);
		printf(",\"cut\":%d", t->cmdline_cut);
		print_text("unit", t->cgroup.unit);
		print_text("container", container_name(t->cgroup.container));
		print_text("container_id", t->cgroup.id);
	}
	printf("}\n");
}

static void answer(struct dump *d, const char *line)
{
	if (strncmp(line, "pass", 4) == 0)
		do_pass(d, strncmp(line, "pass all", 8) == 0);
	else if (strncmp(line, "ask ", 4) == 0)
		do_ask(d, line);
	else if (strncmp(line, "process ", 8) == 0)
		do_process(d, (int32_t)strtol(line + 8, NULL, 10));
	else
		printf("{\"born\":%u}\n", owners_passes(&d->owners));
	fflush(stdout);
}

int main(void)
{
	static const struct hash_key key = {1, 2};
	static struct dump dump;
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	char line[256];

	dump.proc_fd = open("/proc", flags);
	owners_scan_init(&dump.scan, open("/proc", flags));
	if (dump.proc_fd < 0 || owners_init(&dump.owners, OWNERS_MOST, &key) < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin))
		answer(&dump, line);
	owners_scan_done(&dump.scan);
	owners_done(&dump.owners);
	buf_done(&dump.scratch);
	(void)close(dump.proc_fd);
	return 0;
}
