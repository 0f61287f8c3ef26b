/* The helper's protocol, spoken by a well-behaved client and by a hostile one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/client.h"
#include "helper/helper.h"
#include "helper/message.h"

struct fixture {
	int fd; /* the worker's end */
	pid_t pid;
	struct helper_message box;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int pair[2];

	if (!f || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	f->pid = fork();
	if (f->pid < 0)
		return -1;
	if (f->pid == 0) {
		(void)close(pair[0]);
		_exit(helper_serve(pair[1]));
	}
	(void)close(pair[1]);
	f->fd = pair[0];
	*state = f;
	return 0;
}

/* The helper must end by itself once the socket is closed, whatever was sent before. */
static int tear_down(void **state)
{
	struct fixture *f = *state;
	int status = -1, code;

	(void)close(f->fd);
	if (waitpid(f->pid, &status, 0) != f->pid)
		return -1;
	code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	free(f);
	return code;
}

static void expect_status(struct fixture *f, int status)
{
	assert_int_equal(helper_message_receive(f->fd, &f->box), 0);
	assert_int_equal(f->box.header.status, status);
	assert_int_equal(f->box.fd, -1);
	assert_int_equal(f->box.header.len_bytes, 0);
}

static void send_header(struct fixture *f, struct helper_header header)
{
	f->box.header = header;
	f->box.fd = -1;
	memset(f->box.payload, 0x5a, sizeof(f->box.payload));
	assert_int_equal(helper_message_send(f->fd, &f->box), 0);
}

static struct helper_header header_of(uint16_t type)
{
	return (struct helper_header){
		.version = HELPER_VERSION, .type = type, .serial = 7};
}

static void test_hello_socket_bye(void **state)
{
	struct fixture *f = *state;
	struct err err = {0};
	int fd, value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(helper_hello(f->fd, &err), 0);
	fd = helper_capture_socket(f->fd, &err);
	if (fd < 0) { /* run by an ordinary user */
		assert_int_equal(err.exit_code, EXIT_NO_PERMISSION);
		assert_non_null(strstr(err.text, "setcap cap_net_raw+ep /"));
		assert_non_null(strstr(err.text, "sudo /"));
	} else {
		assert_int_equal(
			getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &len), 0);
		assert_int_equal(value, AF_PACKET);
		assert_int_equal(
			getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &len), 0);
		assert_int_equal(value, 0);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
		(void)close(fd);
	}
	assert_int_equal(helper_bye(f->fd, &err), 0);
	assert_true(helper_hello(f->fd, &err) < 0);
}

static void test_states(void **state)
{
	struct fixture *f = *state;
	struct err err = {0};

	assert_int_equal(helper_capture_socket(f->fd, &err), -1);
	assert_int_not_equal(err.exit_code, EXIT_NO_PERMISSION);
	assert_int_equal(helper_hello(f->fd, &err), 0);
	assert_int_equal(helper_hello(f->fd, &err), -EPROTO);
	send_header(f, header_of(HELPER_CAPTURE_SOCKET + 1));
	expect_status(f, -EPROTO);
	send_header(f, header_of(0));
	expect_status(f, -EPROTO);
	send_header(f, header_of(0xffff));
	expect_status(f, -EPROTO);
	assert_int_equal(f->box.header.state, HELPER_RUNNING);
	assert_int_equal(f->box.header.serial, 7);
}

static void test_bad_headers(void **state)
{
	struct fixture *f = *state;
	struct helper_header h = header_of(HELPER_HELLO);

	h.version = HELPER_VERSION + 1;
	send_header(f, h);
	expect_status(f, -EPROTO);
	h = header_of(HELPER_HELLO);
	h.reserved[39] = 1;
	send_header(f, h);
	expect_status(f, -EPROTO);
	h = header_of(HELPER_HELLO);
	h.status = -1;
	send_header(f, h);
	expect_status(f, -EPROTO);
	h = header_of(HELPER_HELLO);
	h.len_bytes = 1; /* hello has no payload */
	send_header(f, h);
	expect_status(f, -EPROTO);
	h.len_bytes = HELPER_PAYLOAD_MAX;
	send_header(f, h);
	expect_status(f, -EPROTO);
	h = header_of(HELPER_HELLO);
	h.fds = 1; /* but none comes */
	send_header(f, h);
	expect_status(f, -EPROTO);
	assert_int_equal(f->box.header.state, HELPER_START);
}

static void test_bad_lengths(void **state)
{
	struct fixture *f = *state;
	struct helper_header h = header_of(HELPER_HELLO);
	char *huge = calloc(1, 2 * HELPER_PAYLOAD_MAX);

	assert_non_null(huge);
	for (size_t len = 1; len < sizeof(h); len += 9) {
		assert_int_equal(send(f->fd, &h, len, 0), len);
		expect_status(f, -EPROTO);
	}
	memcpy(huge, &h, sizeof(h));
	assert_int_equal(send(f->fd, huge, sizeof(h) + 1, 0), sizeof(h) + 1);
	expect_status(f, -EPROTO);
	h.len_bytes = 2 * HELPER_PAYLOAD_MAX - sizeof(h); /* true, but too much */
	memcpy(huge, &h, sizeof(h));
	assert_int_equal(
		send(f->fd, huge, 2 * HELPER_PAYLOAD_MAX, 0), 2 * HELPER_PAYLOAD_MAX);
	expect_status(f, -EPROTO);
	free(huge);
}

/* The other end of a pipe that the helper kept would never see the end. */
static void test_descriptors_are_closed(void **state)
{
	struct fixture *f = *state;
	int ends[2];
	char byte;

	assert_int_equal(pipe(ends), 0);
	f->box.header = header_of(HELPER_HELLO);
	f->box.header.fds = 1;
	f->box.fd = ends[1];
	assert_int_equal(helper_message_send(f->fd, &f->box), 0);
	expect_status(f, -EPROTO);
	(void)close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	(void)close(ends[0]);
}

static void test_noise(void **state)
{
	struct fixture *f = *state;
	uint32_t x = 0x2545f491;
	uint8_t noise[200];
	struct err err = {0};

	for (unsigned round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(noise); i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			noise[i] = (uint8_t)x;
		}
		assert_true(send(f->fd, noise, 1 + x % sizeof(noise), 0) > 0);
		expect_status(f, -EPROTO);
	}
	assert_int_equal(helper_hello(f->fd, &err), 0);
}

/* The worker's side trusts the helper's answers no more than it must. */
static void test_client_checks_replies(void **state)
{
	struct helper_header lie = header_of(HELPER_CAPTURE_SOCKET);
	struct err err = {0};
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(send(pair[1], &lie, sizeof(lie), 0), sizeof(lie));
	assert_int_equal(helper_capture_socket(pair[0], &err), -1); /* serial */
	lie.serial = HELPER_CAPTURE_SOCKET;
	assert_int_equal(send(pair[1], &lie, sizeof(lie), 0), sizeof(lie));
	assert_int_equal(helper_capture_socket(pair[0], &err), -1); /* no descriptor */
	(void)close(pair[1]);
	assert_int_equal(helper_capture_socket(pair[0], &err), -1);
	assert_true(err.exit_code != 0);
	(void)close(pair[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_hello_socket_bye, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_states, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_headers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_lengths, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_descriptors_are_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_noise, set_up, tear_down),
		cmocka_unit_test(test_client_checks_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
