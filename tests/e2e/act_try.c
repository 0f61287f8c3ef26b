/*
 * act_try — the acts on connections, one a run, for the test beside it. Each result is
 * one line, as for a log.
 *
 * act_try destroy PROTO LOCAL_PORT PEER_PORT [COOKIE]   sockets of this namespace; the
 *                                                       cookie takes the place of
 * theirs act_try shut|abort PROTO PID COOKIE [FD]              through the process
 * act_try reset OWN PORT PEER PORT OWN PORT PEER PORT   both ends, as each sees it:
 *         block, reset, forget
 * act_try unblocked …                                   the same without the block
 * act_try hold OWN PORT PEER PORT [PROTO]               blocks until stdin ends
 * act_try segments SRC PORT DST PORT FLAGS WINDOW SEQ ACK…   hexadecimal packets
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "act/block.h"
#include "act/destroy.h"
#include "act/forget.h"
#include "act/own.h"
#include "act/reset.h"
#include "act/route.h"
#include "base/num.h"
#include "core/proto.h"
#include "decode/decode.h"
#include "source/conntrack_socket.h"
#include "source/sockets.h"

#define FACTS        256
#define LINKTYPE_RAW 101
#define BLOCK_MS     30000
#define MILLISECOND  1000000ull

static void tell(const struct act_result *result)
{
	struct buf line = {0};

	result_format(&line, result);
	puts(buf_cstr(&line));
	fflush(stdout);
	buf_done(&line);
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "act_try: %s: %s\n", what, strerror(error));
	return 1;
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- sockets ---- */

struct wanted {
	uint16_t local_port, peer_port;
	uint8_t proto;
	unsigned count;
	struct socket_fact facts[FACTS];
};

static void choose(void *ctx, const struct socket_fact *fact)
{
	struct wanted *w = ctx;

	if (fact->proto == w->proto && fact->local_port == w->local_port &&
		fact->peer_port == w->peer_port && w->count < FACTS)
		w->facts[w->count++] = *fact;
}

static int try_destroy(char **argv)
{
	struct wanted *w = calloc(1, sizeof(*w));
	struct sockets_sink sink = {w, choose};
	struct sockets sockets;
	struct act_result result;
	int fd = destroy_open(), r = w && fd >= 0 ? sockets_open(&sockets, 1) : -ENOMEM;

	if (r < 0)
		return fail("open", -r);
	proto_find(argv[0], strlen(argv[0]), &w->proto);
	w->local_port = (uint16_t)number(argv[1]);
	w->peer_port = (uint16_t)number(argv[2]);
	r = sockets_list(&sockets, SOCKETS_EVERY_STATE, 0, &sink);
	for (unsigned i = 0; i < w->count; i++) {
		if (argv[3])
			w->facts[i].cookie = number(argv[3]);
		destroy_socket(fd, &w->facts[i], &result);
		tell(&result);
	}
	free(w);
	sockets_close(&sockets);
	close(fd);
	return r;
}

static int try_own(enum own_way way, char **argv)
{
	struct act_target target = {.family = FAMILY_V4,
		.pid = (int32_t)number(argv[1]),
		.cookie = number(argv[2])};
	struct act_result result;

	proto_find(argv[0], strlen(argv[0]), &target.proto);
	own_close(&target, argv[3] ? (int)number(argv[3]) : -1, way, &result);
	tell(&result);
	return 0;
}

/* ---- forwarded ---- */

struct gateway {
	struct reset reset;
	struct block block;
	struct decoder *decoder;
	struct sockaddr_ll way[2];
	bool way_known[2];
	int packets, routes;
};

static void parse_end(char **argv, struct reset_end *end, uint8_t *family)
{
	enum family f;

	addr_parse(argv[0], strlen(argv[0]), &end->own, &f);
	addr_parse(argv[2], strlen(argv[2]), &end->peer, &f);
	end->own_port = (uint16_t)number(argv[1]);
	end->peer_port = (uint16_t)number(argv[3]);
	*family = (uint8_t)f;
}

static struct act_target target_of(const struct reset_end *end, uint8_t family)
{
	return (struct act_target){.local = end->own,
		.peer = end->peer,
		.local_port = end->own_port,
		.peer_port = end->peer_port,
		.proto = PROTO_TCP,
		.family = family};
}

static void block_ends(struct gateway *g, unsigned count, const char *proto)
{
	struct act_result result;

	for (unsigned i = 0; i < count; i++) {
		struct act_target target = target_of(&g->reset.end[i], g->reset.family);

		proto_find(proto, strlen(proto), &target.proto);
		block_add(&g->block, &target, BLOCK_MS, &result);
		tell(&result);
	}
}

