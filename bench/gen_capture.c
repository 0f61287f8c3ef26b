/* gen_capture — makes the captures that konn's speed and its behaviour under floods are
 * measured with. The same options give the same bytes on every machine. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "talk.h"

#define START_US 1700000000000000ULL

enum flood { FLOOD_NONE, FLOOD_SYN, FLOOD_SYNACK, FLOOD_ACK, FLOOD_UDP };

struct plan {
	uint32_t connections, at_once, snaplen;
	uint64_t packets, seed;
	uint32_t gap_ns; /* between two packets of the capture */
	enum flood flood;
	uint64_t flood_packets;
};

static void usage(void)
{
	fputs("usage: gen_capture [OPTIONS] FILE\n"
	      "  --connections N   TCP connections (100000)\n"
	      "  --at-once N       of them open at the same time (20000)\n"
	      "  --packets N       in total, at least 12 a connection (7000000)\n"
	      "  --snaplen N       bytes kept of each packet (96)\n"
	      "  --seed N          another mix of the same kind (1)\n"
	      "  --gap-ns N        between two packets (5000)\n"
	      "  --flood syn|synack|ack|udp N   N spoofed packets (synack: N pairs) …\n"
	      "  --around N        … around N whole connections to 192.0.2.10:8443\n",
		stderr);
}

/* Packets of connection n: short ones are many, long ones carry most packets. The
 * weights have mean 1 in fixed point; what rounding leaves goes to the last connection.
 */
static uint32_t share(const struct plan *p, uint32_t n, uint64_t *given)
{
	uint64_t spare = p->packets - (uint64_t)p->connections * TALK_MIN_PACKETS;
	uint64_t mean = spare / p->connections, extra;

	if (n + 1 == p->connections)
		extra = spare - *given;
	else
		extra = n % 10 == 0 ? mean * 5 + mean / 2 : mean / 2;
	if (extra > spare - *given)
		extra = spare - *given;
	*given += extra;
	return TALK_MIN_PACKETS + (uint32_t)extra;
}

/* A pool of open connections; each packet comes from a random one. */
static int mix(const struct plan *p, struct wire *w)
{
	struct dialogue *open = calloc(p->at_once, sizeof(*open));
	uint64_t rng = p->seed * 0x9e3779b97f4a7c15ULL | 1, now_ns = 0, given = 0;
	uint32_t started = 0, alive = 0, i;
	bool over;
	int rc = open ? 0 : -ENOMEM;

	while (rc == 0 && w->packets < p->packets) {
		while (alive < p->at_once && started < p->connections) {
			talk_init(&open[alive++], started, share(p, started, &given),
				p->seed);
			started++;
		}
		i = talk_random(&rng) % alive;
		now_ns += p->gap_ns / 2 + talk_random(&rng) % (p->gap_ns + 1);
		rc = talk_step(&open[i], w, START_US + now_ns / 1000, &over);
		if (over)
			open[i] = open[--alive];
	}
	free(open);
	return rc;
}

static struct endpoint spoofed(uint64_t *rng)
{
	/* 11.0.0.0/8 and up to 99: never the real clients' 198.51.100.0/24. */
	struct endpoint e = {.addr = {(uint8_t)(11 + talk_random(rng) % 88)}};
	uint32_t rest = talk_random(rng);

	memcpy(e.addr + 1, &rest, 3);
	e.port = (uint16_t)(1024 + talk_random(rng) % 64000);
	return e;
}

static int flood_packet(enum flood kind, struct wire *w, uint64_t now_us, uint64_t *rng)
{
	static const uint8_t flags[] = {0, WIRE_SYN, WIRE_SYN, WIRE_ACK, 0};
	const struct endpoint victim = {.addr = {192, 0, 2, 10}, .port = 80};
	struct endpoint from = spoofed(rng);
	struct segment seg = {.time_us = now_us,
		.from = &from,
		.to = &victim,
		.window = 1024,
		.flags = flags[kind],
		.seq = talk_random(rng),
		.udp = kind == FLOOD_UDP};
	int rc;

	if (kind == FLOOD_ACK)
		seg.ack = talk_random(rng);
	if (kind == FLOOD_UDP)
		seg.len_bytes = 32;
	rc = wire_put(w, &seg);
	if (rc || kind != FLOOD_SYNACK)
		return rc;
	seg.from = &victim;
	seg.to = &from;
	seg.flags = WIRE_SYN | WIRE_ACK;
	seg.ack = seg.seq + 1;
	seg.seq = talk_random(rng);
	return wire_put(w, &seg);
}

/* The hidden connections: 24 packets each, 10 ms apart, no retransmission, so that a
 * test knows every round trip there is. */
static void hidden(struct dialogue *t, uint32_t n, uint64_t seed)
{
	static const uint8_t client[4] = {198, 51, 100, 0}, server[4] = {192, 0, 2, 10};

	talk_init(t, n, 24, seed);
	t->v6 = t->bulk = false;
	t->odd_permille = 0;
	memcpy(t->side[0].end.addr, client, sizeof(client));
	t->side[0].end.addr[3] = (uint8_t)(1 + n % 200);
	t->side[0].end.port = (uint16_t)(40000 + n);
	memcpy(t->side[1].end.addr, server, sizeof(server));
	t->side[1].end.port = 8443;
}

