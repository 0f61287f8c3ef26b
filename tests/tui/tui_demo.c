/*
 * tui_demo — the full screen over connections that are made up: each tick is a second,
 * and everything that happens depends on the number of the tick only.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "model/build.h"
#include "model/home.h"
#include "view/tui/tui.h"

#define SECOND   1000000000ull
#define START_NS (1700000000ull * SECOND)

enum { MOST = 200000 };

struct demo {
	unsigned count, tick_ms, bench;
	bool hostile, ended, no_home, drops;
	struct flow *flows;
	uint64_t now_ns, ticks;
	struct row_world world;
	struct build *build;
	struct services *services;
	struct totals totals;
	struct buf scratch;
	struct tui *tui;
	bool paused, quit;
	clock_t drawing; /* processor time spent in tui_show */
};

/* The same numbers in each run. */
static uint32_t mix(uint32_t a, uint32_t b)
{
	uint32_t x = a * 0x9e3779b1u ^ (b + 0x7f4a7c15u) * 0x85ebca6bu;

	x ^= x >> 15;
	x *= 0x2c1b3c6du;
	return x ^ x >> 13;
}

static void make_key(struct flow *f, unsigned i)
{
	static const uint16_t ports[] = {443, 80, 22, 5432, 53, 8080, 6379, 993};
	uint8_t client[16] = {192, 168, 1, (uint8_t)(2 + i % 40)};
	uint8_t server[16] = {(uint8_t)(20 + mix(i, 1) % 180), (uint8_t)mix(i, 2),
		(uint8_t)mix(i, 3), (uint8_t)(1 + mix(i, 4) % 250)};
	struct addr a = addr_v4(client), b = addr_v4(server);
	uint16_t from = (uint16_t)(32768 + mix(i, 5) % 28000),
		 to = ports[mix(i, 6) % 8];

	f->key.proto = to == 53 ? PROTO_UDP : i % 17 == 5 ? PROTO_ICMP : PROTO_TCP;
	f->key.family = FAMILY_V4;
	if (i % 7 == 3 && f->key.proto != PROTO_ICMP) {
		memcpy(client, (uint8_t[]){0x20, 0x01, 0x0d, 0xb8, 0, 1}, 6);
		memcpy(server, (uint8_t[]){0x2a, 0x00, 0x14, 0x50, 0x40, 0x01}, 6);
		client[15] = (uint8_t)i;
		memset(server + 8, (int)(mix(i, 7) & 0xff), 8);
		a = addr_v6(client);
		b = addr_v6(server);
		f->key.family = FAMILY_V6;
	}
	if (f->key.proto == PROTO_ICMP)
		from = to = (uint16_t)i;
	f->orig = (uint8_t)tuple_order(&f->key, &a, from, &b, to);
}

static void make_flow(struct demo *d, unsigned i)
{
	struct flow *f = &d->flows[i];
	struct flow_side *orig, *resp;

	memset(f, 0, sizeof(*f));
	make_key(f, i);
	orig = &f->side[f->orig];
	resp = &f->side[!f->orig];
	f->facts = FLOW_HAS_DETAILS | FLOW_ORIENTED | FLOW_SAW_SYN;
	f->first_ns = START_NS - mix(i, 8) % 3600 * SECOND;
	f->last_ns = START_NS - mix(i, 9) % 30 * SECOND;
	if (f->last_ns < f->first_ns)
		f->last_ns = f->first_ns;
	orig->state = resp->state = TCP_ESTABLISHED;
	f->facts |= FLOW_SAW_SYNACK | FLOW_ESTABLISHED;
	orig->packets = 3 + mix(i, 10) % 5000;
	resp->packets = 2 + mix(i, 11) % 5000;
	orig->payload_bytes = orig->packets * (mix(i, 12) % 200);
	resp->payload_bytes = resp->packets * (mix(i, 13) % 1400);
	orig->ip_bytes = orig->payload_bytes + 40 * orig->packets;
	resp->ip_bytes = resp->payload_bytes + 40 * resp->packets;
	orig->syn_seen = resp->syn_seen = true;
	orig->ttl = 64;
	resp->ttl = (uint8_t)(40 + i % 20);
	orig->mss = resp->mss = 1460;
	memcpy(f->history, "ShADad", 7);
	f->interface = (uint16_t)(i % 3);
	if (i % 23 == 9) { /* nobody answers */
		f->facts &= ~(uint32_t)(FLOW_SAW_SYNACK | FLOW_ESTABLISHED);
		*resp = (struct flow_side){.state = TCP_CLOSED};
		orig->state = TCP_SYN_SENT;
		orig->packets = 3;
		orig->payload_bytes = 0;
		memcpy(f->history, "S\0", 2);
	}
}

