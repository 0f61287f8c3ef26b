#include "app/session.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/text.h"
#include "helper/client.h"
#include "source/live.h"
#include "source/none.h"

#define SECOND_NS      1000000000ull
#define MEMORY_BYTES   (256ull << 20)
#define RING_SHARE     4 /* rings get at most a quarter of the memory */
#define SOCKET_SHARE   4 /* of the rest, sockets and their owners a quarter */
#define GAP_NS         (2 * SECOND_NS)
#define LOOK_EVERY     16 /* batches between two looks at signals and keys */
#define LIVE_LAG_NS    (LIVE_LAG_MS * 1000000ull)
#define SOURCE_FDS     64
#define DEFAULT_FOR_NS SECOND_NS

void session_problem(struct session *s, const struct err *err)
{
	if (s->exit_code == EXIT_COMPLETE)
		s->exit_code = err->exit_code;
	buf_str(&s->remarks, "konn: ");
	text_clean(&s->remarks, err->text, strlen(err->text));
	buf_char(&s->remarks, '\n');
}

void session_flush(struct session *s)
{
	struct err err = {0};

	if (s->aborted || s->verb->stays)
		return;
	if (output_flush(&s->out, &err) < 0)
		session_problem(s, &err);
	else if (!s->out.gone)
		return;
	s->aborted = s->stop = true;
}

static void home_of_machine(struct session *s)
{
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return; /* directions are then not known */
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		struct addr a;

		if (!i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family == AF_INET) {
			const struct sockaddr_in *in = (const void *)i->ifa_addr;

			a = addr_v4((const uint8_t *)&in->sin_addr);
			(void)home_add(s->home, &a, FAMILY_V4, 32); /* else not known */
		} else if (i->ifa_addr->sa_family == AF_INET6) {
			const struct sockaddr_in6 *in6 = (const void *)i->ifa_addr;

			a = addr_v6(in6->sin6_addr.s6_addr);
			(void)home_add(
				s->home, &a, FAMILY_V6, 128); /* else not known */
		}
	}
	freeifaddrs(list);
}

static int open_home(struct session *s, struct row_world *world, struct err *err)
{
	s->home = home_new();
	if (!s->home)
		return err_errno(err, "start");
	world->home = s->home;
	world->has_home = s->n_files == 0 || s->o->home;
	if (s->o->home)
		return home_parse(s->home, s->o->home, err);
	if (s->n_files == 0)
		home_of_machine(s);
	return 0;
}

static const char *interface_name(void *ctx, uint16_t interface)
{
	struct session *s = ctx;
	const struct source_interface *list;
	unsigned n = s->pipe.source.ops->interfaces(s->pipe.source.self, &list);

	return interface < n && list[interface].name[0] ? list[interface].name : NULL;
}

static int capture_socket(void *ctx, struct err *err)
{
	const struct session *s = ctx;

	return helper_capture_socket(s->helper_fd, err);
}

static uint64_t memory_bytes(const struct session *s)
{
	return s->o->memory_bytes ? s->o->memory_bytes : MEMORY_BYTES;
}

/* Live: what the rings may take of it. */
static uint64_t ring_bytes(const struct session *s)
{
	return memory_bytes(s) / RING_SHARE;
}

static int open_source(struct session *s, struct err *err)
{
	const struct options *o = s->o;
	struct live_setup live = {
		.names = (const char *const *)o->interfaces.at,
		.count = o->interfaces.count,
		.bpf = o->bpf,
		.snaplen = (unsigned)o->snaplen,
		.ring_bytes = o->buffer_bytes,
		.budget_bytes = ring_bytes(s),
		.promisc = !o->no_promisc,
		.capture_socket = capture_socket,
		.ctx = s,
	};

	int ret;

	if (s->n_files)
		return file_source_open(
			s->files, s->n_files, o->bpf, &s->pipe.source, err);
	if (s->captures) {
		ret = live_source_open(&live, &s->pipe.source, err);
		if (ret == 0 || err->exit_code != EXIT_NO_PERMISSION || !s->machine ||
			s->captured_only)
			return ret;
		err->exit_code = EXIT_PARTIAL; /* what sockets tell is there */
		session_problem(s, err);
		s->captures = false;
	}
	none_source_open(&s->pipe.source);
	return 0;
}

/* Files: the same uid in each run. Live: another one after each boot. */
static void uid_key(struct session *s, struct hash_key *out)
{
	static const struct hash_key file_key = {
		0x6b6f6e6e2d666c6f, 0x772d756964000001};
	char boot[64] = "";
	FILE *f;

	*out = file_key;
	if (s->n_files)
		return;
	f = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (!f)
		return;
	if (fgets(boot, sizeof(boot), f))
		out->k0 = hash_bytes(&file_key, boot, strlen(boot));
	(void)fclose(f); /* only read from */
}

