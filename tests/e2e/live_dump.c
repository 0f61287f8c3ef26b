/*
 * live_dump — counts what the live source hands out, for the tests of this folder.
 *
 * live_dump [-i IF[,IF…]] [-f BPF] [-s SNAPLEN] [-b RING_BYTES] [-S SECONDS_ASLEEP]
 * [-p]
 *
 * Runs under the real supervisor and helper. Writes "ready" on stderr when it captures,
 * and on INT or TERM drains and writes one JSON object on stdout. -S sleeps that long
 * first, so that rings run over; -p prints one line for each frame.
 *
 * disorder: frames with a stamp older than one handed out before them from another
 * interface; disorder_us: by how much at most. An interface's own frames count as in
 * their order: the kernel stamps some before others and hands them over behind.
 * held_us: how long after its stamp a frame came at most.
 */
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "app/supervisor.h"
#include "helper/client.h"
#include "source/live.h"

#define INTERFACES_MOST 64
#define TICK_MS         1000

struct tally {
	uint64_t packets, bytes, captured, tagged, in, out, gso, segments;
	uint32_t last_tci, last_tpid, shortest, longest;
	uint64_t newest_ns;
};

struct dump {
	struct live_setup setup;
	const char *names[INTERFACES_MOST];
	unsigned asleep_s;
	bool print;
	int helper_fd;
	struct source source;
	struct tally tally[INTERFACES_MOST];
	uint64_t disorder, disorder_ns, held_ns;
	uint64_t newest_ns, wakeups;
};

static int capture_socket(void *ctx, struct err *err)
{
	const struct dump *d = ctx;

	return helper_capture_socket(d->helper_fd, err);
}

static uint64_t real_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void count_order(struct dump *d, const struct frame *f, uint64_t now_ns)
{
	struct tally *t = &d->tally[f->interface % INTERFACES_MOST];

	if (f->ts_ns > t->newest_ns)
		t->newest_ns = f->ts_ns;
	if (t->newest_ns < d->newest_ns) {
		d->disorder++;
		if (d->newest_ns - t->newest_ns > d->disorder_ns)
			d->disorder_ns = d->newest_ns - t->newest_ns;
	} else {
		d->newest_ns = t->newest_ns;
	}
	if (now_ns > f->ts_ns && now_ns - f->ts_ns > d->held_ns)
		d->held_ns = now_ns - f->ts_ns;
}

static void count(struct dump *d, const struct frame *f)
{
	struct tally *t = &d->tally[f->interface % INTERFACES_MOST];

	if (t->packets++ == 0 || f->caplen < t->shortest)
		t->shortest = f->caplen;
	if (f->caplen > t->longest)
		t->longest = f->caplen;
	t->bytes += f->len;
	t->captured += f->caplen;
	t->in += f->dir == FRAME_DIR_IN;
	t->out += f->dir == FRAME_DIR_OUT;
	if (f->gso_bytes) {
		t->gso++;
		t->segments += (f->len + f->gso_bytes - 1) / f->gso_bytes;
	}
	if (f->vlan_tpid) {
		t->tagged++;
		t->last_tci = f->vlan_tci;
		t->last_tpid = f->vlan_tpid;
	}
	if (d->print)
		(void)printf(
			"%u %u %u %u\n", f->interface, f->len, f->caplen, f->gso_bytes);
}

/* Reads until there is nothing; false at the end. */
static bool read_all(struct dump *d)
{
	struct frame frames[FRAME_BATCH];
	struct err err = {0};
	unsigned frame_count;
	enum source_status status;
	uint64_t now_ns;

	do {
		now_ns = real_ns();
		status = d->source.ops->next(
			d->source.self, now_ns, frames, &frame_count, &err);
		for (unsigned i = 0; i < frame_count; i++) {
			count(d, &frames[i]);
			count_order(d, &frames[i], now_ns);
		}
	} while (status == SOURCE_FRAMES);
	return status == SOURCE_IDLE;
}

