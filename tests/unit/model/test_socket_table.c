/* Sockets by cookie and by connection: rounds, joins, who serves, who opened it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/proto.h"
#include "model/join.h"
#include "model/socket_table.h"

#define ROOM ((uint64_t)1 << 20)

static const struct hash_key key = {1, 2};
static const uint8_t here[4] = {127, 0, 0, 1}, any[4];

static struct socket_fact fact_of(uint64_t cookie, uint16_t port, uint16_t peer_port)
{
	struct socket_fact f = {.cookie = cookie,
		.family = FAMILY_V4,
		.proto = PROTO_TCP,
		.state = TCP_ESTABLISHED,
		.local = addr_v4(here),
		.peer = addr_v4(here),
		.local_port = port,
		.peer_port = peer_port};

	f.has = peer_port ? SOCKET_HAS(SOCKET_PEER) : 0;
	return f;
}

static struct socket_fact listener_of(uint64_t cookie, uint16_t port)
{
	struct socket_fact f = fact_of(cookie, port, 0);

	f.state = TCP_LISTEN;
	f.local = addr_v4(any);
	return f;
}

static void tell(struct socket_table *t, struct socket_fact f)
{
	socket_table_tell(t, &f, 1);
}

static struct tuple tuple_of(uint16_t low, uint16_t high)
{
	struct tuple t = {.proto = PROTO_TCP, .family = FAMILY_V4};
	struct addr a = addr_v4(here);

	(void)tuple_order(&t, &a, low, &a, high);
	return t;
}

static int setup(void **state)
{
	static const struct socket_table empty;
	struct socket_table *t = test_malloc(sizeof(*t));

	*t = empty;
	assert_int_equal(socket_table_init(t, ROOM, &key), 0);
	socket_table_begin(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	socket_table_done(*state);
	test_free(*state);
	return 0;
}

static void finds_each_end(void **state)
{
	struct socket_table *t = *state;
	struct tuple k = tuple_of(80, 40000);

	tell(t, fact_of(7, 80, 40000));
	assert_int_equal(socket_table_find(t, &k, 0)->fact.cookie, 7);
	assert_null(socket_table_find(t, &k, 1));
	tell(t, fact_of(8, 40000, 80));
	assert_int_equal(socket_table_find(t, &k, 1)->fact.cookie, 8);
	assert_int_equal(socket_table_count(t), 2);
}

static void forgets_what_two_rounds_did_not_tell(void **state)
{
	struct socket_table *t = *state;
	struct tuple k = tuple_of(80, 40000);

	tell(t, fact_of(7, 80, 40000));
	socket_table_end(t);
	assert_false(socket_table_find(t, &k, 0)->gone);
	socket_table_begin(t);
	socket_table_end(t);
	assert_true(socket_table_find(t, &k, 0)->gone);
	socket_table_begin(t);
	tell(t, fact_of(9, 80, 40000)); /* the ports again */
	assert_int_equal(socket_table_find(t, &k, 0)->fact.cookie, 9);
	socket_table_end(t);
	assert_int_equal(socket_table_count(t), 1);
	assert_int_equal(socket_table_find(t, &k, 0)->fact.cookie, 9);
}

static void follows_a_socket_that_gets_a_peer(void **state)
{
	struct socket_table *t = *state;
	struct tuple k = tuple_of(53, 40000);

	tell(t, fact_of(7, 40000, 0));
	assert_true(socket_table_at(t, 1)->alone);
	tell(t, fact_of(7, 40000, 53));
	assert_false(socket_table_at(t, 1)->alone);
	assert_int_equal(socket_table_find(t, &k, 1)->fact.cookie, 7);
	assert_int_equal(socket_table_count(t), 1);
}

static void counts_what_finds_no_room(void **state)
{
	struct socket_table *t = *state;
	uint32_t most = t->entries.most;

	for (uint32_t i = 0; i < most + 5; i++)
		tell(t, fact_of(i + 1, 80, (uint16_t)(1000 + i % 60000)));
	assert_int_equal(socket_table_count(t) + t->lost, most + 5);
	assert_in_range(t->lost, 5, 6);
}

static void names_the_server_unless_several_share_the_port(void **state)
{
	struct socket_table *t = *state;
	struct tuple k = tuple_of(80, 40000);

	assert_null(socket_table_server(t, &k, 0));
	tell(t, listener_of(1, 80));
	assert_int_equal(socket_table_server(t, &k, 0)->fact.cookie, 1);
	assert_null(socket_table_server(t, &k, 1));
	tell(t, listener_of(2, 80));
	assert_null(socket_table_server(t, &k, 0));
}

static void tells_who_opened_it(void **state)
{
	struct socket_table *t = *state;
	struct socket_fact asks = fact_of(5, 22, 50000);

	tell(t, fact_of(1, 40000, 80));
	assert_int_equal(socket_table_orient(t, socket_table_at(t, 1), NULL), 1);
	tell(t, listener_of(2, 40000)); /* who listens is asked, whatever the port */
	assert_int_equal(socket_table_orient(t, socket_table_at(t, 1), NULL), 0);
	asks.state = TCP_SYN_SENT;
	tell(t, asks);
	assert_int_equal(socket_table_orient(t, socket_table_at(t, 3), NULL), 0);
}

static void makes_one_row_of_a_pair(void **state)
{
	static const struct row_world world;
	struct socket_table *t = *state;
	struct row r = {.world = &world};

	tell(t, fact_of(1, 80, 40000));
	tell(t, fact_of(2, 40000, 80));
	tell(t, listener_of(3, 80));
	join_socket(t, join_next(t, 1), &r);
	assert_int_equal(r.orig, 1);
	assert_int_equal(r.end[r.orig]->fact.cookie, 2);
	assert_int_equal(r.end[!r.orig]->fact.cookie, 1);
	assert_null(join_next(t, 1));
	assert_null(join_next(t, 2));
	assert_non_null(join_next(t, 3));
}

static void has_one_owner_for_each_cookie(void **state)
{
	struct socket_table *t = *state;
	struct owner_fact owner = {.cookie = 7, .process = {42, 0}};

	tell(t, fact_of(7, 80, 40000));
	owner.cookie = 6;
	socket_table_own(t, &owner, NULL); /* of none */
	assert_false(socket_table_at(t, 1)->has_owner);
	owner.cookie = 7;
	socket_table_own(t, &owner, NULL);
	assert_int_equal(socket_table_at(t, 1)->owner.process.pid, 42);
	tell(t, fact_of(7, 80, 40000)); /* told again: still his */
	assert_true(socket_table_at(t, 1)->has_owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_each_end, setup, teardown),
		cmocka_unit_test_setup_teardown(
			forgets_what_two_rounds_did_not_tell, setup, teardown),
		cmocka_unit_test_setup_teardown(
			follows_a_socket_that_gets_a_peer, setup, teardown),
		cmocka_unit_test_setup_teardown(
			counts_what_finds_no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(
			names_the_server_unless_several_share_the_port, setup,
			teardown),
		cmocka_unit_test_setup_teardown(tells_who_opened_it, setup, teardown),
		cmocka_unit_test_setup_teardown(
			makes_one_row_of_a_pair, setup, teardown),
		cmocka_unit_test_setup_teardown(
			has_one_owner_for_each_cookie, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
