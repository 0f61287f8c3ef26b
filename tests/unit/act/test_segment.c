/* The bytes of one segment each; tshark reads random ones in tests/e2e. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "act/segment.h"
#include "core/packet.h"

/* Checksums by scapy 2.5 (IP/TCP of these fields). */
static void v4(void **state)
{
	static const uint8_t expected[] = {0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0x26,
		0xc3, 10, 1, 0, 2, 10, 2, 0, 9, 0xc0, 0x01, 0, 80, 0x89, 0xab, 0xcd,
		0xef, 0, 0, 0, 0, 0x50, 0x04, 0x12, 0x35, 0x71, 0xb1, 0, 0};
	struct segment_make make = {.src = addr_v4((const uint8_t[4]){10, 1, 0, 2}),
		.dst = addr_v4((const uint8_t[4]){10, 2, 0, 9}),
		.src_port = 0xc001,
		.dst_port = 80,
		.family = FAMILY_V4,
		.flags = TCP_RST,
		.window = 0x1235,
		.seq = 0x89abcdef};
	uint8_t out[SEGMENT_BYTES];

	(void)state;
	assert_int_equal(segment_write(&make, out), sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
}

static void v6(void **state)
{
	static const uint8_t expected[] = {0x60, 0, 0, 0, 0, 20, 6, 64, 0xfd, 1, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0xfd, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 9, 0xc0, 0x01, 0, 80, 0, 0, 0, 0, 0x76, 0x54, 0x32, 0x10,
		0x50, 0x14, 0xff, 0xff, 0x4d, 0x0b, 0, 0};
	struct segment_make make = {
		.src = {{0xfd, 1, [15] = 2}},
		.dst = {{0xfd, 2, [15] = 9}},
		.src_port = 0xc001,
		.dst_port = 80,
		.family = FAMILY_V6,
		.flags = TCP_RST | TCP_ACK,
		.window = 0xffff,
		.ack = 0x76543210,
	};
	uint8_t out[SEGMENT_BYTES];

	(void)state;
	assert_int_equal(segment_write(&make, out), sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v4),
		cmocka_unit_test(v6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
