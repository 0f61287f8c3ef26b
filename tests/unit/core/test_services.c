#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/proto.h"
#include "core/services.h"

static const char table[] = "# a comment\n"
			    "\n"
			    "domain\t\t53/tcp\n"
			    "domain 53/udp nameserver # aliased\n"
			    "http 80/tcp www WWW-http\r\n"
			    "alt-http 80/tcp\n"
			    "xmpp 5222/tcp xmpp-client#no blank\n"
			    "sctpish 77/sctp\n"
			    "toobig 65536/tcp\n"
			    "negative -1/tcp\n"
			    "noport\n"
			    "nothing 5/\n"
			    "odd\x1b name 6000/tcp\n"
			    "back\\slash 6001/tcp\n"
			    "latin 6002/tcp b\xe4r\n"
			    "last 65535/udp";

static void names_of_ports(void **state)
{
	struct services *s = services_new(table, strlen(table));

	(void)state;
	assert_non_null(s);
	assert_string_equal(services_name(s, PROTO_TCP, 53), "domain");
	assert_string_equal(services_name(s, PROTO_UDP, 53), "domain");
	assert_string_equal(
		services_name(s, PROTO_TCP, 80), "http"); /* the first one */
	assert_string_equal(services_name(s, PROTO_TCP, 5222), "xmpp");
	assert_string_equal(services_name(s, PROTO_UDP, 65535), "last");
	assert_string_equal(services_name(s, PROTO_TCP, 6002), "latin");
	assert_null(services_name(s, PROTO_UDP, 80));
	assert_null(services_name(s, PROTO_SCTP, 77));
	assert_null(services_name(s, PROTO_TCP, 5));
	assert_null(services_name(s, PROTO_TCP, 0));
	assert_null(services_name(s, PROTO_TCP, 6000));
	assert_null(services_name(s, PROTO_TCP, 6001));
	services_free(s);
}

static void ports_of_names(void **state)
{
	struct services *s = services_new(table, strlen(table));
	uint16_t port = 4711;

	(void)state;
	assert_true(services_find(s, "HTTP", 4, &port));
	assert_int_equal(port, 80);
	assert_true(services_find(s, "www-http", 8, &port));
	assert_int_equal(port, 80);
	assert_true(services_find(s, "nameserver", 10, &port)); /* udp only */
	assert_int_equal(port, 53);
	assert_true(services_find(s, "xmpp-client", 11, &port));
	assert_int_equal(port, 5222);
	assert_false(services_find(s, "htt", 3, &port));
	assert_false(services_find(s, "b", 1, &port));
	assert_false(services_find(s, "", 0, &port));
	services_free(s);
}

static void tcp_wins_over_udp(void **state)
{
	static const char both[] = "x 7/udp\nx 8/tcp\n";
	struct services *s = services_new(both, sizeof(both) - 1);
	uint16_t port;

	(void)state;
	assert_true(services_find(s, "x", 1, &port));
	assert_int_equal(port, 8);
	services_free(s);
}

static void servers(void **state)
{
	struct services *s = services_new(table, strlen(table));
	struct services *none = services_new(NULL, 0);

	(void)state;
	assert_true(services_is_server(s, PROTO_TCP, 5222));
	assert_false(services_is_server(s, PROTO_UDP, 5222));
	assert_false(services_is_server(none, PROTO_TCP, 5222));
	assert_true(services_is_server(none, PROTO_TCP, 1023));
	assert_false(services_is_server(none, PROTO_TCP, 1024));
	assert_null(services_name(none, PROTO_TCP, 80));
	services_free(none);
	services_free(s);
	services_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_ports),
		cmocka_unit_test(ports_of_names),
		cmocka_unit_test(tcp_wins_over_udp),
		cmocka_unit_test(servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
