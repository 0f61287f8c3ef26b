/*
 * sockets_dump — the facts of the sockets source as JSON lines, for the tests beside
 * it.
 *
 * sockets_dump list [-s STATES]   all tables, then the status
 * sockets_dump step [-s STATES]   the same, driven through poll as a program's loop
 * would sockets_dump events             "ready" on stderr; deaths, until stdin ends;
 * the status sockets_dump cost ROUNDS        microseconds of one round of dumps:
 * received only, and received and parsed, in turn
 *
 * STATES is a mask of 1 << enum tcp_state. A key is there when the fact has the field.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "source/sockets.h"

struct field {
	const char *name;
	uint8_t has;
	uint16_t at, size;
};

#define FIELD(has_, name_) \
	{ \
#name_, has_, offsetof(struct socket_fact, name_), \
			sizeof(((struct socket_fact *)0)->name_) \
	}
#define TCP_FIELD(has_, name_) \
	{ \
#name_, has_, offsetof(struct socket_fact, tcp.name_), \
			sizeof(((struct socket_tcp *)0)->name_) \
	}
#define MEMORY_FIELD(has_, name_) \
	{ \
		"mem_" #name_, has_, offsetof(struct socket_fact, memory.name_), \
			sizeof(((struct socket_memory *)0)->name_) \
	}

static const struct field fields[] = {
	FIELD(SOCKET_PEER, peer_port),
	FIELD(SOCKET_QUEUES, recv_q),
	FIELD(SOCKET_QUEUES, send_q),
	FIELD(SOCKET_BACKLOG, backlog),
	FIELD(SOCKET_BACKLOG, backlog_most),
	FIELD(SOCKET_INODE, inode),
	FIELD(SOCKET_UID, uid),
	FIELD(SOCKET_TIMER, timer),
	FIELD(SOCKET_TIMER, timer_ms),
	FIELD(SOCKET_TIMER, retransmits),
	FIELD(SOCKET_SHUTDOWN, shutdown),
	FIELD(SOCKET_V6ONLY, v6only),
	FIELD(SOCKET_TOS, tos),
	FIELD(SOCKET_TCLASS, tclass),
	FIELD(SOCKET_MARK, mark),
	FIELD(SOCKET_CGROUP, cgroup),
	MEMORY_FIELD(SOCKET_MEMORY, recv),
	MEMORY_FIELD(SOCKET_MEMORY, recv_most),
	MEMORY_FIELD(SOCKET_MEMORY, send),
	MEMORY_FIELD(SOCKET_MEMORY, send_most),
	MEMORY_FIELD(SOCKET_MEMORY, forward),
	MEMORY_FIELD(SOCKET_MEMORY, send_queued),
	MEMORY_FIELD(SOCKET_MEMORY, options),
	MEMORY_FIELD(SOCKET_MEMORY, backlog),
	MEMORY_FIELD(SOCKET_DROPS, drops),
	TCP_FIELD(SOCKET_TCP, ca_state),
	TCP_FIELD(SOCKET_TCP, options),
	TCP_FIELD(SOCKET_TCP, backoff),
	TCP_FIELD(SOCKET_TCP, rto_us),
	TCP_FIELD(SOCKET_TCP, ato_us),
	TCP_FIELD(SOCKET_TCP, snd_mss_bytes),
	TCP_FIELD(SOCKET_TCP, rcv_mss_bytes),
	TCP_FIELD(SOCKET_TCP, unacked_segs),
	TCP_FIELD(SOCKET_TCP, sacked_segs),
	TCP_FIELD(SOCKET_TCP, lost_segs),
	TCP_FIELD(SOCKET_TCP, retrans_segs),
	TCP_FIELD(SOCKET_LAST, last_data_sent_ms),
	TCP_FIELD(SOCKET_LAST, last_data_recv_ms),
	TCP_FIELD(SOCKET_LAST, last_ack_recv_ms),
	TCP_FIELD(SOCKET_TCP, pmtu_bytes),
	TCP_FIELD(SOCKET_TCP, rcv_ssthresh_bytes),
	TCP_FIELD(SOCKET_RTT, rtt_us),
	TCP_FIELD(SOCKET_RTT, rttvar_us),
	TCP_FIELD(SOCKET_SSTHRESH, snd_ssthresh_segs),
	TCP_FIELD(SOCKET_TCP, snd_cwnd_segs),
	TCP_FIELD(SOCKET_TCP, advmss_bytes),
	TCP_FIELD(SOCKET_TCP, reordering_segs),
	TCP_FIELD(SOCKET_RCV_RTT, rcv_rtt_us),
	TCP_FIELD(SOCKET_TCP, rcv_space_bytes),
	TCP_FIELD(SOCKET_TCP, total_retrans_segs),
	TCP_FIELD(SOCKET_PACING, pacing_bytes_s),
	TCP_FIELD(SOCKET_MAX_PACING, max_pacing_bytes_s),
	TCP_FIELD(SOCKET_BYTES, bytes_acked),
	TCP_FIELD(SOCKET_BYTES, bytes_received),
	TCP_FIELD(SOCKET_SEGS, segs_out),
	TCP_FIELD(SOCKET_SEGS, segs_in),
	TCP_FIELD(SOCKET_NOTSENT, notsent_bytes),
	TCP_FIELD(SOCKET_MIN_RTT, min_rtt_us),
	TCP_FIELD(SOCKET_DATA_SEGS, data_segs_in),
	TCP_FIELD(SOCKET_DATA_SEGS, data_segs_out),
	TCP_FIELD(SOCKET_DELIVERY, delivery_bytes_s),
	TCP_FIELD(SOCKET_LIMITED, busy_us),
	TCP_FIELD(SOCKET_LIMITED, rwnd_limited_us),
	TCP_FIELD(SOCKET_LIMITED, sndbuf_limited_us),
	TCP_FIELD(SOCKET_DELIVERED, delivered_segs),
	TCP_FIELD(SOCKET_DELIVERED, delivered_ce_segs),
	TCP_FIELD(SOCKET_BYTES_SENT, bytes_sent),
	TCP_FIELD(SOCKET_BYTES_SENT, bytes_retrans),
	TCP_FIELD(SOCKET_REORDER, dsack_dups),
	TCP_FIELD(SOCKET_REORDER, reord_seen),
	TCP_FIELD(SOCKET_OUT_OF_ORDER, rcv_out_of_order_segs),
	TCP_FIELD(SOCKET_SND_WND, snd_wnd_bytes),
	TCP_FIELD(SOCKET_RCV_WND, rcv_wnd_bytes),
	TCP_FIELD(SOCKET_RCV_WND, rehash),
	TCP_FIELD(SOCKET_RTO_TOTALS, rto_total),
	TCP_FIELD(SOCKET_RTO_TOTALS, rto_total_ms),
	TCP_FIELD(SOCKET_ACCURATE_ECN, received_ce_segs),
};

static uint64_t value_of(const struct socket_fact *f, const struct field *field)
{
	const char *at = (const char *)f + field->at;
	uint64_t v = 0;
	uint32_t v4;
	uint16_t v2;

	switch (field->size) {
	case 1: return *(const uint8_t *)at;
	case 2: memcpy(&v2, at, sizeof(v2)); return v2;
	case 4: memcpy(&v4, at, sizeof(v4)); return v4;
	default: memcpy(&v, at, sizeof(v)); return v;
	}
}

static void print_address(const char *key, const struct addr *a, enum family family)
{
	struct buf text = {0};

	addr_format(&text, a, family);
	(void)printf(",\"%s\":\"%.*s\"", key, (int)text.len, (const char *)text.data);
	buf_done(&text);
}

static void print(void *ctx, const struct socket_fact *f)
{
	const char *proto = proto_name(f->proto);

	(void)ctx;
	(void)printf("{\"cookie\":%llu,\"netns\":%llu,\"proto\":\"%s\",\"family\":%u,"
		     "\"mapped\":%s,\"died\":%s,\"state\":\"%s\",\"ifindex\":%u,"
		     "\"local_port\":%u",
		(unsigned long long)f->cookie, (unsigned long long)f->netns,
		proto ? proto : "?", f->family, f->mapped ? "true" : "false",
		f->died ? "true" : "false", tcp_state_name(f->state), f->ifindex,
		f->local_port);
	print_address("local", &f->local, f->family);
	if (socket_has(f, SOCKET_PEER))
		print_address("peer", &f->peer, f->family);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (socket_has(f, fields[i].has))
			(void)printf(",\"%s\":%llu", fields[i].name,
				(unsigned long long)value_of(f, &fields[i]));
	if (socket_has(f, SOCKET_CONGESTION))
		(void)printf(",\"congestion\":\"%s\"", f->congestion);
	if (socket_has(f, SOCKET_BBR))
		(void)printf(",\"bbr_bytes_s\":%llu,\"bbr_min_rtt_us\":%u,"
			     "\"bbr_pacing_gain\":%u,\"bbr_cwnd_gain\":%u",
			(unsigned long long)f->cc.bbr.bytes_s, f->cc.bbr.min_rtt_us,
			f->cc.bbr.pacing_gain, f->cc.bbr.cwnd_gain);
	(void)printf("}\n");
}

static void print_status(const struct sockets_status *s, int result)
{
	(void)printf("{\"result\":%d,\"facts\":%llu,\"malformed\":%llu,"
		     "\"interrupted\":%llu,\"truncated\":%llu,\"overruns\":%llu,"
		     "\"foreign\":%llu}\n",
		result, (unsigned long long)s->facts, (unsigned long long)s->malformed,
		(unsigned long long)s->interrupted, (unsigned long long)s->truncated,
		(unsigned long long)s->overruns, (unsigned long long)s->foreign);
}

static int run_list(struct sockets *s, uint32_t states)
{
	const struct sockets_sink sink = {NULL, print};
	int r = sockets_list(s, states, SOCKETS_ALL_DETAILS, &sink);

	print_status(&s->parser.status, r);
	return r < 0;
}

static int run_table(struct sockets *s, uint8_t family, uint8_t proto)
{
	const struct sockets_sink sink = {NULL, print};
	const struct sockets_query query = {
		family, proto, SOCKETS_ALL_DETAILS, SOCKETS_EVERY_STATE};
	int r = sockets_dump(s, &query, &sink);

	print_status(&s->parser.status, r);
	return 0; /* the status says it */
}

