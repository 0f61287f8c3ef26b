/* DNS messages byte by byte: names that never end, a table that is full, cut answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "talk_rig.h"

#define HEADER 12

static bool read_at(const void *bytes, size_t len, size_t at, struct dns_name *out)
{
	struct cur whole = cur_of(bytes, len), c = whole;

	cur_skip(&c, at);
	return dns_name_read(&c, &whole, out);
}

static void names(void **state)
{
	static const uint8_t message[] = "\3WWW\7example\0\2cd\xc0\4\xc0\x0d\xc0\x14";
	struct dns_name name;

	(void)state;
	assert_true(read_at(message, sizeof(message) - 1, 0, &name));
	assert_int_equal(name.len, 13);
	assert_memory_equal(name.bytes, "\3www\7example\0", 13);
	assert_true(read_at(message, sizeof(message) - 1, 13, &name));
	assert_memory_equal(name.bytes, "\2cd\7example\0", 12);
	assert_true(
		read_at(message, sizeof(message) - 1, 18, &name)); /* of a pointer */
	assert_memory_equal(name.bytes, "\2cd\7example\0", 12);
	/* one that leads to itself, and all that are cut */
	assert_false(read_at(message, sizeof(message) - 1, 20, &name));
	for (size_t len = 0; len < 13; len++)
		assert_false(read_at(message, len, 0, &name));
}

/* 255 bytes with the root are the longest name (RFC 1035 §2.3.4). */
static void longest_name(void **state)
{
	uint8_t bytes[300] = {0};
	struct dns_name name;

	(void)state;
	for (unsigned at = 0; at < 256; at += 64)
		bytes[at] = 63;
	bytes[192] = 61;
	bytes[192 + 62] = 0;
	assert_true(read_at(bytes, sizeof(bytes), 0, &name));
	assert_int_equal(name.len, 255);
	bytes[192] = 62;
	bytes[192 + 63] = 0;
	assert_false(read_at(bytes, sizeof(bytes), 0, &name));
}

static size_t question(uint8_t *out, uint16_t id, bool response)
{
	static const uint8_t rest[] = "\1a\7example\0\0\1\0\1";
	uint8_t head[HEADER] = {(uint8_t)(id >> 8), (uint8_t)id, response ? 0x81 : 1, 0,
		0, 1, 0, response ? 1 : 0};

	memcpy(out, head, HEADER);
	memcpy(out + HEADER, rest, sizeof(rest) - 1);
	return HEADER + sizeof(rest) - 1;
}

static size_t answer(uint8_t *out, uint16_t id, uint8_t host)
{
	const uint8_t record[] = {
		0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, host};
	size_t len = question(out, id, true);

	memcpy(out + len, record, sizeof(record));
	return len + sizeof(record);
}

static const struct string *name_of(struct talk_rig *r, uint8_t host)
{
	struct addr a = addr_v4((const uint8_t[]){192, 0, 2, host});

	return dns_names_find(&r->measure.dns.names, &a);
}

/* More queries wait than there is room for: the oldest are forgotten and counted. */
static void full_table(void **state)
{
	uint8_t bytes[64];
	struct talk_rig r;
	unsigned room;

	(void)state;
	talk_rig_init(&r, 1 << 20, TALK_DNS);
	room = r.measure.dns.queries.mask + 1;
	for (unsigned n = 0; n < 2 * room; n++)
		talk_rig_send(&r, n, 0, bytes, question(bytes, (uint16_t)n, false));
	assert_int_equal(r.measure.lost, room);
	for (unsigned n = 0; n < 2 * room; n++)
		talk_rig_send(
			&r, TALK_MS + n, 1, bytes, question(bytes, (uint16_t)n, true));
	assert_int_equal(r.samples, room);
	assert_int_equal(r.talk.answered, room);
	assert_int_equal(r.talk.asked, 2 * room);
	talk_rig_done(&r);
}

/* As many names as the table holds, then more: the newest stay, strings are given back.
 */
static void many_names(void **state)
{
	uint8_t bytes[64];
	struct talk_rig r;

	(void)state;
	talk_rig_init(&r, 1 << 16, TALK_DNS);
	for (unsigned n = 0; n < 256; n++) {
		talk_rig_send(&r, n, 0, bytes, question(bytes, (uint16_t)n, false));
		talk_rig_send(&r, n, 1, bytes, answer(bytes, (uint16_t)n, (uint8_t)n));
	}
	assert_non_null(name_of(&r, 255));
	assert_string_equal(name_of(&r, 255)->text, "a.example");
	assert_null(name_of(&r, 0));
	assert_int_equal(name_of(&r, 255)->users, r.measure.dns.names.book.mask + 1);
	talk_rig_done(&r);
}

/* Every way to be cut, and every byte changed: no name but the asked one. */
static void damaged_answers(void **state)
{
	uint8_t ask[64], tell[64];
	size_t asked = question(ask, 7, false), told = answer(tell, 7, 80);

	(void)state;
	for (size_t at = 0; at < told * 256; at++) {
		struct talk_rig r;
		uint8_t *copy;
		const struct string *name;
		size_t len = at < told ? at : told;

		talk_rig_init(&r, 1 << 14, TALK_DNS);
		copy = malloc(len + 1);
		assert_non_null(copy);
		memcpy(copy, tell, len);
		if (at >= told)
			copy[at / 256] = (uint8_t)at;
		talk_rig_send(&r, 0, 0, ask, asked);
		talk_rig_send(&r, 1, 1, copy, len);
		name = name_of(&r, 80);
		assert_true(!name || strcmp(name->text, "a.example") == 0);
		assert_true(r.samples <= 1);
		free(copy);
		talk_rig_done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(longest_name),
		cmocka_unit_test(full_table),
		cmocka_unit_test(many_names),
		cmocka_unit_test(damaged_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
