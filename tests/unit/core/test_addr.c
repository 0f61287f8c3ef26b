#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "core/addr.h"
#include "core/proto.h"

static struct addr parsed(const char *text, enum family want)
{
	enum family family = FAMILY_NONE;
	struct addr a = {0};

	assert_true(addr_parse(text, strlen(text), &a, &family));
	assert_int_equal(family, want);
	return a;
}

static void text_round_trip(void **state)
{
	static const struct {
		const char *in, *out; /* RFC 5952 §4 */
		enum family family;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", FAMILY_V4},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1", FAMILY_V6},
		{"::", "::", FAMILY_V6},
		{"1:0:0:2:0:0:0:3", "1:0:0:2::3", FAMILY_V6},
		{"::ffff:1.2.3.4", "::ffff:1.2.3.4", FAMILY_V6},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct addr a = parsed(cases[i].in, cases[i].family);
		struct buf b = {0};

		addr_format(&b, &a, cases[i].family);
		assert_string_equal(buf_cstr(&b), cases[i].out);
		buf_done(&b);
	}
}

/* Every pattern of zero and other groups, and of the two forms with a dotted end. */
static void agrees_with_libc(void **state)
{
	static const uint16_t others[] = {0x1, 0x12, 0x123, 0xffff};
	struct buf b = {0};

	(void)state;
	for (unsigned round = 0; round < 4 * 256; round++) {
		char text[INET6_ADDRSTRLEN];
		struct addr a = {0};

		for (unsigned i = 0; i < 8; i++) {
			unsigned group = round >> i & 1 ? others[round >> 8] : 0;

			a.b[2 * i] = (uint8_t)(group >> 8);
			a.b[2 * i + 1] = (uint8_t)group;
		}
		buf_reset(&b);
		addr_format(&b, &a, FAMILY_V6);
		assert_non_null(inet_ntop(AF_INET6, a.b, text, sizeof(text)));
		assert_string_equal(buf_cstr(&b), text);
		buf_reset(&b);
		addr_format(&b, &a, FAMILY_V4);
		assert_non_null(inet_ntop(AF_INET, a.b + 12, text, sizeof(text)));
		assert_string_equal(buf_cstr(&b), text);
	}
	buf_done(&b);
}

static void refuses_what_is_no_address(void **state)
{
	static const char *const bad[] = {"", "1.2.3", "1.2.3.256", "1.2.3.4 ",
		"::1%eth0", "1:2", "host", "1.2.3.4.5",
		":::", "0000:0000:0000:0000:0000:0000:255.255.255.2555555"};
	enum family family = FAMILY_NONE;
	struct addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(addr_parse(bad[i], strlen(bad[i]), &a, &family));
	assert_int_equal(family, FAMILY_NONE);
}

static bool in(const char *a, const char *net, enum family family, unsigned prefix)
{
	struct addr x = parsed(a, family), y = parsed(net, family);

	return addr_in(&x, &y, family, prefix);
}

static void networks(void **state)
{
	(void)state;
	assert_true(in("10.1.2.3", "10.0.0.0", FAMILY_V4, 8));
	assert_false(in("11.1.2.3", "10.0.0.0", FAMILY_V4, 8));
	assert_true(in("192.168.7.1", "192.168.4.0", FAMILY_V4, 22));
	assert_false(in("192.168.8.1", "192.168.4.0", FAMILY_V4, 22));
	assert_true(in("1.2.3.4", "200.0.0.0", FAMILY_V4, 0));
	assert_true(in("1.2.3.4", "1.2.3.4", FAMILY_V4, 32));
	assert_false(in("1.2.3.5", "1.2.3.4", FAMILY_V4, 32));
	assert_true(in("2001:db8::1", "2001:db8::", FAMILY_V6, 32));
	assert_false(in("2001:db9::1", "2001:db8::", FAMILY_V6, 32));
	assert_false(in("2001:db8::1", "2001:db8::", FAMILY_V6, 128));
	assert_true(in("fe80::1", "::", FAMILY_V6, 0));
}