static int open_engine(struct session *s, struct err *err)
{
	const struct options *o = s->o;
	struct engine_setup setup = {
		.world = {.services = s->services,
			.interface_name = interface_name,
			.interface_ctx = s,
			.user_name = users_name,
			.user_ctx = s->users},
		.memory_bytes = memory_bytes(s) - (s->n_files ? 0 : ring_bytes(s)),
		.max_flows = o->max_flows > UINT32_MAX ? UINT32_MAX
						       : (uint32_t)o->max_flows,
		.idle_ns = o->idle_ns,
		.keep_ns = o->given[OPTION_KEEP] ? o->keep_ns : 2 * SECOND_NS,
		.live = s->n_files == 0,
		.no_midstream = o->no_midstream,
		.captured_only = s->captured_only,
	};
	int ret = open_home(s, &setup.world, err);

	if (ret == 0)
		ret = s->verb->open(s, &setup, err);
	if (ret < 0)
		return ret;
	if (s->machine)
		setup.socket_bytes = setup.memory_bytes / SOCKET_SHARE;
	uid_key(s, &setup.world.uid_key);
	setup.world.host = s->n_files || !s->host[0] ? NULL : s->host;
	if (getrandom(&setup.hash_key, sizeof(setup.hash_key), 0) < 0)
		return err_errno(err, "random numbers");
	s->engine = engine_new(&setup);
	s->pipe.decoder = decoder_new(&setup.hash_key);
	if (!s->engine || !s->pipe.decoder)
		return err_errno(err, "start");
	s->pipe.engine = s->engine;
	s->pipe.clock = s->n_files ? NULL : &s->clock;
	s->pipe.packets_left = o->count ? o->count : UINT64_MAX;
	return 0;
}

static int open_signals(struct session *s, struct err *err)
{
	sigset_t set;

	(void)sigemptyset(&set); /* these cannot fail with valid numbers */
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGQUIT);
	(void)sigaddset(&set, SIGWINCH);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
		signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
		signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return err_errno(err, "signals");
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? err_errno(err, "signals") : 0;
}

static void take_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGWINCH) {
			if (s->verb->resized)
				s->verb->resized(s);
			continue;
		}
		if (s->drain || s->n_files || s->verb->stays)
			s->stop = true;
		s->drain = true;
	}
}

/* Engine time at which the source wants to be asked again. */
static uint64_t source_due(const struct session *s, uint64_t now_ns)
{
	uint64_t due_ns = s->pipe.source.ops->due_ns(s->pipe.source.self);
	uint64_t real_ns;

	if (due_ns == UINT64_MAX)
		return due_ns;
	real_ns = clock_real();
	return now_ns + (due_ns > real_ns ? due_ns - real_ns : 0);
}

/* Waits for frames, signals, keys or the next tick; `block` false: only looks. */
static void wait_input(struct session *s, bool block)
{
	struct pollfd fds[SOURCE_FDS + 2];
	int source_fds[SOURCE_FDS];
	unsigned n = 0, sources = 0;
	uint64_t now = clock_now(&s->clock), until = s->next_tick_ns, due;
	int fd = s->verb->fd ? s->verb->fd(s) : -1, timeout_ms = 0;

	fds[n++] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
	if (block && !s->ended)
		sources = s->pipe.source.ops->fds(
			s->pipe.source.self, source_fds, SOURCE_FDS);
	for (unsigned i = 0; i < sources; i++)
		fds[n++] = (struct pollfd){.fd = source_fds[i], .events = POLLIN};
	due = sources ? source_due(s, now) : UINT64_MAX;
	if (due < until)
		until = due;
	if (s->end_ns < until)
		until = s->end_ns;
	if (block && until > now)
		timeout_ms = (int)((until - now) / 1000000 + 1);
	if (poll(fds, n, timeout_ms) <= 0)
		return;
	if (fds[0].revents)
		take_signals(s);
	if (fds[1].revents)
		s->verb->input(s, clock_now(&s->clock));
}

static void say_remarks(struct session *s)
{
	size_t done = 0;

	while (done < s->remarks.len) {
		ssize_t n = write(
			STDERR_FILENO, s->remarks.data + done, s->remarks.len - done);

		if (n <= 0)
			break; /* nowhere left to say it */
		done += (size_t)n;
	}
	buf_reset(&s->remarks);
}

/* Whoever waits for packets of an interface that went away must know. */
static void tell_link(struct session *s, const struct source_interface *link)
{
	if (s->verb->link)
		s->verb->link(s, link->name, link->up);
	else if (!s->verb->stays && !s->o->quiet)
		buf_fmt(&s->remarks, "konn: %s is %s\n", link->name,
			link->up ? "up again" : "down; waiting for it");
}