struct hiding {
	struct dialogue talk;
	uint64_t due_us;
	bool over;
};

/* Writes what is due of the hidden connections; *left counts those still going on. */
static int hidden_due(struct hiding *all, uint32_t count, struct wire *w,
	uint64_t now_us, uint32_t *left)
{
	struct hiding *h;
	int rc = 0;

	for (h = all; h < all + count && rc == 0; h++) {
		if (h->over || h->due_us > now_us)
			continue;
		rc = talk_step(&h->talk, w, now_us, &h->over);
		h->due_us += 10000;
		*left -= h->over;
	}
	return rc;
}

static int flood(const struct plan *p, struct wire *w)
{
	struct hiding *all = calloc(p->connections, sizeof(*all));
	uint64_t rng = p->seed * 0x9e3779b97f4a7c15ULL | 1, i, now_us = START_US;
	uint64_t span_us = p->flood_packets * p->gap_ns / 1000;
	uint32_t n, left = p->connections;
	int rc = all ? 0 : -ENOMEM;

	for (n = 0; rc == 0 && n < p->connections; n++) {
		hidden(&all[n].talk, n, p->seed);
		all[n].due_us = START_US + span_us * n / p->connections;
	}
	/* Looking at the hidden ones every 64 packets is exact enough: 10 ms are 1,000.
	 */
	for (i = 0; rc == 0 && (i < p->flood_packets || left > 0); i++) {
		now_us = START_US + i * p->gap_ns / 1000;
		if (i % 64 == 0)
			rc = hidden_due(all, p->connections, w, now_us, &left);
		if (rc == 0 && i < p->flood_packets)
			rc = flood_packet(p->flood, w, now_us, &rng);
	}
	free(all);
	return rc;
}

static bool flood_named(const char *name, enum flood *out)
{
	static const char *const names[] = {"", "syn", "synack", "ack", "udp"};
	int i;

	for (i = FLOOD_SYN; i <= FLOOD_UDP; i++) {
		if (strcmp(name, names[i]) == 0) {
			*out = (enum flood)i;
			return true;
		}
	}
	return false;
}

static bool option(struct plan *p, int letter, const char *value)
{
	char *end;
	uint64_t n = letter == 'f' ? 0 : strtoull(value, &end, 10);

	if (letter == 'f')
		return flood_named(value, &p->flood);
	if (*end != '\0' || n == 0)
		return false;
	switch (letter) {
	case 'c':
	case 'r': p->connections = (uint32_t)n; break;
	case 'a': p->at_once = (uint32_t)n; break;
	case 'p': p->packets = n; break;
	case 's': p->snaplen = (uint32_t)n; break;
	case 'e': p->seed = n; break;
	case 'g': p->gap_ns = (uint32_t)n; break;
	default: return false;
	}
	return true;
}

static bool plan_parse(struct plan *p, int argc, char **argv)
{
	static const struct option names[] = {
		{"connections", required_argument, NULL, 'c'},
		{"at-once", required_argument, NULL, 'a'},
		{"packets", required_argument, NULL, 'p'},
		{"snaplen", required_argument, NULL, 's'},
		{"seed", required_argument, NULL, 'e'},
		{"gap-ns", required_argument, NULL, 'g'},
		{"flood", required_argument, NULL, 'f'},
		{"around", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (letter == '?' || !option(p, letter, optarg))
			return false;
	}
	if (p->flood && argc - optind == 2) /* --flood KIND N */
		p->flood_packets = strtoull(argv[optind++], NULL, 10);
	if (p->flood && p->flood_packets == 0)
		return false;
	return argc - optind == 1 &&
	       (p->flood || p->packets >= (uint64_t)p->connections * TALK_MIN_PACKETS);
}

int main(int argc, char **argv)
{
	struct plan p = {.connections = 100000,
		.at_once = 20000,
		.snaplen = 96,
		.packets = 7000000,
		.seed = 1,
		.gap_ns = 5000};
	struct wire w;
	FILE *out;
	int rc;

	if (!plan_parse(&p, argc, argv)) {
		usage();
		return 64;
	}
	out = fopen(argv[optind], "wb");
	if (!out) {
		perror(argv[optind]);
		return 74;
	}
	(void)setvbuf(out, NULL, _IOFBF, 1 << 20);
	rc = wire_init(&w, out, p.snaplen);
	if (rc == 0)
		rc = p.flood ? flood(&p, &w) : mix(&p, &w);
	if (fclose(out) != 0 || rc != 0) {
		fprintf(stderr, "%s: cannot write it: %s\n", argv[optind],
			strerror(-rc));
		return 74;
	}
	fprintf(stderr, "%s: %llu packets, %llu bytes on the wire\n", argv[optind],
		(unsigned long long)w.packets, (unsigned long long)w.bytes);
	return 0;
}
