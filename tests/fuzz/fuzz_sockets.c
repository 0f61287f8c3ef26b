/*
 * Datagrams of sock_diag(7): any bytes, as the answer to a dump or as events.
 *
 * The first byte is the protocol that was asked for, 0 for events; the serial is 7, of
 * events 0.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/sockets_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t facts;
	bool events;
};

static void check_text(const struct socket_fact *f)
{
	assert(memchr(f->congestion, 0, sizeof(f->congestion)));
	for (const char *c = f->congestion; *c; c++)
		assert(*c > ' ' && *c < 0x7f);
	assert(socket_has(f, SOCKET_CONGESTION) == (f->congestion[0] != 0));
}

static void check(void *ctx, const struct socket_fact *f)
{
	const uint64_t of_tcp = f->has & ~(SOCKET_HAS(SOCKET_TCP) - 1);
	struct seen *seen = ctx;

	seen->facts++;
	assert(f->family == FAMILY_V4 || f->family == FAMILY_V6);
	assert(!f->mapped || f->family == FAMILY_V4);
	assert(f->state < TCP_STATE_COUNT && f->proto != 0);
	assert(f->died == seen->events);
	assert(!f->died || f->state == TCP_CLOSED);
	assert(f->has < SOCKET_HAS(SOCKET_HAS_COUNT));
	assert(!of_tcp || (socket_has(f, SOCKET_TCP) && socket_has(f, SOCKET_PEER)));
	assert(!(socket_has(f, SOCKET_QUEUES) && socket_has(f, SOCKET_BACKLOG)));
	assert(!socket_has(f, SOCKET_MIN_RTT) || f->tcp.min_rtt_us + 1 > 1);
	check_text(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = {0, size && data[0] == 0};
	const struct sockets_sink sink = {&seen, check};
	struct sockets_parser p = {1, seen.events ? 0 : 7, size ? data[0] : 0, {0}};
	int r;

	if (size == 0)
		return 0;
	r = sockets_message_parse(&p, data + 1, size - 1, &sink);
	assert(r <= 1 && (r == 1 || !seen.events));
	assert(p.status.facts == seen.facts);
	return 0;
}