static void kinds(void **state)
{
	struct addr a;

	(void)state;
	a = parsed("127.3.2.1", FAMILY_V4);
	assert_true(addr_is_loopback(&a, FAMILY_V4));
	a = parsed("::1", FAMILY_V6);
	assert_true(addr_is_loopback(&a, FAMILY_V6));
	a = parsed("::2", FAMILY_V6);
	assert_false(addr_is_loopback(&a, FAMILY_V6));
	a = parsed("169.254.9.9", FAMILY_V4);
	assert_true(addr_is_link_local(&a, FAMILY_V4));
	a = parsed("febf::1", FAMILY_V6);
	assert_true(addr_is_link_local(&a, FAMILY_V6));
	a = parsed("fec0::1", FAMILY_V6);
	assert_false(addr_is_link_local(&a, FAMILY_V6));
	a = parsed("224.0.0.251", FAMILY_V4);
	assert_true(addr_is_multicast(&a, FAMILY_V4));
	a = parsed("255.255.255.255", FAMILY_V4);
	assert_true(addr_is_multicast(&a, FAMILY_V4));
	a = parsed("240.0.0.1", FAMILY_V4);
	assert_false(addr_is_multicast(&a, FAMILY_V4));
	a = parsed("ff02::fb", FAMILY_V6);
	assert_true(addr_is_multicast(&a, FAMILY_V6));
}

static void order_is_canonical(void **state)
{
	struct addr low = parsed("10.0.0.1", FAMILY_V4);
	struct addr high = parsed("10.0.0.2", FAMILY_V4);
	struct tuple there = {.proto = PROTO_TCP, .family = FAMILY_V4}, back = there;
	const struct hash_key key = {1, 2};

	(void)state;
	assert_int_equal(tuple_order(&there, &low, 9, &high, 1), 0);
	assert_int_equal(tuple_order(&back, &high, 1, &low, 9), 1);
	assert_true(tuple_equal(&there, &back));
	assert_int_equal(tuple_hash(&key, &there), tuple_hash(&key, &back));
	assert_int_equal(there.port[0], 9);
	assert_true(addr_equal(&there.addr[0], &low));
	/* same address: the port decides; the same endpoint twice is direction 0 */
	assert_int_equal(tuple_order(&there, &low, 2, &low, 1), 1);
	assert_int_equal(tuple_order(&there, &low, 1, &low, 1), 0);
}

static void every_byte_of_the_key_counts(void **state)
{
	const struct hash_key key = {3, 4};

	(void)state;
	for (unsigned family = 4; family <= 6; family += 2) {
		struct tuple t = {.family = (uint8_t)family};
		uint64_t hash;

		t.addr[0] = addr_v4((const uint8_t[]){1, 2, 3, 4});
		t.addr[1] = addr_v4((const uint8_t[]){5, 6, 7, 8});
		hash = tuple_hash(&key, &t);
		for (unsigned i = 0; i < sizeof(t); i++) {
			/* the first 12 bytes of an IPv4 address are always the same */
			bool fixed = family == 4 && i < 32 && i % 16 < 12;
			struct tuple other = t;

			if (i == offsetof(struct tuple, family))
				continue;
			((uint8_t *)&other)[i] ^= 1;
			assert_false(tuple_equal(&t, &other));
			if (!fixed)
				assert_int_not_equal(tuple_hash(&key, &other), hash);
		}
	}
}

/* SipHash of the bytes that differ, in an order of its own. */
static void hash_is_that_of_the_bytes(void **state)
{
	const struct hash_key key = {5, 6};
	struct tuple t = {.port = {0x0102, 0x0304},
		.proto = PROTO_UDP,
		.family = FAMILY_V4,
		.scope = 0x0506};
	const uint8_t rest[7] = {6, 5, 2, 1, 4, 3, PROTO_UDP};
	uint8_t bytes[39];

	(void)state;
	t.addr[0] = addr_v4((const uint8_t[]){1, 2, 3, 4});
	t.addr[1] = addr_v4((const uint8_t[]){5, 6, 7, 8});
	memcpy(bytes, t.addr[0].b + 12, 4);
	memcpy(bytes + 4, t.addr[1].b + 12, 4);
	memcpy(bytes + 8, rest, 7);
	assert_int_equal(tuple_hash(&key, &t), hash_bytes(&key, bytes, 15));
	t.family = FAMILY_V6;
	memcpy(bytes, t.addr, 32);
	memcpy(bytes + 32, rest, 7);
	assert_int_equal(tuple_hash(&key, &t), hash_bytes(&key, bytes, 39));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_round_trip),
		cmocka_unit_test(agrees_with_libc),
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(networks),
		cmocka_unit_test(kinds),
		cmocka_unit_test(order_is_canonical),
		cmocka_unit_test(every_byte_of_the_key_counts),
		cmocka_unit_test(hash_is_that_of_the_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
