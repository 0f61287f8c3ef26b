#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#include "core/proto.h"
#include "fake_snapshot.h"
#include "view/view.h"

/* key, title, type, width, priority */
static const struct column table[] = {
	{"process", "PROCESS", TYPE_STR, 8, 1},
	{"peer", "PEER", TYPE_ADDR, 15, 0},
	{"state", "STATE", TYPE_STR, 11, 3},
	{"bytes", "TOTAL", TYPE_BYTES, 5, 2},
	{"note", "NOTE", TYPE_STR, 4, 9},
};
#define TABLE (sizeof(table) / sizeof(*table))

static struct fake fake_of(const struct value *cells, unsigned rows)
{
	struct fake f = {.columns = table, .cells = cells};

	f.s.columns = TABLE;
	f.s.rows = rows;
	return f;
}

static void expect_table(const struct fake *f, unsigned width, const char *text)
{
	const struct view_style v = {.width = width};
	struct buf b = {0};

	fake_write(&b, "text", f, &v, true);
	assert_string_equal(buf_cstr(&b), text);
	buf_done(&b);
}

static void columns_line_up(void **state)
{
	const struct value cells[] = {str("nginx"), ip("10.0.0.1"), str("ESTABLISHED"),
		num(999), str("x"), absent(), ip("192.168.100.200"), absent(),
		num(1 << 20), absent()};
	const struct fake f = fake_of(cells, 2);

	(void)state;
	expect_table(&f, 0,
		"PROCESS  PEER            STATE       TOTAL NOTE\n"
		"nginx    10.0.0.1        ESTABLISHED   999 x\n"
		"-        192.168.100.200 -            1.0M -\n");
}

static void a_long_cell_pushes_until_there_is_room_again(void **state)
{
	const struct value cells[] = {str("a-long-process"), ip("10.0.0.1"),
		str("LISTEN"), num(7), str("whole text"), str("b"),
		ip("2001:db8:1:2:3:4:5:6"), str("ESTABLISHED"), num(7), str("y")};
	const struct fake f = fake_of(cells, 2);

	(void)state;
	expect_table(&f, 0,
		"PROCESS  PEER            STATE       TOTAL NOTE\n"
		"a-long-process 10.0.0.1  LISTEN          7 whole text\n"
		"b        2001:db8:1:2:3:4:5:6 ESTABLISHED 7 y\n");
}

static void narrow_takes_columns_by_priority(void **state)
{
	const struct value cells[] = {
		str("nginx"), ip("10.0.0.1"), str("LISTEN"), num(7), str("x")};
	const struct fake f = fake_of(cells, 1);

	(void)state;
	expect_table(&f, 47,
		"PROCESS  PEER            STATE       TOTAL NOTE\n"
		"nginx    10.0.0.1        LISTEN          7 x\n");
	expect_table(&f, 46,
		"PROCESS  PEER            STATE       TOTAL\n"
		"nginx    10.0.0.1        LISTEN          7\n");
	expect_table(&f, 41,
		"PROCESS  PEER            TOTAL NOTE\n"
		"nginx    10.0.0.1            7 x\n");
	expect_table(&f, 19, "PEER\n10.0.0.1\n");
}

static void narrow_shortens_addresses_in_the_middle(void **state)
{
	const struct value cells[] = {str("a-long-process"), ip("2001:db8:1:2:3:4:5:6"),
		str("ESTABLISHED"), num(7), str("and a note")};
	const struct fake f = fake_of(cells, 1);

	(void)state;
	expect_table(&f, 47,
		"PROCESS  PEER            STATE       TOTAL NOTE\n"
		"a-long.. 2001:db..:4:5:6 ESTABLISHED     7 and \n");
	expect_table(&f, 52, /* five columns to spare */
		"PROCESS  PEER            STATE       TOTAL NOTE\n"
		"a-long-proc.. 2001:db..:4:5:6 ESTABLISHED 7 and a ..\n");
}

static void no_line_is_wider_than_the_terminal(void **state)
{
	const struct value cells[] = {
		str("\xe4\xb8\x80\xe4\xb8\x80\xe4\xb8\x80\xe4\xb8\x80"
		    "\xe4\xb8\x80\xe4\xb8\x80\xe4\xb8\x80"),
		ip("2001:db8:1111:2222:3333:4444:5555:6666"), str("ESTABLISHED"),
		num(UINT64_MAX), str("and a note that goes on and on")};
	const struct fake f = fake_of(cells, 1);
	struct buf b = {0};

	(void)state;
	for (unsigned width = 1; width < 150; width++) {
		const struct view_style v = {.width = width};

		buf_reset(&b);
		fake_write(&b, "text", &f, &v, false);
		assert_in_range(text_columns(b.data, b.len - 1), 1, width);
	}
	buf_done(&b);
}

static void titles_in_bold_with_color(void **state)
{
	const struct fake f = fake_of(NULL, 0);
	struct buf b = {0};

	(void)state;
	fake_write(
		&b, "text", &f, &(struct view_style){.width = 19, .color = true}, true);
	assert_string_equal(buf_cstr(&b), "\x1b[1mPEER\x1b[0m\n");
	buf_done(&b);
}

