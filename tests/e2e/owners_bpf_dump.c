/*
 * owners_bpf_dump — what source/owners_bpf tells, for test_owners_bpf.py.
 *
 * owners_bpf_dump [-s SOCKETS] [-r RING_BYTES] [-t] [-i] [-p]
 *
 * Loads (-t: without the table, -i: without io), with -p becomes nobody without any
 * privilege, and writes one JSON line about what works. Then obeys lines from stdin,
 * each answered by one JSON line a fact and {"done": rc, "bad": records}: walk | drain
 * | find COOKIE | counts | wait MS (for the ring to be readable) At the end of stdin it
 * unloads.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "source/owners_bpf.h"

#define BUFFER_BYTES (32u << 10)
#define NOBODY       65534

struct dump {
	struct owners_bpf_load load;
	struct owners_bpf reader;
	struct buf scratch;
	size_t bad;
	char buffer[BUFFER_BYTES];
};

static void put_text(const char *key, const char *text)
{
	printf("\"%s\":\"", key);
	for (; *text; text++)
		printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	printf("\"");
}

static void put_process(const char *key, const struct process_fact *p)
{
	if (p->id.pid == 0)
		return;
	printf(",\"%s\":{\"pid\":%d,\"start_ticks\":%" PRIu64, key, p->id.pid,
		p->id.start_ticks);
	if (p->has & PROCESS_HAS_UID)
		printf(",\"uid\":%u,\"euid\":%u", p->uid, p->euid);
	if (p->has & PROCESS_HAS_CGROUP_ID)
		printf(",\"cgroup_id\":%" PRIu64, p->cgroup_id);
	if (p->has & PROCESS_HAS_COMM) {
		printf(",");
		put_text("comm", p->comm);
	}
	printf("}");
}

static void put_address(
	const char *key, const struct addr *a, uint8_t family, uint16_t port)
{
	struct buf text = {0};

	addr_format(&text, a, family);
	printf(",\"%s\":[\"%s\",%u]", key, buf_cstr(&text), port);
	buf_done(&text);
}

static void on_fact(void *ctx, const struct owners_bpf_fact *f)
{
	(void)ctx;
	printf("{\"cookie\":%" PRIu64
	       ",\"via\":\"%s\",\"confidence\":\"%s\",\"proto\":%u",
		f->owner.cookie, owner_via_name(f->owner.via),
		owner_confidence_name(f->owner.confidence), f->proto);
	if (f->owner.has & OWNER_HAS_INODE)
		printf(",\"inode\":%" PRIu64, f->owner.inode);
	if (f->owner.has & OWNER_HAS_FD)
		printf(",\"fd\":%d", f->owner.fd);
	if (f->owner.has & OWNER_HAS_NETNS)
		printf(",\"netns\":%" PRIu64, f->owner.netns);
	put_process("process", &f->process);
	put_process("creator", &f->creator);
	if (f->has & OWNERS_BPF_HAS_TUPLE) {
		put_address("local", &f->local_addr, f->family, f->local_port);
		put_address("peer", &f->peer_addr, f->family, f->peer_port);
	}
	if (f->has & OWNERS_BPF_HAS_BYTES)
		printf(",\"tx\":%" PRIu64 ",\"rx\":%" PRIu64 ",\"whole\":%s",
			f->tx_bytes, f->rx_bytes,
			f->has & OWNERS_BPF_WHOLE ? "true" : "false");
	printf("}\n");
}

static void parse(struct dump *d, ssize_t len)
{
	const struct owners_bpf_sink sink = {d, on_fact};

	d->bad += owners_bpf_parse(d->buffer, (size_t)len, &d->scratch, &sink);
}

static ssize_t walk(struct dump *d)
{
	int fd = owners_bpf_walk_open(&d->reader);
	ssize_t n;

	if (fd < 0)
		return fd;
	while ((n = owners_bpf_walk(fd, d->buffer, sizeof(d->buffer))) != 0) {
		if (n > 0)
			parse(d, n);
		else if (n != -EAGAIN)
			break;
	}
	close(fd);
	return n;
}

static ssize_t drain(struct dump *d)
{
	ssize_t n;

	while ((n = owners_bpf_drain(&d->reader, d->buffer, sizeof(d->buffer))) > 0)
		parse(d, n);
	return n;
}

static ssize_t counts(struct dump *d)
{
	struct owners_bpf_counts c;
	int rc = owners_bpf_count(&d->reader, &c);

	if (rc == 0)
		printf("{\"noted\":%" PRIu64 ",\"table_full\":%" PRIu64
		       ",\"ended\":%" PRIu64 ",\"ring_full\":%" PRIu64 "}\n",
			c.noted, c.table_full, c.ended, c.ring_full);
	return rc;
}

static ssize_t find(struct dump *d, const char *cookie)
{
	ssize_t n = owners_bpf_find(&d->reader, strtoull(cookie, NULL, 10), d->buffer);

	if (n > 0)
		parse(d, n);
	return n;
}

static ssize_t wait_ring(struct dump *d, const char *ms)
{
	struct pollfd ring = {d->reader.fd[OWNERS_BPF_FD_RING], POLLIN, 0};

	return poll(&ring, 1, (int)strtol(ms, NULL, 10));
}

static ssize_t obey(struct dump *d, const char *line)
{
	if (strcmp(line, "walk") == 0)
		return walk(d);
	if (strcmp(line, "drain") == 0)
		return drain(d);
	if (strcmp(line, "counts") == 0)
		return counts(d);
	if (strncmp(line, "find ", 5) == 0)
		return find(d, line + 5);
	if (strncmp(line, "wait ", 5) == 0)
		return wait_ring(d, line + 5);
	return -EINVAL;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int become_nobody(void)
{
	return setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY) ||
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void say_loaded(const struct dump *d, int rc, double began_ms)
{
	static const char *const parts[] = {"walk", "table", "io"};
	static const char *const reasons[] = {"no_walk", "no_table", "no_io"};

	printf("{\"load\":%d,\"ms\":%.1f", rc, now_ms() - began_ms);
	for (unsigned i = 0; i < OWNERS_BPF_PARTS; i++) {
		printf(",\"%s\":%s,", parts[i], d->load.on[i] ? "true" : "false");
		put_text(reasons[i], d->load.reason[i]);
	}
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct owners_bpf_setup setup = {0};
	bool nobody = false;
	double began_ms = now_ms();
	static struct dump d;
	char line[128];
	int rc, option;

	while ((option = getopt(argc, argv, "s:r:tip")) != -1) {
		switch (option) {
		case 's': setup.sockets = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'r': setup.ring_bytes = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 't': setup.no_table = true; break;
		case 'i': setup.no_io = true; break;
		case 'p': nobody = true; break;
		default: return 64;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	rc = owners_bpf_load(&setup, &d.load);
	if (rc == 0 && (nobody && become_nobody()))
		return 1;
	if (rc == 0)
		rc = owners_bpf_open(&d.reader, d.load.fd);
	say_loaded(&d, rc, began_ms);
	while (rc == 0 && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		d.bad = 0;
		began_ms = now_ms();
		ssize_t done = obey(&d, line);
		printf("{\"done\":%zd,\"bad\":%zu,\"ms\":%.2f}\n", done, d.bad,
			now_ms() - began_ms);
	}
	if (rc == 0)
		owners_bpf_close(&d.reader);
	owners_bpf_unload(&d.load);
	buf_done(&d.scratch);
	return 0;
}
