/*
 * emulator — a network path between two namespaces, with a capture point in its middle.
 *
 *   client namespace         before | after the middle          server namespace
 *      TAP path0  ── client.up ──►  middle  ── server.up ──►  TAP path0
 *                 ◄── client.down ──        ◄── server.down ──
 *
 * emulator client=NETNS server=NETNS out=FOLDER [seed=N] [seconds=N] [offload=1]
 *          [LINK:OPTION=VALUE]…          such as client.up:delay_us=20000; see link.h
 *
 * Makes an interface "path0" in each namespace (files like /run/netns/x), writes
 * "ready", and works until SIGTERM, SIGINT or the given seconds (60). In FOLDER:
 * client.pcap, middle.pcap, server.pcap (ns stamps; those of the middle are when a
 * packet was due there, those of the ends when the emulator read or wrote it),
 * drops.log (each loss, copy and reordering) and packets.log (each TCP packet's way).
 * At the end one line of JSON: how late packets left, so that a test can tell that the
 * machine was too busy.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "link.h"
#include "record.h"

#define NS_PER_S 1000000000
#define LATE_NS  300000
/* A sleeping virtual machine was measured to wake up to 0.25 ms late: so wait awake. */
#define AWAKE_NS   300000
#define HEAP_MOST  65536
#define WARM_UP    9 /* a port whose packets pass at once, unseen */
#define BATCH      32
#define FRAME_MOST 2048
#define OFFLOADS   (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)

enum half { CLIENT, SERVER, HALVES };

struct frame {
	uint64_t at_ns, order; /* when it moves on; equal times keep their order */
	struct record_way way;
	struct wire wire;
	bool held; /* on the link where it is */
	uint32_t size;
	uint8_t bytes[];
};

struct lateness {
	uint64_t releases, late, most_ns;
};

struct emulator {
	int tap[HALVES], signals;
	struct link link[HALVES][2]; /* by whether it goes up */
	struct record record;
	struct lateness lateness;
	const char *client, *server, *folder;
	uint64_t seed, seconds, order, refused; /* refused: frames a TAP did not take */
	uint32_t serial;
	bool offload;
	unsigned used;
	struct frame *heap[HEAP_MOST]; /* owned */
	uint8_t in[WIRE_MOST], cut[WIRE_MOST];
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t); /* cannot fail with these clocks */
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static bool sooner(const struct frame *a, const struct frame *b)
{
	return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order);
}

/* Frees the frame when there is no room. */
static void push(struct emulator *e, struct frame *f)
{
	unsigned i = e->used;

	if (i == HEAP_MOST) {
		e->refused++;
		free(f);
		return;
	}
	f->order = e->order++;
	for (e->used++; i && sooner(f, e->heap[(i - 1) / 2]); i = (i - 1) / 2)
		e->heap[i] = e->heap[(i - 1) / 2];
	e->heap[i] = f;
}

static struct frame *pop(struct emulator *e)
{
	struct frame *first = e->heap[0], *last = e->heap[--e->used];
	unsigned i = 0, child;

	for (;; i = child) {
		child = 2 * i + 1;
		if (child >= e->used)
			break;
		if (child + 1 < e->used && sooner(e->heap[child + 1], e->heap[child]))
			child++;
		if (!sooner(e->heap[child], last))
			break;
		e->heap[i] = e->heap[child];
	}
	e->heap[i] = last;
	return first;
}

static void tell(
	struct emulator *e, const struct frame *f, const char *reason, bool yes)
{
	struct record_event event = {f->at_ns, f->way.middle_ns != 0, reason, yes};

	record_event(&e->record, &f->way, &f->wire, &event);
}

static struct frame *copy_of(const struct frame *f)
{
	struct frame *copy = malloc(sizeof(*copy) + f->size);

	if (!copy)
		return NULL;
	memcpy(copy, f, sizeof(*f) + f->size);
	copy->way.copy = f->way.middle_ns ? 2 : 1;
	return copy;
}

/* Which half of the path it is on. */
static enum half half_of(const struct frame *f)
{
	return (f->way.middle_ns != 0) == f->way.up ? SERVER : CLIENT;
}

static void enter(struct emulator *e, struct frame *f)
{
	struct link *l = &e->link[half_of(f)][f->way.up];
	struct link_verdict v = link_enter(l, &f->wire, f->at_ns, f->size);
	const char *reason = v.fate == LINK_LOSS ? "loss" : "queue";
	struct frame *copy = NULL;

	if (v.fate != LINK_PASSES) {
		tell(e, f, reason, false);
		record_end(&e->record, &f->way, &f->wire, reason);
		free(f);
		return;
	}
	if (v.twice)
		tell(e, f, "duplicate", false);
	f->held = v.held;
	f->at_ns = v.out_ns;
	if (v.twice)
		copy = copy_of(f);
	push(e, f);
	if (copy)
		push(e, copy);
}