static void look_at_links(struct session *s)
{
	const struct source_interface *list;
	unsigned n = s->pipe.source.ops->interfaces(s->pipe.source.self, &list);

	if (n > LINKS_MOST)
		n = LINKS_MOST;
	for (unsigned i = 0; i < n; i++) {
		if (i < s->links && list[i].up != s->link_up[i])
			tell_link(s, &list[i]);
		s->link_up[i] = list[i].up;
	}
	s->links = n;
	if (!s->verb->stays)
		say_remarks(s);
}

static void take_counters(struct session *s)
{
	pipeline_counters(&s->pipe);
	engine_counters(s->engine)->gaps += s->gaps;
}

static void tick(struct session *s)
{
	uint64_t now = clock_now(&s->clock);
	uint64_t every = s->o->given[OPTION_INTERVAL] && s->verb->endless
				 ? s->o->interval_ns
				 : SECOND_NS;

	if (now >= s->end_ns)
		s->drain = true;
	if (now < s->next_tick_ns)
		return;
	/* Stopped, suspended, or starved: what the rings could not hold was not seen.
	 */
	if (s->n_files == 0 && now > s->next_tick_ns + GAP_NS)
		s->gaps++;
	s->next_tick_ns = now + every;
	if (s->n_files == 0) {
		if (clock_check(&s->clock))
			engine_counters(s->engine)->clock_steps++;
		if (!s->stopped_ns)
			engine_tick(s->engine, now - LIVE_LAG_NS);
		look_at_links(s);
	}
	take_counters(s);
	if (s->verb->tick)
		s->verb->tick(s, now);
	session_flush(s);
}

static void end_of_input(
	struct session *s, enum source_status status, const struct err *err)
{
	s->ended = true;
	if (status == SOURCE_DAMAGED)
		session_problem(s, err);
	engine_ended(s->engine);
	take_counters(s);
	if (!s->verb->stays)
		s->stop = true;
}

static void step(struct session *s, unsigned turn)
{
	struct err err = {0};
	enum source_status status = SOURCE_IDLE;

	if (!s->ended)
		status = pipeline_step(&s->pipe, &err);
	if (s->pipe.count && s->verb->packets)
		s->verb->packets(s);
	if (status == SOURCE_END || status == SOURCE_DAMAGED)
		end_of_input(s, status, &err);
	if (!s->stop && !s->verb->stays && s->out.buf.len > 65536)
		session_flush(s);
	tick(s);
	if (status == SOURCE_IDLE && !s->stop) {
		if (s->verb->idle)
			s->verb->idle(s);
		wait_input(s, true);
	} else if (turn % LOOK_EVERY == 0) {
		wait_input(s, false);
	}
}

static void loop(struct session *s)
{
	for (unsigned turn = 0; !s->stop; turn++) {
		if (s->drain && !s->stopped_ns && s->n_files == 0) {
			/* Before: it takes ms, which would count as silence. */
			s->stopped_ns = clock_now(&s->clock);
			live_source_drain(&s->pipe.source);
			s->end_ns = UINT64_MAX;
		}
		step(s, turn);
	}
}

static void finish(struct session *s)
{
	if (s->verb->stays || s->aborted)
		return;
	take_counters(s);
	session_sockets(s);
	engine_flush(s->engine, s->stopped_ns);
	if (s->verb->finish)
		s->verb->finish(s);
	session_missing(s);
	summary_unsupported(s);
	session_flush(s);
	if (s->aborted) /* nobody reads; or the message says why */
		return;
	if (!s->verb->no_summary)
		summary_write(s);
	session_flush(s);
}

static int session_open(struct session *s, struct err *err)
{
	uint64_t listen_ns = s->verb->listen_ns ? s->verb->listen_ns : DEFAULT_FOR_NS;
	int ret;

	clock_init(&s->clock);
	s->next_tick_ns = clock_now(&s->clock) + SECOND_NS;
	s->end_ns = UINT64_MAX;
	if (s->n_files == 0 && (s->o->for_ns || !s->verb->endless))
		s->end_ns = clock_now(&s->clock) +
			    (s->o->for_ns ? s->o->for_ns : listen_ns);
	if (gethostname(s->host, sizeof(s->host) - 1) < 0)
		s->host[0] = '\0';
	ret = open_signals(s, err);
	if (ret == 0)
		ret = open_source(s, err);
	return ret < 0 ? ret : open_engine(s, err);
}

int session_run(struct session *s)
{
	struct err err = {.exit_code = EXIT_SOFTWARE};

	s->signal_fd = -1;
	if (session_open(s, &err) < 0) {
		session_problem(s, &err);
	} else {
		if (s->captures)
			session_sockets(s);
		loop(s);
		finish(s);
	}
	if (s->verb->close)
		s->verb->close(s);
	say_remarks(s);
	pipeline_close(&s->pipe);
	engine_free(s->engine);
	home_free(s->home);
	output_done(&s->out);
	buf_done(&s->remarks);
	if (s->signal_fd >= 0)
		(void)close(s->signal_fd); /* only read from */
	return s->exit_code;
}
