/*
 * conntrack_probe — prints what source/conntrack says, one JSON object a line, for the
 * tests of this folder. Works in the namespace that it is started in.
 *
 *   list [-q]        one dump, then the status; -q: without the facts
 *   watch [-b BYTES] events (receive buffer BYTES) and dumps at their pace, until stdin
 *                    ends; a line "sleep MS" there makes it deaf for so long
 *   delete ID [AS]   deletes the listed entry with this id, or calls it AS
 *   cpus, settings
 *   activity         prints "ready", waits for a line on stdin, judges what passed
 * since acct on|off      prints what it was
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "source/conntrack_pace.h"
#include "source/conntrack_settings.h"
#include "source/conntrack_socket.h"

#define SECOND_NS  1000000000u
#define EVENTS     4096 /* before the dump goes on */
#define PIECES     4
#define FLUSH_FULL 65536u

struct probe {
	struct conntrack ct;
	struct conntrack_socket socket;
	struct conntrack_pace pace;
	struct buf out;
	bool quiet;
	uint32_t wanted; /* delete: the id */
	uint32_t as;     /* the id to ask with */
	bool found;
	struct conntrack_fact fact;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static void flush(struct probe *p)
{
	for (size_t done = 0; done < p->out.len;) {
		ssize_t wrote = write(1, p->out.data + done, p->out.len - done);

		if (wrote <= 0)
			exit(1);
		done += (size_t)wrote;
	}
	buf_reset(&p->out);
}

static void number(struct buf *b, const char *name, uint64_t value)
{
	buf_str(b, ",\"");
	buf_str(b, name);
	buf_str(b, "\":");
	buf_u64(b, value);
}

static void text(struct buf *b, const char *name, const char *value)
{
	buf_str(b, ",\"");
	buf_str(b, name);
	buf_str(b, "\":\"");
	buf_str(b, value ? value : "?");
	buf_char(b, '"');
}

static void tuple(
	struct buf *b, const char *name, const struct conntrack_tuple *t, uint32_t has)
{
	buf_str(b, ",\"");
	buf_str(b, name);
	buf_str(b, "\":{\"src\":\"");
	addr_format(b, &t->src, t->family);
	buf_str(b, "\",\"dst\":\"");
	addr_format(b, &t->dst, t->family);
	buf_char(b, '"');
	number(b, "zone", t->zone);
	if (has & CONNTRACK_HAS_PORTS) {
		number(b, "sport", t->src_port);
		number(b, "dport", t->dst_port);
	}
	if (has & CONNTRACK_HAS_ICMP) {
		number(b, "type", t->icmp_type);
		number(b, "code", t->icmp_code);
		number(b, "id", t->icmp_id);
	}
	buf_char(b, '}');
}

static void status_names(struct buf *b, uint32_t status)
{
	const char *comma = "";

	buf_str(b, ",\"status\":[");
	for (unsigned bit = 0; bit < CONNTRACK_STATUS_BITS; bit++)
		if (status >> bit & 1) {
			buf_str(b, comma);
			buf_char(b, '"');
			buf_str(b, conntrack_status_name(bit));
			buf_char(b, '"');
			comma = ",";
		}
	buf_char(b, ']');
}

static void counters(struct buf *b, const struct conntrack_fact *f)
{
	if (f->has & CONNTRACK_HAS_ORIG_COUNTERS) {
		number(b, "orig_packets", f->counters[0].packets);
		number(b, "orig_bytes", f->counters[0].bytes);
	}
	if (f->has & CONNTRACK_HAS_REPLY_COUNTERS) {
		number(b, "reply_packets", f->counters[1].packets);
		number(b, "reply_bytes", f->counters[1].bytes);
	}
}

static void optional(struct buf *b, const struct conntrack_fact *f)
{
	const struct {
		uint32_t bit;
		const char *name;
		uint64_t value;
	} all[] = {
		{CONNTRACK_HAS_TIMEOUT, "timeout", f->timeout_s},
		{CONNTRACK_HAS_MARK, "mark", f->mark},
		{CONNTRACK_HAS_ID, "id", f->id},
		{CONNTRACK_HAS_START, "start", f->start_ns},
		{CONNTRACK_HAS_STOP, "stop", f->stop_ns},
		{CONNTRACK_HAS_EVENT_TIME, "event", f->event_ns},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (f->has & all[i].bit)
			number(b, all[i].name, all[i].value);
	if (f->has & CONNTRACK_HAS_STATE)
		text(b, "state", conntrack_state_name(f->orig.proto, f->state));
	if (f->has & CONNTRACK_HAS_HELPER)
		text(b, "helper", f->helper);
	if (f->has & CONNTRACK_HAS_STATUS)
		status_names(b, f->status);
	counters(b, f);
}

static void print_fact(struct probe *p, const struct conntrack_fact *f)
{
	static const char *const kinds[] = {"listed", "new", "update", "destroy"};
	struct buf *b = &p->out;

	buf_str(b, "{\"kind\":\"");
	buf_str(b, kinds[f->kind]);
	buf_char(b, '"');
	number(b, "generation", f->generation);
	number(b, "netns", f->netns);
	number(b, "proto", f->orig.proto);
	number(b, "nat", conntrack_nat(f));
	tuple(b, "orig", &f->orig, f->has);
	tuple(b, "reply", &f->reply, f->has);
	optional(b, f);
	buf_str(b, "}\n");
	if (b->len > FLUSH_FULL)
		flush(p);
}

static void on_fact(void *ctx, const struct conntrack_fact *f)
{
	struct probe *p = ctx;

	if ((f->has & CONNTRACK_HAS_ID) && f->id == p->wanted) {
		p->fact = *f;
		p->found = true;
	}
	if (!p->quiet)
		print_fact(p, f);
}

static void print_status(struct probe *p, const char *kind)
{
	const struct conntrack_status *s = &p->ct.status;
	struct rusage used;

	(void)getrusage(RUSAGE_SELF, &used);
	buf_fmt(&p->out, "{\"kind\":\"%s\"", kind);
	number(&p->out, "at_ms", now_ns() / 1000000);
	number(&p->out, "listed", s->listed);
	number(&p->out, "made", s->made);
	number(&p->out, "updated", s->updated);
	number(&p->out, "ended", s->ended);
	number(&p->out, "overtaken", s->overtaken);
	number(&p->out, "overruns", s->overruns);
	number(&p->out, "cut", s->cut);
	number(&p->out, "interrupted", s->interrupted);
	number(&p->out, "malformed", s->malformed);
	number(&p->out, "dumps", s->dumps);
	number(&p->out, "generation", s->generation);
	number(&p->out, "entries", s->entries);
	number(&p->out, "stale", s->stale);
	number(&p->out, "cost_us", p->pace.cost_ns / 1000);
	number(&p->out, "cpu_ms",
		(uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
			(uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) /
				1000);
	buf_str(&p->out, "}\n");
	flush(p);
}

static void on_listed(void *ctx, uint32_t generation)
{
	struct probe *p = ctx;

	(void)generation;
	print_status(p, "whole");
}

static int fail(const char *what, int r)
{
	(void)fprintf(stderr, "%s: %s\n", what, strerror(-r));
	return 1;
}

/* Also counts what it cost. */
static int dump_step(struct probe *p, bool begin)
{
	uint64_t before_ns = now_ns();
	int r = begin ? conntrack_socket_dump(&p->socket, &p->ct)
		      : conntrack_socket_receive(&p->socket, &p->ct, PIECES);

	conntrack_pace_spent(&p->pace, now_ns() - before_ns);
	if (!p->ct.status.dumping)
		conntrack_pace_ended(&p->pace, now_ns(), p->ct.status.entries);
	return r;
}

/* False when stdin has ended. */
static bool obey(struct probe *p)
{
	char line[64];
	ssize_t got = read(0, line, sizeof(line) - 1);

	if (got <= 0)
		return false;
	line[got] = '\0';
	if (strncmp(line, "sleep ", 6) == 0) {
		print_status(p, "asleep");
		(void)usleep((useconds_t)strtoul(line + 6, NULL, 10) * 1000);
	}
	return true;
}

static int turn(struct probe *p, const struct pollfd *fds)
{
	int r = 0;

	if (fds[1].revents) {
		uint64_t before = p->ct.status.overruns;

		r = conntrack_socket_events(&p->socket, &p->ct, EVENTS);
		if (p->ct.status.overruns != before)
			print_status(p, "lost");
	}
	if (r >= 0 && p->ct.status.dumping)
		r = dump_step(p, false);
	else if (r >= 0 &&
		 now_ns() >= conntrack_pace_due_ns(&p->pace, p->ct.status.entries,
				     SECOND_NS, p->ct.status.stale))
		r = dump_step(p, true);
	return r;
}

static int watch(struct probe *p)
{
	struct pollfd fds[] = {{.fd = p->socket.dump_fd, .events = POLLIN},
		{.fd = p->socket.event_fd, .events = POLLIN},
		{.fd = 0, .events = POLLIN}};
	int r = 0;

	while (r >= 0 && !fds[2].revents) {
		r = turn(p, fds);
		flush(p);
		(void)poll(fds, 3, 20);
		if (fds[2].revents && obey(p))
			fds[2].revents = 0;
	}
	print_status(p, "status");
	return r < 0 ? fail("watch", r) : 0;
}

static int list(struct probe *p)
{
	int r = conntrack_socket_list(&p->socket, &p->ct);

	flush(p);
	if (r < 0)
		return fail("list", r);
	if (p->wanted) {
		p->fact.id = p->as;
		r = p->found ? conntrack_socket_delete(&p->socket, &p->ct, &p->fact)
			     : -ENOENT;
		return r < 0 ? fail("delete", r) : 0;
	}
	print_status(p, "status");
	return 0;
}

static void on_cpu(void *ctx, const struct conntrack_cpu *c)
{
	struct probe *p = ctx;

	buf_fmt(&p->out, "{\"cpu\":%u", c->cpu);
	number(&p->out, "has", c->has);
	number(&p->out, "found", c->found);
	number(&p->out, "invalid", c->invalid);
	number(&p->out, "insert", c->insert);
	number(&p->out, "insert_failed", c->insert_failed);
	number(&p->out, "drop", c->drop);
	number(&p->out, "early_drop", c->early_drop);
	number(&p->out, "error", c->error);
	number(&p->out, "search_restart", c->search_restart);
	number(&p->out, "clash_resolve", c->clash_resolve);
	number(&p->out, "chaintoolong", c->chain_too_long);
	buf_str(&p->out, "}\n");
}

static void print_settings(struct probe *p, int root_fd)
{
	struct conntrack_settings s;

	conntrack_settings_read(root_fd, &s);
	buf_fmt(&p->out, "{\"has\":%u", s.has);
	number(&p->out, "count", s.count);
	number(&p->out, "max", s.max);
	number(&p->out, "buckets", s.buckets);
	number(&p->out, "acct", s.acct);
	number(&p->out, "timestamp", s.timestamp);
	number(&p->out, "events", s.events);
	buf_str(&p->out, "}\n");
	flush(p);
}

static int activity(int root_fd)
{
	static const char *const names[] = {"absent", "active", "no rule", "empty"};
	struct conntrack_settings s;
	uint64_t before = 0, after = 0;
	int r = conntrack_packets(root_fd, &before);

	(void)printf("ready\n");
	(void)fflush(stdout);
	(void)getchar();
	conntrack_settings_read(root_fd, &s);
	if (r == 0)
		r = conntrack_packets(root_fd, &after);
	(void)printf("%s\n", names[conntrack_activity(&s, after - before)]);
	return r;
}

static int without_socket(struct probe *p, const char *verb, const char *word)
{
	int root_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), r = 0;
	bool was = false;

	if (strcmp(verb, "settings") == 0) {
		print_settings(p, root_fd);
	} else if (strcmp(verb, "activity") == 0) {
		r = activity(root_fd);
	} else {
		r = conntrack_accounting(root_fd, strcmp(word, "on") == 0, &was);
		(void)printf("%d\n", was);
	}
	(void)close(root_fd);
	return r < 0 ? fail(verb, r) : 0;
}

static int with_socket(struct probe *p, const char *verb, size_t event_bytes)
{
	const struct conntrack_sink sink = {p, on_fact, on_listed};
	struct stat netns;
	int r = stat("/proc/thread-self/ns/net", &netns);

	conntrack_init(&p->ct, r == 0 ? netns.st_ino : 0, &sink);
	r = conntrack_socket_open(&p->socket, event_bytes);
	if (r < 0)
		return fail("open", r);
	if (strcmp(verb, "watch") == 0)
		r = watch(p);
	else if (strcmp(verb, "cpus") == 0)
		r = conntrack_socket_cpus(&p->socket, &p->ct, on_cpu, p);
	else
		r = list(p);
	flush(p);
	conntrack_socket_close(&p->socket);
	return r < 0 ? fail(verb, r) : r;
}

int main(int argc, char **argv)
{
	static struct probe p;
	const char *verb = argc > 1 ? argv[1] : "";
	const char *word = argc > 2 ? argv[2] : "";
	size_t event_bytes = 0;
	int r;

	p.quiet = strcmp(word, "-q") == 0 || strcmp(verb, "delete") == 0;
	if (strcmp(verb, "delete") == 0) {
		p.wanted = (uint32_t)strtoul(word, NULL, 10);
		p.as = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : p.wanted;
	}
	if (strcmp(verb, "watch") == 0)
		event_bytes = strcmp(word, "-b") == 0 && argc > 3
				      ? strtoul(argv[3], NULL, 10)
				      : CONNTRACK_EVENT_BYTES;
	r = strcmp(verb, "settings") == 0 || strcmp(verb, "acct") == 0 ||
			    strcmp(verb, "activity") == 0
		    ? without_socket(&p, verb, word)
		    : with_socket(&p, verb, event_bytes);
	buf_done(&p.out);
	return r;
}