static void leave(struct emulator *e, struct frame *f)
{
	struct virtio_net_hdr head = {0};
	struct iovec iov[] = {{&head, sizeof(head)}, {f->bytes, f->size}};
	int tap = e->tap[f->way.up ? SERVER : CLIENT];
	uint64_t late;

	f->way.due_ns = f->at_ns;
	f->way.exit_ns = clock_ns(CLOCK_MONOTONIC);
	record_frame(&e->record, f->way.up ? RECORD_SERVER : RECORD_CLIENT,
		f->way.exit_ns, f->bytes, f->size);
	if (writev(tap, iov, 2) < 0)
		e->refused++;
	late = f->way.exit_ns - f->way.due_ns;
	e->lateness.releases++;
	e->lateness.late += late > LATE_NS;
	if (late > e->lateness.most_ns)
		e->lateness.most_ns = late;
	record_end(&e->record, &f->way, &f->wire, "ok");
	free(f);
}

/* A frame has come to the end of a link. */
static void move_on(struct emulator *e, struct frame *f)
{
	struct link *l = &e->link[half_of(f)][f->way.up];
	bool overtaken = !f->way.copy && link_leave(l, &f->wire, f->way.serial);

	if (f->held || overtaken)
		tell(e, f, "reorder", overtaken);
	f->held = false;
	if (f->way.middle_ns) {
		leave(e, f);
		return;
	}
	f->way.middle_ns = f->at_ns;
	record_frame(&e->record, RECORD_MIDDLE, f->at_ns, f->bytes, f->size);
	enter(e, f);
}

static void begin(
	struct emulator *e, bool up, uint64_t now_ns, const uint8_t *bytes, size_t size)
{
	struct frame *f = size > FRAME_MOST ? NULL : calloc(1, sizeof(*f) + size);

	if (!f) {
		e->refused++;
		return;
	}
	memcpy(f->bytes, bytes, size);
	f->size = (uint32_t)size;
	f->at_ns = now_ns;
	f->way.enter_ns = now_ns;
	f->way.up = up;
	f->way.serial = ++e->serial;
	wire_read(bytes, size, &f->wire);
	enter(e, f);
}

/* One frame from an interface, cut into segments if it still has to be. */
static void taken(struct emulator *e, enum half half, const struct virtio_net_hdr *head,
	size_t size)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	size_t part;
	struct wire w;

	record_frame(&e->record, half == CLIENT ? RECORD_CLIENT : RECORD_SERVER, now_ns,
		e->in, size);
	wire_read(e->in, size, &w);
	if (head->gso_type != VIRTIO_NET_HDR_GSO_NONE && w.tcp && head->gso_size) {
		for (unsigned i = 0;
			(part = wire_cut(e->in, &w, head->gso_size, i, e->cut)); i++)
			begin(e, half == CLIENT, now_ns, e->cut, part);
		return;
	}
	if ((head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) && w.tcp)
		wire_checksum(e->in, size, &w);
	begin(e, half == CLIENT, now_ns, e->in, size);
}

/* Reads a frame; false: there is none. */
static bool take(struct emulator *e, enum half half)
{
	struct virtio_net_hdr head;
	struct iovec iov[] = {{&head, sizeof(head)}, {e->in, sizeof(e->in)}};
	ssize_t got = readv(e->tap[half], iov, 2);
	size_t size = (size_t)got - sizeof(head);
	struct wire w;

	if (got < (ssize_t)sizeof(head))
		return false;
	wire_read(e->in, size, &w);
	if (w.tcp && (w.sport == WARM_UP || w.dport == WARM_UP)) {
		iov[1].iov_len = size;
		if (writev(e->tap[!half], iov, 2) < 0)
			e->refused++;
	} else
		taken(e, half, &head, size);
	return true;
}

/* How long it may sleep until the first frame moves, at most a second. */
static struct timespec patience(const struct emulator *e)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC), at_ns = now_ns + NS_PER_S;

	if (e->used && e->heap[0]->at_ns < at_ns)
		at_ns = e->heap[0]->at_ns;
	if (at_ns <= now_ns + AWAKE_NS)
		return (struct timespec){0, 0};
	at_ns -= now_ns + AWAKE_NS;
	return (struct timespec){(time_t)(at_ns / NS_PER_S), (long)(at_ns % NS_PER_S)};
}

/* Waits for a frame or until the first one moves. 1: the end was asked for; -1: errno.
 */
