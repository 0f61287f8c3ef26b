#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "capture_make.h"

static void check(const char *expression, const char *last_lines)
{
	struct err err = {0};

	assert_int_not_equal(bpf_check(expression, &err), 0);
	assert_int_equal(err.exit_code, EXIT_USAGE);
	assert_non_null(strchr(err.text, '\n'));
	assert_string_equal(strchr(err.text, '\n'), last_lines);
}

static void sound(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(bpf_check("tcp port 80 and host 10.0.0.1", &err), 0);
	assert_int_equal(bpf_check("", &err), 0);
	assert_int_equal(err.exit_code, 0);
}

static void carets(void **state)
{
	(void)state;
	check("tcp prot 80", "\n  tcp prot 80\n      ^^^^");
	check("tcp and", "\n  tcp and\n         ^");
	check("icmp and (udp", "\n  icmp and (udp\n               ^");
	check("tcp)", "\n  tcp)\n     ^");
	check("host 1.2.3.400", "\n  host 1.2.3.400\n       ^^^^^^^^^");
	check("port 1 or port 99999",
		"\n  port 1 or port 99999\n                 ^^^^^");
	check("net 10.0.0.1/8", "\n  net 10.0.0.1/8\n      ^^^^^^^^^^");
	check("\x1b[2J prot", "\n  \\x1b[2J prot\n  ^");
}

static void long_expressions_show_the_place(void **state)
{
	struct buf b = {0};
	struct err err = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		buf_str(&b, "port 80 or ");
	buf_str(&b, "prot 81");
	assert_int_not_equal(bpf_check(buf_cstr(&b), &err), 0);
	assert_non_null(strstr(err.text, "prot 81\n"));
	assert_non_null(strstr(err.text, "^^^^"));
	buf_done(&b);
}

/* Link type 1, and 101 (raw IP), whose number in libpcap is another one. */
static int mixed_file(void)
{
	static const uint8_t ip[] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0,
		1, 10, 0, 0, 2, 0, 53, 0, 54, 0, 8, 0, 0};
	static const uint8_t ethernet[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
	struct make m = {0};
	int fd;

	make_section(&m);
	make_interface(&m, 101, "tun0");
	make_interface(&m, 1, "eth0");
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t len = sizeof(ip) + (i ? sizeof(ethernet) : 0);

		make_begin(&m, 6);
		make_u32(&m, i);
		make_u64(&m, 0);
		make_u32(&m, len);
		make_u32(&m, len);
		if (i)
			buf_add(&m.b, ethernet, sizeof(ethernet));
		buf_add(&m.b, ip, sizeof(ip));
		buf_fill(&m.b, 0, -len & 3);
		make_end(&m);
	}
	fd = make_fd(m.b.data, m.b.len);
	buf_done(&m.b);
	return fd;
}

static void read_filtered(const char *expression, int first, int second)
{
	struct source_file file = {mixed_file(), "x"};
	struct frame frames[FRAME_BATCH];
	struct source source;
	struct err err = {0};
	unsigned count;

	assert_int_equal(file_source_open(&file, 1, expression, &source, &err), 0);
	assert_int_equal(
		source.ops->next(source.self, 0, frames, &count, &err), SOURCE_FRAMES);
	assert_int_equal(count, 2);
	assert_int_equal(frames[0].filtered, first);
	assert_int_equal(frames[1].filtered, second);
	assert_int_equal(
		source.ops->next(source.self, 0, frames, &count, &err), SOURCE_END);
	source.ops->close(source.self);
}

static void filters_each_link_type(void **state)
{
	(void)state;
	read_filtered("udp port 53", 0, 0);
	read_filtered("tcp", 1, 1);
	read_filtered("len = 28", 0, 1);
	read_filtered("host 10.0.0.2 and src port 53", 0, 0);
}

static void refused_when_opening(void **state)
{
	struct source_file file = {mixed_file(), "x"};
	struct source source;
	struct err err = {0};

	(void)state;
	assert_int_not_equal(file_source_open(&file, 1, "prot 3", &source, &err), 0);
	assert_int_equal(err.exit_code, EXIT_USAGE);
}

/* Sound for the first packet's link type, not for the second's: that ends the reading.
 */
static void refused_for_a_later_link_type(void **state)
{
	struct source_file file;
	struct make m = {0};
	struct result r;
	struct source source;
	struct err err = {0};

	(void)state;
	make_section(&m);
	make_interface(&m, 1, NULL);
	make_interface(&m, 147, NULL); /* for private use: no filter knows it */
	make_packet(&m, 0, 1, 60);
	make_packet(&m, 1, 1, 60);
	file = (struct source_file){make_fd(m.b.data, m.b.len), "x"};
	buf_done(&m.b);
	assert_int_equal(file_source_open(&file, 1, "tcp", &source, &err), 0);
	result_read(&source, &r);
	assert_int_equal(r.status, SOURCE_DAMAGED);
	assert_int_equal(r.err.exit_code, EXIT_USAGE);
	assert_non_null(strstr(r.err.text, "link type 147"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound),
		cmocka_unit_test(carets),
		cmocka_unit_test(long_expressions_show_the_place),
		cmocka_unit_test(filters_each_link_type),
		cmocka_unit_test(refused_when_opening),
		cmocka_unit_test(refused_for_a_later_link_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
