/* QUIC headers byte by byte, and clocks that run back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "talk_rig.h"

static const uint8_t client_initial[] = "\xc0\0\0\0\1\4abcd\2xy.....";
static const uint8_t server_initial[] = "\xc0\0\0\0\1\2xy\3srv.....";
static const uint8_t client_handshake[] = "\xe0\0\0\0\1\3srv\2xy.....";

#define SEND(r_, at_, dir_, bytes_) \
	talk_rig_send((r_), (at_)*TALK_MS, (dir_), (bytes_), sizeof(bytes_) - 1)

static void handshake(struct talk_rig *r)
{
	SEND(r, 100, 0, client_initial);
	SEND(r, 130, 1, server_initial);
	SEND(r, 150, 0, client_handshake);
}

static void short_header(struct talk_rig *r, uint64_t at_ms, unsigned dir, bool spin)
{
	uint8_t bytes[8] = {spin ? 0x60 : 0x40};

	talk_rig_send(r, at_ms * TALK_MS, dir, bytes, sizeof(bytes));
}

static void halves(void **state)
{
	struct talk_rig r;

	(void)state;
	talk_rig_init(&r, 1 << 20, TALK_QUIC);
	handshake(&r);
	assert_int_equal(r.samples, 2);
	assert_int_equal(r.talk.handshake_us[1], 30000);
	assert_int_equal(r.talk.handshake_us[0], 20000);
	assert_int_equal(r.sample[0].half, 1);
	assert_int_equal(r.sample[1].half, 0);
	handshake(&r); /* it is over: nothing more is taken from long headers */
	assert_int_equal(r.samples, 2);
	talk_rig_done(&r);
}

static void clock_back(void **state)
{
	struct talk_rig r;

	(void)state;
	talk_rig_init(&r, 1 << 20, TALK_QUIC);
	SEND(&r, 100, 0, client_initial);
	SEND(&r, 90, 1, server_initial);
	SEND(&r, 80, 0, client_handshake);
	assert_int_equal(r.samples, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(r.sample[i].reason, REASON_clock);
		assert_int_equal(r.sample[i].rtt_ns, 0);
		assert_false(r.talk.has_handshake[i]);
	}
	talk_rig_done(&r);
}

/* A header that is cut, or changed in any byte, is read within its bounds. */
static void damaged(void **state)
{
	(void)state;
	for (size_t at = 0; at < (sizeof(server_initial) - 1) * 256; at++) {
		size_t len = sizeof(server_initial) - 1;
		struct talk_rig r;
		uint8_t *copy;

		len = at < len ? at : len;
		copy = malloc(len + 1);
		assert_non_null(copy);
		memcpy(copy, server_initial, len);
		if (at >= sizeof(server_initial) - 1)
			copy[at / 256] = (uint8_t)at;
		talk_rig_init(&r, 1 << 12, TALK_QUIC);
		SEND(&r, 100, 0, client_initial);
		talk_rig_send(&r, 130 * TALK_MS, 1, copy, len);
		SEND(&r, 150, 0, client_handshake);
		assert_true(r.samples <= 2);
		free(copy);
		talk_rig_done(&r);
	}
}

/* Both sides send each 5 ms; the path takes 50 ms: client 20, server 30 from here. */
static void spin_for(struct talk_rig *r, uint64_t from_ms, uint64_t lasts_ms)
{
	for (uint64_t at = 0; at < lasts_ms; at += 5) {
		/* the server's wave passes 30 ms behind the client's */
		short_header(r, from_ms + at, 0, at / 50 & 1);
		if (at >= 30)
			short_header(r, from_ms + at, 1, (at - 30) / 50 & 1);
	}
}

static unsigned valid(const struct talk_rig *r, unsigned from)
{
	unsigned count = 0;

	for (unsigned i = from; i < r->samples && i < TALK_SAMPLES; i++) {
		if (r->sample[i].reason)
			continue;
		assert_int_equal(r->sample[i].kind, SAMPLE_spin);
		assert_int_equal(r->sample[i].half, SAMPLE_WHOLE);
		assert_int_equal(r->sample[i].rtt_ns, 50 * TALK_MS);
		count++;
	}
	return count;
}

static void spin(void **state)
{
	struct talk_rig r;

	(void)state;
	talk_rig_init(&r, 1 << 20, TALK_QUIC);
	handshake(&r);
	spin_for(&r, 160, 1000);
	assert_int_equal(r.talk.spin, TALK_SPIN_ON);
	assert_true(r.talk.whole);
	assert_true(valid(&r, 2) > 20);
	assert_int_equal(r.talk.rtt[0].spread.least, 50000);
	talk_rig_done(&r);
}

/* A silence of a second is no round trip, and the bit is still believed behind it. */
static void silence(void **state)
{
	struct talk_rig r;
	unsigned before;

	(void)state;
	talk_rig_init(&r, 1 << 20, TALK_QUIC);
	handshake(&r);
	spin_for(&r, 160, 1000);
	before = r.samples;
	spin_for(&r, 2160, 1000);
	assert_true(r.samples > before);
	assert_int_equal(r.talk.spin, TALK_SPIN_ON);
	assert_true(valid(&r, 2) > 30);
	assert_true(r.talk.rtt[0].spread.most == 50000);
	talk_rig_done(&r);
}

static void spin_clock_back(void **state)
{
	struct talk_rig r;

	(void)state;
	talk_rig_init(&r, 1 << 20, TALK_QUIC);
	handshake(&r);
	spin_for(&r, 5160, 1000);
	spin_for(&r, 160, 1000);
	assert_true(valid(&r, 2) > 30);
	assert_true(r.talk.rtt[0].spread.most == 50000);
	talk_rig_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(halves),
		cmocka_unit_test(clock_back),
		cmocka_unit_test(damaged),
		cmocka_unit_test(spin),
		cmocka_unit_test(silence),
		cmocka_unit_test(spin_clock_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