static void expect_cell(struct column c, struct value value, const struct view_style *v,
	const char *text)
{
	struct buf b = {0};

	view_cell(&b, &c, &value, v);
	assert_string_equal(buf_cstr(&b), text);
	buf_done(&b);
}

static void cells_show_their_unit(void **state)
{
	const struct view_style plain = {0}, bits = {.bits = true}, si = {.si = true};

	(void)state;
	expect_cell((struct column){.type = TYPE_BPS}, num(12000000), &plain, "1.4M");
	expect_cell((struct column){.type = TYPE_BPS}, num(12000000), &bits, "12Mb");
	expect_cell((struct column){.type = TYPE_BPS}, num(12000000), &si, "1.5M");
	expect_cell((struct column){.type = TYPE_BPS}, num(0), &plain, "0");
	expect_cell((struct column){.type = TYPE_BYTES}, num(1500), &plain, "1.5K");
	expect_cell((struct column){.type = TYPE_BYTES}, num(1500), &si, "1.5k");
	expect_cell((struct column){.type = TYPE_US}, num(23000), &plain, "23ms");
	expect_cell((struct column){.type = TYPE_US}, num(UINT64_MAX), &plain, "584y");
	expect_cell((struct column){.type = TYPE_MS}, num(1400), &plain, "1.4s");
	expect_cell((struct column){.type = TYPE_PPM}, num(0), &plain, "0%");
	expect_cell((struct column){.type = TYPE_PPM}, num(499), &plain, "<0.1%");
	expect_cell((struct column){.type = TYPE_PPM}, num(15000), &plain, "1.5%");
	expect_cell((struct column){.type = TYPE_PPM}, num(99600), &plain, "10%");
	expect_cell((struct column){.type = TYPE_PPM}, num(1000000), &plain, "100%");
	expect_cell((struct column){.type = TYPE_NS}, num(350000), &plain, "350us");
	expect_cell((struct column){.type = TYPE_ID}, num(1234567), &plain, "1234567");
	expect_cell((struct column){.type = TYPE_COUNT, .width = 5}, num(99999), &plain,
		"99999");
	expect_cell((struct column){.type = TYPE_COUNT, .width = 5}, num(100000),
		&plain, "100k");
	expect_cell((struct column){.type = TYPE_US}, absent(), &plain, "-");
	expect_cell(
		(struct column){.type = TYPE_LIST}, bytes("7\0x\0", 4), &plain, "7,x");
	expect_cell(
		(struct column){.type = TYPE_STR}, str("a\x1b[m"), &plain, "a\\x1b[m");
	expect_cell((struct column){.type = TYPE_STR}, str("a\\x1b"), &plain, "a\\x1b");
}

static void ports_have_names(void **state)
{
	static const char table_text[] = "https 443/tcp\ndomain 53/udp\n";
	struct services *s = services_new(table_text, sizeof(table_text) - 1);
	const struct view_style named = {.services = s};
	const struct view_style numeric = {.services = s, .numeric = true};
	const struct column port = {.type = TYPE_PORT};

	(void)state;
	expect_cell(port, num(443), &named, "https");
	expect_cell(port, num(53), &named, "domain");
	expect_cell(port, num(444), &named, "444");
	expect_cell(port, num(443), &numeric, "443");
	expect_cell(port, num(443), &(struct view_style){0}, "443");
	services_free(s);
}

static void times_are_local(void **state)
{
	const struct value at = num(1700000000123456789);

	(void)state;
	assert_int_equal(setenv("TZ", "TST-1", 1), 0);
	tzset();
	expect_cell((struct column){.type = TYPE_TIME, .width = 26}, at,
		&(struct view_style){.width = 80}, "2023-11-14 23:13:20.123456");
	expect_cell((struct column){.type = TYPE_TIME, .width = 8}, at,
		&(struct view_style){.width = 80}, "23:13:20");
	expect_cell((struct column){.type = TYPE_TIME, .width = 9}, at,
		&(struct view_style){.width = 80}, "23:13:20");
	expect_cell((struct column){.type = TYPE_TIME, .width = 12}, at,
		&(struct view_style){.width = 80}, "23:13:20.123");
	expect_cell((struct column){.type = TYPE_TIME, .width = 8}, at,
		&(struct view_style){0}, "2023-11-14 23:13:20.123456");
	expect_cell((struct column){.type = TYPE_TIME, .width = 26}, at,
		&(struct view_style){.epoch = true}, "1700000000123456");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_line_up),
		cmocka_unit_test(a_long_cell_pushes_until_there_is_room_again),
		cmocka_unit_test(narrow_takes_columns_by_priority),
		cmocka_unit_test(narrow_shortens_addresses_in_the_middle),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(titles_in_bold_with_color),
		cmocka_unit_test(cells_show_their_unit),
		cmocka_unit_test(ports_have_names),
		cmocka_unit_test(times_are_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