/* All that is there; never waits. */
static void read_packets(struct gateway *g)
{
	uint8_t bytes[2048];
	ssize_t got;

	while ((got = recv(g->packets, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		struct frame frame = {.bytes = bytes,
			.linktype = LINKTYPE_RAW,
			.len = (uint32_t)got,
			.caplen = (uint32_t)got};
		struct packet packet;

		decode_batch(g->decoder, &frame, 1, &packet);
		reset_seen(&g->reset, &packet);
	}
}

/* False when nothing can be sent now. */
static bool send_segments(struct gateway *g)
{
	struct segment_make make;
	uint8_t bytes[SEGMENT_BYTES];
	unsigned i;

	for (i = 0; i < 2; i++)
		if (!g->way_known[i])
			g->way_known[i] = route_find(g->routes, &g->reset.end[i].own,
						  g->reset.family, &g->way[i]) == 0;
	if (!g->way_known[0] || !g->way_known[1])
		return false;
	while (reset_next(&g->reset, now_ns(), &make, &i))
		(void)route_send(
			g->packets, &g->way[i], bytes, segment_write(&make, bytes));
	return true;
}

static void run_reset(struct gateway *g)
{
	struct act_result result;
	uint64_t random, end = now_ns() + 30000 * MILLISECOND;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return;
	reset_begin(&g->reset, random, now_ns());
	while (!reset_over(&g->reset) && now_ns() < end) {
		struct pollfd fd = {.fd = g->packets, .events = POLLIN};
		uint64_t wake, now;

		send_segments(g);
		wake = reset_wake_ns(&g->reset);
		now = now_ns();
		poll(&fd, 1,
			wake <= now || wake == UINT64_MAX
				? 1
				: (int)((wake - now) / MILLISECOND + 1));
		read_packets(g);
	}
	for (unsigned i = 0; i < 2; i++) {
		reset_result(&g->reset, i, &result);
		tell(&result);
	}
}

struct entry {
	const struct reset_end *end;
	struct conntrack_fact fact;
	bool found;
};

static void match(void *ctx, const struct conntrack_fact *fact)
{
	struct entry *e = ctx;

	if (fact->orig.proto == PROTO_TCP && fact->orig.src_port == e->end->own_port &&
		fact->orig.dst_port == e->end->peer_port &&
		addr_equal(&fact->orig.src, &e->end->own) &&
		addr_equal(&fact->orig.dst, &e->end->peer)) {
		e->fact = *fact;
		e->found = true;
	}
}

static void forget(const struct gateway *g)
{
	struct entry e = {.end = &g->reset.end[0]};
	struct conntrack_sink sink = {.ctx = &e, .fact = match};
	struct conntrack *ct = calloc(1, sizeof(*ct));
	struct conntrack_socket socket;
	struct act_result result;

	if (!ct || conntrack_socket_open(&socket, 0) < 0)
		return;
	conntrack_init(ct, 1, &sink);
	conntrack_socket_list(&socket, ct);
	if (e.found) {
		forget_entry(&socket, ct, &e.fact, &result);
		tell(&result);
	}
	conntrack_socket_close(&socket);
	free(ct);
}

static int open_gateway(struct gateway *g)
{
	static const struct hash_key key;

	g->packets = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	g->routes = route_open();
	g->decoder = decoder_new(&key);
	return g->packets < 0 || g->routes < 0 || !g->decoder ? -1 : 0;
}

static int try_reset(bool with_block, char **argv)
{
	struct gateway g = {.packets = -1};
	int r = open_gateway(&g);

	if (r < 0)
		return fail("open", errno);
	parse_end(argv, &g.reset.end[0], &g.reset.family);
	parse_end(argv + 4, &g.reset.end[1], &g.reset.family);
	r = with_block ? block_open(&g.block) : 0;
	if (r < 0)
		return fail("block", -r);
	if (with_block)
		block_ends(&g, 2, "tcp");
	run_reset(&g);
	forget(&g);
	if (with_block)
		block_close(&g.block);
	decoder_free(g.decoder);
	close(g.packets);
	close(g.routes);
	return 0;
}

static int hold(char **argv)
{
	struct gateway g = {.packets = -1};
	char byte;
	int r = block_open(&g.block);

	if (r < 0)
		return fail("block", -r);
	parse_end(argv, &g.reset.end[0], &g.reset.family);
	block_ends(&g, 1, argv[4] ? argv[4] : "tcp");
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	block_close(&g.block);
	return 0;
}

static int segments(char **argv)
{
	struct segment_make m;
	uint8_t bytes[SEGMENT_BYTES];
	enum family family;

	for (; argv[0]; argv += 8) {
		addr_parse(argv[0], strlen(argv[0]), &m.src, &family);
		addr_parse(argv[2], strlen(argv[2]), &m.dst, &family);
		m.family = (uint8_t)family;
		m.src_port = (uint16_t)number(argv[1]);
		m.dst_port = (uint16_t)number(argv[3]);
		m.flags = (uint8_t)number(argv[4]);
		m.window = (uint16_t)number(argv[5]);
		m.seq = (uint32_t)number(argv[6]);
		m.ack = (uint32_t)number(argv[7]);
		for (size_t i = 0, len = segment_write(&m, bytes); i < len; i++)
			printf("%02x", bytes[i]);
		putchar('\n');
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 5 && strcmp(argv[1], "destroy") == 0)
		return try_destroy(argv + 2);
	if (argc >= 5 && strcmp(argv[1], "shut") == 0)
		return try_own(OWN_SHUT, argv + 2);
	if (argc >= 5 && strcmp(argv[1], "abort") == 0)
		return try_own(OWN_ABORT, argv + 2);
	if (argc == 10 && strcmp(argv[1], "reset") == 0)
		return try_reset(true, argv + 2);
	if (argc == 10 && strcmp(argv[1], "unblocked") == 0)
		return try_reset(false, argv + 2);
	if (argc >= 6 && strcmp(argv[1], "hold") == 0)
		return hold(argv + 2);
	if (argc > 2 && argc % 8 == 2 && strcmp(argv[1], "segments") == 0)
		return segments(argv + 2);
	fputs("usage: see the head of act_try.c\n", stderr);
	return 64;
}
