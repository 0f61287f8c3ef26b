#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "fake_snapshot.h"
#include "view/view.h"

static const struct column all[] = {
	{"ts", "START", TYPE_TIME, 26},
	{"orig_h", "CLIENT", TYPE_ADDR, 15},
	{"orig_p", "CPORT", TYPE_PORT, 5},
	{"process", "PROCESS", TYPE_STR, 8},
	{"vlan", "VLAN", TYPE_LIST, 5},
	{"pkts", "PKTS", TYPE_COUNT, 5},
	{"pid", "PID", TYPE_ID, 5},
	{"bytes", "BYTES", TYPE_BYTES, 5},
	{"bps", "RATE", TYPE_BPS, 5},
	{"rtt_us", "RTT", TYPE_US, 5},
	{"idle_ms", "IDLE", TYPE_MS, 5},
	{"duration", "LASTED", TYPE_NS, 6},
};
#define ALL (sizeof(all) / sizeof(*all))

static struct fake fake_of(const struct column *columns, unsigned n_columns,
	const struct value *cells, unsigned rows)
{
	struct fake f = {.columns = columns, .cells = cells};

	f.s.columns = n_columns;
	f.s.rows = rows;
	return f;
}

static void expect_rows(const char *view, const struct fake *f,
	const struct view_style *v, const char *text)
{
	struct buf b = {0};

	fake_write(&b, view, f, v, false);
	assert_string_equal(buf_cstr(&b), text);
	buf_done(&b);
}

static void registry(void **state)
{
	(void)state;
	assert_string_equal(view_find("text")->name, "text");
	assert_string_equal(view_find("json")->name, "json");
	assert_string_equal(view_find("csv")->name, "csv");
	assert_true(view_find("json")->summary_inline);
	assert_false(view_find("csv")->summary_inline);
	assert_null(view_find("jso"));
	assert_null(view_find(""));
}

static void json_of_every_type(void **state)
{
	const struct value cells[2 * ALL] = {num(1700000000000000042), ip("10.0.0.1"),
		num(51514), str("nginx"),
		bytes("7\0"
		      "42\0",
			5),
		num(0), num(811), num(18446744073709551615u), num(8), num(23000),
		num(12), num(250000000)};
	const struct fake f = fake_of(all, ALL, cells, 2);

	(void)state;
	expect_rows("json", &f, &(struct view_style){0},
		"{\"kind\":\"conn\",\"ts\":\"2023-11-14T22:13:20.000000042Z\","
		"\"orig_h\":\"10.0.0.1\",\"orig_p\":51514,\"process\":\"nginx\","
		"\"vlan\":[\"7\",\"42\"],\"pkts\":0,\"pid\":811,"
		"\"bytes\":18446744073709551615,\"bps\":8,\"rtt_us\":23000,"
		"\"idle_ms\":12,\"duration\":0.25}\n"
		"{\"kind\":\"conn\"}\n");
}

static void json_epoch_is_an_integer(void **state)
{
	const struct value cells[] = {num(1700000000123456789)};
	const struct fake f = fake_of(all, 1, cells, 1);

	(void)state;
	expect_rows("json", &f, &(struct view_style){.epoch = true},
		"{\"kind\":\"conn\",\"ts\":1700000000123456}\n");
}

/* Cleaned text has \x5c for a backslash; anything else is caught here again. */
static void json_escapes(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"", "\"\""},
		{"a\"b", "\"a\\\"b\""},
		{"C:\\x5cdir", "\"C:\\\\x5cdir\""},
		{"caf\xc3\xa9", "\"caf\xc3\xa9\""},
		{"\x1b[31m", "\"\\\\x1b[31m\""},
		{"x\xff\n", "\"x\\\\xff\\\\x0a\""},
		{"\xe2\x80\xae", "\"\\\\xe2\\\\x80\\\\xae\""},
		{"a,b;c", "\"a,b;c\""},
	};
	static const struct column name = {"n", "N", TYPE_STR, 5};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct value cell = str(cases[i].in);
		const struct fake f = fake_of(&name, 1, &cell, 1);
		char want[80];

		assert_true(
			snprintf(want, sizeof(want), "{\"kind\":\"conn\",\"n\":%s}\n",
				cases[i].out) > 0);
		expect_rows("json", &f, &(struct view_style){0}, want);
	}
}