static int step(struct sockets *s, const struct sockets_query *query)
{
	const struct sockets_sink sink = {NULL, print};
	struct pollfd wait = {.fd = s->fd, .events = POLLIN};
	int r = sockets_ask(s, query);

	if (r == 0 && sockets_ask(s, query) != -EBUSY)
		return -EPROTO; /* a second one must wait */
	while (r == 0 && s->running) {
		(void)poll(&wait, 1, -1);
		r = sockets_receive(s, &sink);
		if (r > 0 || r == -EAGAIN)
			r = 0;
	}
	return r;
}

static int run_step(struct sockets *s, uint32_t states)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < SOCKETS_TABLES; i++) {
		struct sockets_query query = sockets_tables[i];

		query.states = states;
		r = step(s, &query);
	}
	print_status(&s->parser.status, r);
	return r < 0;
}

static int run_events(uint64_t netns, uint32_t buffer_bytes)
{
	const struct sockets_sink sink = {NULL, print};
	struct sockets_events events;
	struct pollfd fds[2] = {{.events = POLLIN}, {.fd = 0, .events = POLLIN}};
	int r = sockets_events_open(&events, netns, buffer_bytes);

	fds[0].fd = events.fd;
	if (r == 0)
		(void)fprintf(stderr, "ready\n");
	while (r >= 0 && !fds[1].revents) {
		(void)poll(fds, 2, -1);
		do
			r = sockets_events_read(&events, &sink);
		while (r > 0);
		(void)fflush(stdout);
	}
	print_status(&events.parser.status, r);
	sockets_events_close(&events);
	return r < 0;
}