/* One second of life of one connection. */
static void live(struct demo *d, unsigned i)
{
	struct flow *f = &d->flows[i];
	uint32_t r = mix(i, (uint32_t)d->ticks);
	struct flow_side *orig = &f->side[f->orig], *resp = &f->side[!f->orig];
	uint32_t second = (uint32_t)(d->now_ns / SECOND);

	if (f->closed_ns || orig->state == TCP_SYN_SENT)
		return;
	for (unsigned side = 0; side < 2; side++)
		rate_roll(&f->rate[side], second, f->side[side].payload_bytes,
			f->side[side].packets);
	f->rate_second = second;
	if (r % 4 > 1)
		return;
	f->last_ns = d->now_ns;
	orig->packets += 1 + r % 40;
	orig->payload_bytes += r % 20000;
	if (r % 4 == 0) {
		resp->packets += 1 + r % 90;
		resp->payload_bytes += r % 900000;
	}
	if (f->key.proto == PROTO_TCP && r % 211 == 0) {
		orig->state = resp->state = TCP_CLOSED;
		orig->fin_seen = resp->fin_seen = true;
		f->facts |= r & 0x10000 ? FLOW_RESET | FLOW_CLOSED : FLOW_CLOSED;
		resp->rst_seen = r & 0x10000;
		f->closed_ns = d->now_ns;
	} else if (f->key.proto == PROTO_TCP && r % 97 == 0) {
		resp->state = TCP_FIN_WAIT_1;
		orig->state = TCP_CLOSE_WAIT;
	}
}

static void count_totals(struct demo *d)
{
	struct totals *n = &d->totals;

	memset(n, 0, sizeof(*n));
	n->now_ns = d->now_ns;
	n->rows = d->count;
	n->ended = d->ended;
	n->has_direction = !d->no_home;
	n->in_bps = 40000000 + mix(1, (uint32_t)d->ticks) % 90000000;
	n->out_bps = 2000000 + mix(2, (uint32_t)d->ticks) % 12000000;
	n->all_bps = n->in_bps + n->out_bps;
	n->all_pps = n->all_bps / 8000;
	n->closed_last_minute = d->ticks % 60;
	n->counters.packets = d->count ? 1000 * d->ticks + 1 : 0;
	n->counters.parsed = n->counters.packets;
	n->counters.ring_drops = d->drops ? 12 : 0;
	for (unsigned i = 0; i < d->count; i++) {
		const struct flow *f = &d->flows[i];

		if (f->key.proto == PROTO_TCP)
			n->by_state[flow_orig(f)->state]++;
		else
			(*(f->key.proto == PROTO_UDP ? &n->udp : &n->icmp))++;
	}
}

static void tick(struct demo *d)
{
	d->ticks++;
	d->now_ns += SECOND;
	for (unsigned i = 0; i < d->count && !d->ended; i++) {
		live(d, i);
		if (d->flows[i].closed_ns &&
			d->now_ns - d->flows[i].closed_ns > 5 * SECOND) {
			make_flow(d, i);
			d->flows[i].first_ns = d->flows[i].last_ns = d->now_ns;
		}
	}
	count_totals(d);
}

static void visit_at(struct demo *d, uint64_t i, void *state,
	void (*visit)(void *state, const struct row *r, uint64_t uid, uint64_t handle))
{
	struct row row = {&d->flows[i], &d->world, d->now_ns, &d->scratch};

	visit(state, &row, flow_uid(&d->flows[i], &d->world.uid_key), i);
}

static void feed_each(void *ctx, void *state,
	void (*visit)(void *state, const struct row *r, uint64_t uid, uint64_t handle))
{
	struct demo *d = ctx;

	for (unsigned i = 0; i < d->count; i++)
		visit_at(d, i, state, visit);
}

static void feed_get(void *ctx, uint64_t handle, void *state,
	void (*visit)(void *state, const struct row *r, uint64_t uid, uint64_t handle))
{
	visit_at(ctx, handle, state, visit);
}

static void show(struct demo *d)
{
	struct row_feed feed = {d, feed_each, feed_get};

	const struct snapshot *s = build_query(
		d->build, tui_query(d->tui), &feed, &d->totals);
	clock_t began = clock();

	tui_show(d->tui, s);
	d->drawing += clock() - began;
}

static const char *interface_name(void *ctx, uint16_t number)
{
	static const char *const plain[] = {"eth0", "lo", "wlan0"};
	static const char *const hostile[] = {"\033[2J\033[31mX",
		"\xe4\xb8\xad\xe6\x96\x87\xe2\x80\xae!", "\xff\xfe\2332J\a"};
	const struct demo *d = ctx;

	return (d->hostile ? hostile : plain)[number % 3];
}