/* Plain text is taken by words: a rare byte is seen wherever it is in one. */
static void rare_bytes_are_seen_anywhere(void **state)
{
	static const struct column name = {"n", "N", TYPE_STR, 5};
	static const char rare[] = {'\0', '\x1f', '\x7f', '\x80', '\xff'};

	(void)state;
	for (size_t at = 0; at < 20 * sizeof(rare); at++) {
		unsigned char byte = (unsigned char)rare[at % sizeof(rare)];
		unsigned before = (unsigned)(at / sizeof(rare));
		char text[21], want[80];
		const struct value cell = bytes(text, 20);
		const struct fake f = fake_of(&name, 1, &cell, 1);

		memset(text, 'a', sizeof(text));
		text[before] = (char)byte;
		text[20] = '\0';
		assert_true(snprintf(want, sizeof(want),
				    "{\"kind\":\"conn\",\"n\":\"%.*s\\\\x%02x%s\"}\n",
				    (int)before, text, byte, text + before + 1) > 0);
		expect_rows("json", &f, &(struct view_style){0}, want);
	}
}

static void csv_quotes_and_joins(void **state)
{
	static const struct column two[] = {{"n", "N", TYPE_STR, 5},
		{"l", "L", TYPE_LIST, 5}, {"c", "C", TYPE_COUNT, 5}};
	const struct value cells[] = {
		str("plain"),
		bytes("a\0b\0", 4),
		num(1),
		str("a,b"),
		bytes("x,y\0z\0", 6),
		absent(),
		str("say \"hi\""),
		absent(),
		num(0),
		str("line\nend"),
		bytes("one\0", 4),
		num(3),
	};
	const struct fake f = fake_of(two, 3, cells, 4);
	struct buf b = {0};

	(void)state;
	fake_write(&b, "csv", &f, &(struct view_style){0}, true);
	assert_string_equal(buf_cstr(&b), "n,l,c\n"
					  "plain,a;b,1\n"
					  "\"a,b\",\"x,y;z\",\n"
					  "\"say \"\"hi\"\"\",,0\n"
					  "line\\x0aend,one,3\n");
	buf_done(&b);
}

static const struct record_count counts[] = {{"ip_length", 3}, {"tcp_offset", 1}};

static const struct record_field *summary_fields(void)
{
	static const struct record_field fields[] = {
		{.key = "v", .type = TYPE_COUNT, .value = {.present = true, .num = 1}},
		{.key = "malformed", .map = counts, .map_size = 2},
		{.key = "evicted", .map = counts, .map_size = 0},
		{.key = "first_ts", .type = TYPE_TIME},
	};

	return fields;
}

static void records(void **state)
{
	const struct record r = {"summary", summary_fields(), 4, NULL};
	const struct record said = {"summary", summary_fields(), 4, "4 packets"};
	const struct view_style v = {0};
	struct buf b = {0};

	(void)state;
	view_find("json")->record(&b, &r, &v, true);
	assert_string_equal(buf_cstr(&b),
		"{\"kind\":\"summary\",\"v\":1,\"malformed\":{\"ip_length\":3,"
		"\"tcp_offset\":1},\"evicted\":{}}\n");
	buf_reset(&b);
	view_find("csv")->record(&b, &r, &v, true);
	view_find("csv")->record(&b, &r, &v, false);
	assert_string_equal(buf_cstr(&b), "kind,v,malformed,evicted,first_ts\n"
					  "summary,1,ip_length=3;tcp_offset=1,,\n"
					  "summary,1,ip_length=3;tcp_offset=1,,\n");
	buf_reset(&b);
	view_find("text")->record(&b, &r, &v, true);
	view_find("text")->record(&b, &said, &v, false);
	assert_string_equal(buf_cstr(&b),
		"summary v=1 malformed=ip_length:3,tcp_offset:1\n4 packets\n");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registry),
		cmocka_unit_test(json_of_every_type),
		cmocka_unit_test(json_epoch_is_an_integer),
		cmocka_unit_test(json_escapes),
		cmocka_unit_test(rare_bytes_are_seen_anywhere),
		cmocka_unit_test(csv_quotes_and_joins),
		cmocka_unit_test(records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
