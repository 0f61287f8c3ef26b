#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "diag_make.h"

static int result_of(uint16_t type, uint32_t serial, const int *error)
{
	struct sockets_parser p = {0, DIAG_SERIAL, PROTO_TCP, {0}};
	struct diag_told t = {0};
	struct diag_datagram m = {.len = 0};

	diag_begin(&m, type, NLM_F_MULTI, serial);
	if (error)
		diag_body(&m, error, sizeof(*error));
	return diag_parse(&p, m.bytes, m.len, &t);
}

static void ends_and_refusals(void **state)
{
	const int none = 0, missing = -ENOENT, again = -EAGAIN, odd = 5;

	(void)state;
	assert_int_equal(result_of(NLMSG_DONE, DIAG_SERIAL, &none), 0);
	assert_int_equal(result_of(NLMSG_DONE, DIAG_SERIAL, NULL), 0);
	assert_int_equal(result_of(NLMSG_DONE, DIAG_SERIAL, &missing), -ENOENT);
	assert_int_equal(result_of(NLMSG_ERROR, DIAG_SERIAL, &missing), -ENOENT);
	assert_int_equal(result_of(NLMSG_ERROR, DIAG_SERIAL, &again), -EPROTO);
	assert_int_equal(result_of(NLMSG_ERROR, DIAG_SERIAL, &odd), -EPROTO);
	assert_int_equal(result_of(NLMSG_ERROR, DIAG_SERIAL, NULL), -EPROTO);
	assert_int_equal(result_of(NLMSG_DONE, DIAG_SERIAL - 1, &none), 1);
	assert_int_equal(result_of(NLMSG_NOOP, DIAG_SERIAL, NULL), 1);
}

static void what_was_lost_is_counted(void **state)
{
	struct inet_diag_msg s = diag_socket("10.1.2.3", 1, "10.1.2.4", 2);
	struct sockets_parser p = {0, DIAG_SERIAL, PROTO_TCP, {0}};
	struct diag_told t = {0};
	struct diag_datagram m = {.len = 0};

	(void)state;
	diag_begin(&m, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI | NLM_F_DUMP_INTR, DIAG_SERIAL);
	diag_body(&m, &s, sizeof(s));
	diag_begin(&m, NLMSG_OVERRUN, 0, DIAG_SERIAL);
	diag_message(&m, &s, DIAG_SERIAL - 1); /* of a dump that was given up */
	assert_int_equal(diag_parse(&p, m.bytes, m.len, &t), 1);
	assert_int_equal(t.count, 1);
	assert_int_equal(p.status.interrupted, 1);
	assert_int_equal(p.status.overruns, 1);
	assert_int_equal(p.status.malformed, 0);
}

/* Cut anywhere, the sockets before the cut are told and the cut is counted. */
static void cut_anywhere(void **state)
{
	struct inet_diag_msg s = diag_socket("2001:db8::1", 1, "2001:db8::2", 2);
	struct diag_datagram m = {.len = 0};
	uint8_t info[280] = {1};
	size_t first;

	(void)state;
	diag_whole(&m, &s);
	diag_attribute(&m, INET_DIAG_INFO, info, sizeof(info));
	diag_attribute(&m, INET_DIAG_CONG, "bbr", 4);
	first = m.len;
	diag_whole(&m, &s);
	for (size_t len = 0; len <= m.len; len++) {
		struct sockets_parser p = {0, DIAG_SERIAL, PROTO_TCP, {0}};
		struct diag_told t = {0};

		assert_int_equal(diag_parse(&p, m.bytes, len, &t), 1);
		assert_int_equal(t.count, (len >= first) + (len == m.len));
		assert_int_equal(
			p.status.malformed, len != 0 && len != first && len != m.len);
	}
}

/* A message that says it is shorter, and attributes that go beyond it. */
static void lengths_that_lie(void **state)
{
	struct inet_diag_msg s = diag_socket("10.1.2.3", 1, "10.1.2.4", 2);
	struct diag_datagram m = {.len = 0};
	uint32_t whole_len;

	(void)state;
	diag_whole(&m, &s);
	diag_attribute(&m, INET_DIAG_CONG, "bbr", 4);
	whole_len = (uint32_t)m.len;
	for (uint32_t says = 0; says < whole_len; says++) {
		struct sockets_parser p = {0, DIAG_SERIAL, PROTO_TCP, {0}};
		struct diag_told t = {0};

		memcpy(m.bytes, &says, sizeof(says));
		assert_int_equal(diag_parse(&p, m.bytes, m.len, &t), 1);
		assert_true(p.status.malformed > 0);
	}
	memcpy(m.bytes, &whole_len, sizeof(whole_len));
	/* The last attribute has 8 bytes. */
	for (uint16_t says = 0; says < 64; says++) {
		struct sockets_parser p = {0, DIAG_SERIAL, PROTO_TCP, {0}};
		struct diag_told t = {0};

		memcpy(m.bytes + m.len - 8, &says, sizeof(says));
		assert_int_equal(diag_parse(&p, m.bytes, m.len, &t), 1);
		assert_int_equal(t.count + p.status.malformed, 1);
		assert_int_equal(t.count, says > 4 && says <= 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_and_refusals),
		cmocka_unit_test(what_was_lost_is_counted),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(lengths_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