/* ---- cost ---- */

static void nothing(void *ctx, const struct socket_fact *f)
{
	*(uint64_t *)ctx += f->cookie;
}

static double now_us(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The least that reading can cost: until a datagram holds the end of the dump. */
static void receive_only(struct sockets *s, unsigned *datagrams)
{
	uint8_t buffer[SOCKETS_RECEIVE_BYTES];
	const uint16_t end = 3, error = 2; /* NLMSG_DONE, NLMSG_ERROR */
	uint16_t type;

	do {
		if (recv(s->fd, buffer, sizeof(buffer), MSG_TRUNC) < 0)
			break;
		(*datagrams)++;
		memcpy(&type, buffer + 4, sizeof(type));
	} while (type != end && type != error);
	s->running = false;
}

static int run_cost(struct sockets *s, unsigned rounds)
{
	uint64_t sum = 0;
	const struct sockets_sink sink = {&sum, nothing};

	for (unsigned i = 0; i < 2 * rounds; i++) {
		uint64_t facts = s->parser.status.facts;
		unsigned datagrams = 0;
		double start = now_us(CLOCK_PROCESS_CPUTIME_ID),
		       wall = now_us(CLOCK_MONOTONIC);

		for (unsigned t = 0; t < SOCKETS_TABLES; t++)
			if (i & 1)
				(void)sockets_dump(s, &sockets_tables[t], &sink);
			else if (sockets_ask(s, &sockets_tables[t]) == 0)
				receive_only(s, &datagrams);
		(void)printf("{\"parsed\":%s,\"cpu_us\":%.0f,\"wall_us\":%.0f,"
			     "\"facts\":%llu,\"datagrams\":%u}\n",
			i & 1 ? "true" : "false",
			now_us(CLOCK_PROCESS_CPUTIME_ID) - start,
			now_us(CLOCK_MONOTONIC) - wall,
			(unsigned long long)(s->parser.status.facts - facts),
			datagrams);
	}
	return sum == 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	uint32_t states = SOCKETS_EVERY_STATE, buffer_bytes = SOCKETS_EVENTS_BYTES;
	struct sockets s;
	struct stat ns;
	int r;

	if (stat("/proc/self/ns/net", &ns) != 0 || sockets_open(&s, ns.st_ino) < 0)
		return 1;
	if (argc == 4 && strcmp(argv[2], "-s") == 0)
		states = (uint32_t)strtoul(argv[3], NULL, 0);
	if (argc == 4 && strcmp(argv[2], "-b") == 0)
		buffer_bytes = (uint32_t)strtoul(argv[3], NULL, 0);
	if (strcmp(verb, "list") == 0)
		r = run_list(&s, states);
	else if (strcmp(verb, "step") == 0)
		r = run_step(&s, states);
	else if (strcmp(verb, "events") == 0)
		r = run_events(ns.st_ino, buffer_bytes);
	else if (strcmp(verb, "table") == 0 && argc == 4)
		r = run_table(&s, (uint8_t)strtoul(argv[2], NULL, 10),
			(uint8_t)strtoul(argv[3], NULL, 10));
	else if (strcmp(verb, "cost") == 0 && argc == 3)
		r = run_cost(&s, (unsigned)strtoul(argv[2], NULL, 10));
	else
		r = 64;
	sockets_close(&s);
	return r;
}
