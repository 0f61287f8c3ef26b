#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "source/sockets.h"

#define SECOND_NS 1000000000ull

static void periods(void **state)
{
	(void)state;
	assert_int_equal(sockets_period_ns(SECOND_NS, 0), SECOND_NS);
	assert_int_equal(sockets_period_ns(SECOND_NS, 1000000), SECOND_NS);
	assert_int_equal(sockets_period_ns(SECOND_NS, SECOND_NS / 20), SECOND_NS);
	assert_int_equal(sockets_period_ns(SECOND_NS, SECOND_NS / 10), 2 * SECOND_NS);
	assert_int_equal(sockets_period_ns(0, 5), 100);
	assert_int_equal(sockets_period_ns(1, UINT64_MAX), UINT64_MAX);
	assert_int_equal(sockets_period_ns(1, UINT64_MAX / 20 + 1), UINT64_MAX);
}

static void tell(void *ctx, const struct socket_fact *fact)
{
	(void)ctx;
	(void)fact;
	fail_msg("a fact out of nothing");
}

/* Whoever else writes to the descriptor is not the kernel. */
static void only_the_kernel_is_heard(void **state)
{
	const struct sockets_sink sink = {NULL, tell};
	struct sockets_events events;
	struct sockets s;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
	sockets_adopt(&s, pair[0], 1);
	assert_int_equal(sockets_ask(&s, &sockets_tables[0]), 0);
	assert_int_equal(sockets_ask(&s, &sockets_tables[0]), -EBUSY);
	assert_int_equal(sockets_receive(&s, &sink), -EAGAIN);
	assert_true(s.running);
	assert_int_equal(send(pair[1], "x", 1, 0), 1);
	assert_int_equal(sockets_receive(&s, &sink), 1);
	assert_int_equal(s.parser.status.foreign, 1);
	sockets_events_adopt(&events, pair[1], 1);
	assert_int_equal(sockets_events_read(&events, &sink), 0);
	assert_int_equal(events.parser.status.foreign, 1); /* the request */
	sockets_close(&s);
	sockets_events_close(&events);
	assert_int_equal(s.fd, -1);
	sockets_close(&s);
}

/* Any machine has the tables, and a listening socket made here is in one of them. */
struct search {
	uint16_t port;
	unsigned found;
};

static void look(void *ctx, const struct socket_fact *fact)
{
	struct search *search = ctx;

	assert_int_equal(fact->netns, 77);
	assert_int_equal(fact->state, TCP_LISTEN);
	search->found += fact->local_port == search->port;
}

static void the_tables_of_this_machine(void **state)
{
	struct sockaddr_in name;
	socklen_t len = sizeof(name);
	struct search search = {0, 0};
	const struct sockets_sink sink = {&search, look};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockets s;
	int r;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(listen(fd, 5), 0); /* which binds it to some port */
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	search.port = ntohs(name.sin_port);
	r = sockets_open(&s, 77);
	if (r == 0)
		r = sockets_list(&s, SOCKETS_STATE(TCP_LISTEN), 0, &sink);
	(void)close(fd);
	sockets_close(&s);
	if (r == -EPROTONOSUPPORT || r == -ENOENT)
		skip();
	assert_int_equal(r, 0);
	assert_int_equal(search.found, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(periods),
		cmocka_unit_test(only_the_kernel_is_heard),
		cmocka_unit_test(the_tables_of_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