static int turn(struct emulator *e)
{
	struct pollfd fds[] = {{e->tap[CLIENT], POLLIN, 0}, {e->tap[SERVER], POLLIN, 0},
		{e->signals, POLLIN, 0}};
	struct timespec wait = patience(e);

	if (!wait.tv_sec && !wait.tv_nsec)
		(void)sched_yield(); /* another emulator may be due before */
	if (ppoll(fds, 3, &wait, NULL) < 0)
		return errno == EINTR ? 0 : -1;
	if (fds[2].revents)
		return 1;
	while (e->used && e->heap[0]->at_ns <= clock_ns(CLOCK_MONOTONIC))
		move_on(e, pop(e));
	for (enum half h = CLIENT; h < HALVES; h++)
		for (unsigned i = 0; fds[h].revents && i < BATCH && take(e, h); i++)
			;
	return 0;
}

static bool work(struct emulator *e)
{
	uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + e->seconds * NS_PER_S;
	int ended = 0;

	while (!ended && clock_ns(CLOCK_MONOTONIC) < end_ns)
		ended = turn(e);
	return ended >= 0;
}

/* An interface "path0" in a namespace; its descriptor, -1: errno says why. */
static int open_tap(const struct emulator *e, const char *namespace)
{
	struct ifreq request = {.ifr_name = "path0"};
	int there = open(namespace, O_RDONLY | O_CLOEXEC), fd = -1;

	request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (e->offload)
		request.ifr_flags |= IFF_NAPI;
	if (there >= 0 && setns(there, CLONE_NEWNET) == 0)
		fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (there >= 0)
		(void)close(there);
	if (fd < 0)
		return -1;
	if (ioctl(fd, TUNSETIFF, &request) < 0 ||
		ioctl(fd, TUNSETOFFLOAD, e->offload ? OFFLOADS : 0) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static bool read_link_option(struct emulator *e, const char *text)
{
	static const char *const names[HALVES][2] = {
		{"client.down:", "client.up:"}, {"server.down:", "server.up:"}};

	for (unsigned i = 0; i < HALVES * 2; i++) {
		const char *name = names[i / 2][i % 2];

		if (strncmp(text, name, strlen(name)) == 0)
			return link_option(
				&e->link[i / 2][i % 2].options, text + strlen(name));
	}
	return false;
}

static bool read_option(struct emulator *e, const char *text)
{
	const char *value = strchr(text, '=');

	if (!value)
		return false;
	value++;
	if (strncmp(text, "client=", 7) == 0)
		e->client = value;
	else if (strncmp(text, "server=", 7) == 0)
		e->server = value;
	else if (strncmp(text, "out=", 4) == 0)
		e->folder = value;
	else if (strncmp(text, "seed=", 5) == 0)
		e->seed = strtoull(value, NULL, 10);
	else if (strncmp(text, "seconds=", 8) == 0)
		e->seconds = strtoull(value, NULL, 10);
	else if (strncmp(text, "offload=", 8) == 0)
		e->offload = *value == '1';
	else
		return read_link_option(e, text);
	return true;
}

/* Everything that can fail, before anything runs. */
static const char *prepare(struct emulator *e)
{
	uint64_t epoch_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	sigset_t ends;

	for (unsigned i = 0; i < HALVES * 2; i++)
		e->link[i / 2][i % 2].seed = e->seed * 4 + i;
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	if (sigprocmask(SIG_BLOCK, &ends, NULL) < 0 ||
		(e->signals = signalfd(-1, &ends, SFD_CLOEXEC)) < 0)
		return "signals";
	if (!record_open(&e->record, e->folder, epoch_ns))
		return e->folder;
	if ((e->tap[CLIENT] = open_tap(e, e->client)) < 0)
		return e->client;
	if ((e->tap[SERVER] = open_tap(e, e->server)) < 0)
		return e->server;
	return NULL;
}

int main(int argc, char **argv)
{
	struct emulator *e = calloc(1, sizeof(*e));
	struct sched_param priority = {.sched_priority = 1};
	const char *trouble;

	for (int i = 1; e && i < argc; i++)
		if (!read_option(e, argv[i])) {
			(void)fprintf(stderr, "emulator: what is %s?\n", argv[i]);
			return 64;
		}
	if (!e || !e->client || !e->server || !e->folder)
		return 64;
	if (!e->seconds)
		e->seconds = 60;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	trouble = prepare(e);
	if (trouble) {
		(void)fprintf(stderr, "emulator: %s: %s\n", trouble, strerror(errno));
		return 1;
	}
	/* Without it (not root) packets leave later, and the last line tells. */
	(void)sched_setscheduler(0, SCHED_FIFO, &priority);
	(void)puts("ready");
	(void)fflush(stdout);
	if (!work(e))
		return 1;
	record_close(&e->record);
	(void)printf("{\"releases\":%" PRIu64 ",\"late\":%" PRIu64
		     ",\"late_most_us\":%" PRIu64 ",\"refused\":%" PRIu64 "}\n",
		e->lateness.releases, e->lateness.late, e->lateness.most_ns / 1000,
		e->refused);
	return 0;
}