/* False when nothing was asked for. */
static bool obey(struct demo *d)
{
	struct intent i = tui_intent(d->tui);

	switch (i.kind) {
	case INTENT_NONE: return false;
	case INTENT_QUIT: d->quit = true; break;
	case INTENT_SUSPEND:
		tui_suspend(d->tui);
		(void)raise(SIGSTOP);
		tui_resume(d->tui);
		break;
	case INTENT_PAUSE: d->paused = i.number; break;
	case INTENT_INTERVAL: d->tick_ms = (unsigned)i.number; break;
	case INTENT_UPDATE: break;
	case INTENT_FLUSH: break;
	}
	return true;
}

/* Waits for a key, a new size, or the next second. */
static void turn(struct demo *d, int tty, int signals)
{
	struct pollfd p[] = {{tty, POLLIN, 0}, {signals, POLLIN, 0}};
	struct signalfd_siginfo info;
	bool redraw = false;

	if (poll(p, 2, d->bench ? 0 : (int)d->tick_ms) == 0) {
		tick(d);
		redraw = true;
	}
	while (read(signals, &info, sizeof(info)) > 0) {
		tui_resized(d->tui);
		redraw = true;
	}
	redraw |= tui_keys(d->tui, d->now_ns);
	while (obey(d))
		redraw = true;
	if (redraw && !d->quit)
		show(d);
	while (!d->quit && obey(d))
		show(d);
}

static void run(struct demo *d, int tty)
{
	sigset_t set;
	int signals;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGWINCH);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	for (unsigned i = 0; !d->quit && (!d->bench || i < d->bench); i++)
		turn(d, tty, signals);
	close(signals);
}

static bool start(struct demo *d)
{
	static const char names[] = "https 443/tcp\nssh 22/tcp\ndomain 53/udp\n";

	d->flows = calloc(d->count + 1, sizeof(d->flows[0]));
	d->build = build_new();
	d->services = services_new(names, sizeof(names) - 1);
	d->now_ns = START_NS;
	d->world = (struct row_world){.services = d->services,
		.uid_key = {1, 2},
		.has_home = !d->no_home,
		.home = home_new(),
		.interface_name = interface_name,
		.interface_ctx = d};
	if (!d->flows || !d->build || !d->world.home)
		return false;
	if (home_parse(d->world.home, "192.168.1.0/24,2001:db8::/32", NULL) < 0)
		return false;
	for (unsigned i = 0; i < d->count; i++)
		make_flow(d, i);
	count_totals(d);
	return true;
}

static void finish(struct demo *d)
{
	home_free(d->world.home);
	services_free(d->services);
	build_free(d->build);
	buf_done(&d->scratch);
	free(d->flows);
}

static void report_bench(const struct demo *d)
{
	double us = (double)d->drawing * 1e6 / CLOCKS_PER_SEC;

	if (d->bench)
		fprintf(stderr, "%.1f us a frame\n", us / d->bench);
}

static void options(struct demo *d, int argc, char **argv, bool *color)
{
	for (int c; (c = getopt(argc, argv, "n:t:b:hedDm")) != -1;) {
		switch (c) {
		case 'n': d->count = (unsigned)strtoul(optarg, NULL, 10) % MOST; break;
		case 't': d->tick_ms = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'b': d->bench = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'h': d->hostile = true; break;
		case 'e': d->ended = true; break;
		case 'd': d->no_home = true; break;
		case 'D': d->drops = true; break;
		case 'm': *color = false; break;
		default: exit(EXIT_USAGE);
		}
	}
}

int main(int argc, char **argv)
{
	struct demo d = {.count = 60, .tick_ms = 200};
	bool color = !getenv("NO_COLOR");
	struct err err = {0};

	options(&d, argc, argv, &color);
	if (!start(&d))
		return EXIT_SOFTWARE;
	struct tui_setup setup = {
		.style = {.width = 1,
			.color = color,
			.numeric = true,
			.services = d.services},
		.host = d.hostile ? "we\033]0;x\ab\xe2\x80\xae" : "web-1",
		.source = d.hostile ? "\033[31meth0\r\n"
			  : d.ended ? "dump.pcap"
				    : "eth0, lo",
		.interval_ms = 1000,
		.sort = column_find("bytes", 5),
		.reverse = true,
		.tty = 0,
	};
	if (tui_open(&setup, &d.tui, &err) < 0) {
		fprintf(stderr, "tui_demo: %s\n", err.text);
		finish(&d);
		return err.exit_code;
	}
	show(&d);
	run(&d, setup.tty);
	tui_close(d.tui);
	report_bench(&d);
	finish(&d);
	return 0;
}