static void report_interface(const struct source_interface *i, const struct tally *t)
{
	(void)printf(
		"\"%s\":{\"up\":%s,\"ifindex\":%u,\"linktype\":%u,\"packets\":%llu,"
		"\"bytes\":%llu,\"captured\":%llu,\"shortest\":%u,\"longest\":%u,"
		"\"in\":%llu,\"out\":%llu,\"gso\":%llu,\"segments\":%llu,"
		"\"tagged\":%llu,\"tci\":%u,\"tpid\":%u}",
		i->name, i->up ? "true" : "false", i->ifindex, i->linktype,
		(unsigned long long)t->packets, (unsigned long long)t->bytes,
		(unsigned long long)t->captured, t->shortest, t->longest,
		(unsigned long long)t->in, (unsigned long long)t->out,
		(unsigned long long)t->gso, (unsigned long long)t->segments,
		(unsigned long long)t->tagged, t->last_tci, t->last_tpid);
}

static void report(struct dump *d)
{
	const struct source_interface *list;
	unsigned interfaces = d->source.ops->interfaces(d->source.self, &list);
	struct source_counters counters;
	struct rusage used;

	d->source.ops->counters(d->source.self, &counters);
	(void)getrusage(RUSAGE_SELF, &used);
	(void)printf("{\"interfaces\":{");
	for (unsigned i = 0; i < interfaces && i < INTERFACES_MOST; i++) {
		(void)fputs(i ? "," : "", stdout);
		report_interface(&list[i], &d->tally[i]);
	}
	(void)printf("},\"ring_drops\":%llu,\"interface_drops\":%llu,\"disorder\":%llu,"
		     "\"disorder_us\":%llu,\"held_us\":%llu,\"wakeups\":%llu,"
		     "\"cpu_us\":%llu}\n",
		(unsigned long long)counters.ring_drops,
		(unsigned long long)counters.interface_drops,
		(unsigned long long)d->disorder,
		(unsigned long long)d->disorder_ns / 1000,
		(unsigned long long)d->held_ns / 1000, (unsigned long long)d->wakeups,
		(unsigned long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) *
				1000000 +
			(unsigned long long)(used.ru_utime.tv_usec +
					     used.ru_stime.tv_usec));
}

/* How long to sleep at most. */
static int patience_ms(struct dump *d)
{
	uint64_t due_ns = d->source.ops->due_ns(d->source.self), now_ns = real_ns();

	if (due_ns <= now_ns)
		return 0;
	due_ns = (due_ns - now_ns) / 1000000 + 1;
	return due_ns < TICK_MS ? (int)due_ns : TICK_MS;
}

/* Captures until a signal comes, then drains. */
static void run(struct dump *d, int signal_fd)
{
	struct pollfd fds[2] = {
		{.events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
	struct source_counters counters;

	(void)d->source.ops->fds(d->source.self, &fds[0].fd, 1);
	(void)fprintf(stderr, "ready\n");
	if (d->asleep_s)
		(void)sleep(d->asleep_s);
	do {
		int ms = patience_ms(d);

		if (poll(fds, 2, ms) == 0 && ms == TICK_MS)
			d->source.ops->counters(d->source.self, &counters);
		d->wakeups++;
		(void)read_all(d);
	} while (!fds[1].revents);
	live_source_drain(&d->source);
	while (read_all(d))
		(void)poll(fds, 1, patience_ms(d));
}

static int worker(void *ctx, int helper_fd)
{
	struct dump *d = ctx;
	struct err err = {0};
	sigset_t signals;
	int signal_fd;

	d->helper_fd = helper_fd;
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0 || live_source_open(&d->setup, &d->source, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return err.exit_code;
	}
	run(d, signal_fd);
	report(d);
	d->source.ops->close(d->source.self);
	(void)close(signal_fd);
	return EXIT_COMPLETE;
}

static void split_names(struct dump *d, char *names)
{
	char *rest = names;

	while (rest && d->setup.count < INTERFACES_MOST)
		d->names[d->setup.count++] = strsep(&rest, ",");
}

int main(int argc, char **argv)
{
	static struct dump d;
	const struct supervisor_setup setup = {
		.helper = true, .sandbox_strict = true, .worker = worker, .ctx = &d};
	int option;

	d.setup = (struct live_setup){.names = d.names,
		.promisc = true,
		.capture_socket = capture_socket,
		.ctx = &d};
	while ((option = getopt(argc, argv, "i:f:s:b:S:p")) != -1)
		switch (option) {
		case 'i': split_names(&d, optarg); break;
		case 'f': d.setup.bpf = optarg; break;
		case 's': d.setup.snaplen = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'b': d.setup.ring_bytes = strtoul(optarg, NULL, 10); break;
		case 'S': d.asleep_s = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'p': d.print = true; break;
		default: return EXIT_USAGE;
		}
	return supervisor_run(&setup);
}
