/* The lines of connmon and pping: each field by hand. */
#include "app/rtt_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/proto.h"

#define MS        1000000ull
#define START_NS  (1700000000ull * 1000 * MS)
#define LINK      14u
#define HEADERS   52u /* IPv4, TCP with timestamps */
#define MUCH      ((uint64_t)1 << 20)
#define SAMPLE_NO SAMPLE_COUNT

struct scene { /* one connection: 10.0.0.1:1000 (0) to 10.0.0.2:80 (1) */
	struct rtt_format *format;
	struct flow flow;
	struct buf line;
	uint64_t now_ns;
};

struct step {
	unsigned dir, flags, payload, tsval, tsecr;
	int jump;              /* from the sequence number that is due */
	enum sample_kind kind; /* SAMPLE_NO: this segment ends no sample */
	uint64_t rtt_us;
	bool dup;
	const char *line; /* NULL: none */
};

static struct scene scene_of(enum rtt_format_kind kind, uint64_t memory_bytes)
{
	struct scene s = {.now_ns = START_NS};
	static const uint8_t a[4] = {10, 0, 0, 1}, b[4] = {10, 0, 0, 2};

	s.format = rtt_format_new(kind, memory_bytes);
	assert_non_null(s.format);
	s.flow.key = (struct tuple){.proto = PROTO_TCP,
		.family = FAMILY_V4,
		.addr = {addr_v4(a), addr_v4(b)},
		.port = {1000, 80}};
	return s;
}

static void scene_done(struct scene *s)
{
	rtt_format_free(s->format);
	buf_done(&s->line);
}

static struct packet packet_of(const struct scene *s, const struct step *step)
{
	struct packet p = {.key = s->flow.key,
		.ts_ns = s->now_ns,
		.kind = PACKET_TCP,
		.linktype = 1,
		.dir = (uint8_t)step->dir,
		.segments = 1,
		.tcp_flags = (uint16_t)step->flags,
		.payload_len = step->payload,
		.ip_bytes = HEADERS + step->payload,
		.wire_bytes = LINK + HEADERS + step->payload,
		.seq = s->flow.side[step->dir].seq_next + (uint32_t)step->jump,
		.has_timestamps = step->tsval != 0,
		.tsval = step->tsval,
		.tsecr = step->tsecr};

	return p;
}

/* As the table does: counters first, the sequence numbers afterwards. */
static void play(struct scene *s, const struct step *step)
{
	struct flow_side *side = &s->flow.side[step->dir];
	struct packet p = packet_of(s, step);
	struct segment segment = {.p = &p, .dir = p.dir, .dup_ack = step->dup};
	struct sample sample = {.ts_ns = p.ts_ns,
		.rtt_ns = step->rtt_us * 1000,
		.kind = (uint8_t)step->kind};
	bool told;

	segment.span = step->payload + !!(step->flags & TCP_SYN);
	segment.end = p.seq + segment.span;
	side->packets++;
	side->ip_bytes += p.ip_bytes;
	if (step->kind != SAMPLE_NO)
		rtt_format_sample(s->format, &sample);
	told = rtt_format_segment(s->format, &s->flow, 7, &segment, &s->line);
	assert_int_equal(told, step->line != NULL);
	if (told)
		assert_string_equal(buf_cstr(&s->line), step->line);
	if (!side->has_seq || segment_after(segment.end, side->seq_next))
		side->seq_next = segment.end;
	side->has_seq = true;
	s->now_ns += 10 * MS;
}

static void play_all(struct scene *s, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		play(s, &steps[i]);
}

#define PLAY(scene_, steps_) \
	play_all(scene_, steps_, sizeof(steps_) / sizeof(*(steps_)))
#define SYN TCP_SYN
#define ACK TCP_ACK

/*
 * Frames are 66 bytes and their payload. pping counts from the moment that both ways
 * were seen: not the SYN, but the SYN-ACK.
 */
static void pping_counts_what_departed_and_came(void **state)
{
	static const struct step steps[] = {
		{0, SYN, 0, 100, 0, 0, SAMPLE_NO, 0, false, NULL},
		{1, SYN | ACK, 0, 900, 100, 0, SAMPLE_handshake, 10000, false,
			"1700000000.010000 0.010000 0.010000 0 0 66 "
			"10.0.0.2:80+10.0.0.1:1000"},
		{0, ACK, 0, 101, 900, 0, SAMPLE_handshake, 10000, false,
			"1700000000.020000 0.010000 0.010000 66 0 66 "
			"10.0.0.1:1000+10.0.0.2:80"},
		{0, ACK, 34, 102, 900, 0, SAMPLE_NO, 0, false, NULL},
		{0, ACK, 34, 103, 900, 0, SAMPLE_NO, 0, false, NULL},
		/* the first of two segments is echoed, 20 ms later; 2 * 66 + 34 */
		{1, ACK, 0, 901, 102, 0, SAMPLE_timestamp, 20000, false,
			"1700000000.050000 0.020000 0.010000 166 0 66 "
			"10.0.0.2:80+10.0.0.1:1000"},
		/* the second: 100 bytes more, and 166 had departed the last time */
		{1, ACK, 0, 902, 103, 0, SAMPLE_timestamp, 20000, false,
			"1700000000.060000 0.020000 0.010000 266 0 66 "
			"10.0.0.2:80+10.0.0.1:1000"},
		{0, ACK, 34, 108, 902, 0, SAMPLE_NO, 0, false, NULL},
		{1, ACK, 0, 903, 108, 0, SAMPLE_timestamp, 5000, false,
			"1700000000.080000 0.005000 0.005000 366 266 66 "
			"10.0.0.2:80+10.0.0.1:1000"},
	};
	struct scene s = scene_of(RTT_FORMAT_PPING, MUCH);

	(void)state;
	PLAY(&s, steps);
	scene_done(&s);
}

static void pping_needs_timestamps(void **state)
{
	static const struct step steps[] = {
		{0, SYN, 0, 0, 0, 0, SAMPLE_NO, 0, false, NULL},
		{1, SYN | ACK, 0, 0, 0, 0, SAMPLE_handshake, 10000, false, NULL},
		{0, ACK, 10, 0, 0, 0, SAMPLE_handshake, 10000, false, NULL},
		{1, ACK, 0, 0, 0, 0, SAMPLE_seq, 10000, false, NULL},
	};
	struct scene s = scene_of(RTT_FORMAT_PPING, MUCH);

	(void)state;
	PLAY(&s, steps);
	scene_done(&s);
}

/* A handshake whose ACK echoes something else: its time is no timestamp's. */
static void pping_wants_an_echo(void **state)
{
	static const struct step steps[] = {
		{0, SYN, 0, 100, 0, 0, SAMPLE_NO, 0, false, NULL},
		{1, SYN | ACK, 0, 900, 100, 0, SAMPLE_NO, 0, false, NULL},
		{0, ACK, 0, 101, 899, 0, SAMPLE_handshake, 10000, false, NULL},
	};
	struct scene s = scene_of(RTT_FORMAT_PPING, MUCH);

	(void)state;
	PLAY(&s, steps);
	scene_done(&s);
}

/* More TSvals on their way than are remembered: the oldest are unknown, not wrong. */
static void pping_forgets_the_oldest(void **state)
{
	struct scene s = scene_of(RTT_FORMAT_PPING, MUCH);
	struct step data = {0, ACK, 34, 0, 900, 0, SAMPLE_NO, 0, false, NULL};
	struct step oldest = {1, ACK, 0, 901, 1, 0, SAMPLE_timestamp, 50, false,
		"1700000020.010000 0.000050 0.000050 * * 132 "
		"10.0.0.2:80+10.0.0.1:1000"};
	struct step newest = {1, ACK, 0, 902, 2000, 0, SAMPLE_timestamp, 50, false,
		"1700000020.020000 0.000050 0.000050 200000 0 66 "
		"10.0.0.2:80+10.0.0.1:1000"};

	(void)state;
	play(&s, &(struct step){1, ACK, 0, 899, 0, 0, SAMPLE_NO, 0, false, NULL});
	s.flow.side[1].packets = 1;
	for (unsigned i = 1; i <= 2000; i++) {
		data.tsval = i;
		play(&s, &data);
	}
	oldest.line = "1700000020.010000 0.000050 0.000050 * * 66 "
		      "10.0.0.2:80+10.0.0.1:1000";
	play(&s, &oldest);
	play(&s, &newest);
	scene_done(&s);
}

/* Without room for its state a line has stars where something is not known. */
static void no_memory_is_said(void **state)
{
	static const struct step pping[] = {
		{0, ACK, 34, 102, 900, 0, SAMPLE_NO, 0, false, NULL},
		{1, ACK, 0, 901, 102, 0, SAMPLE_timestamp, 20000, false,
			"1700000000.010000 0.020000 0.020000 * * * "
			"10.0.0.2:80+10.0.0.1:1000"},
	};
	static const struct step connmon[] = {
		{0, ACK, 34, 102, 900, 0, SAMPLE_NO, 0, false, NULL},
		{1, ACK, 0, 901, 102, 0, SAMPLE_seq, 20000, false,
			"1700000000.010000    *     0.020000    0    -        0      "
			"66 "
			"10.0.0.2:80+10.0.0.1:1000"},
	};
	struct scene s = scene_of(RTT_FORMAT_PPING, 0);

	(void)state;
	PLAY(&s, pping);
	scene_done(&s);
	s = scene_of(RTT_FORMAT_CONNMON, 0);
	PLAY(&s, connmon);
	scene_done(&s);
}

static void connmon_tells_holes_and_duplicates(void **state)
{
	static const struct step steps[] = {
		{0, SYN, 0, 100, 0, 0, SAMPLE_NO, 0, false, NULL},
		{1, SYN | ACK, 0, 900, 100, 0, SAMPLE_handshake, 10000, false,
			"1700000000.010000 0.010000    *        0    -        0      "
			"66 "
			"10.0.0.2:80+10.0.0.1:1000"},
		{0, ACK, 1000, 101, 900, 0, SAMPLE_NO, 0, false, NULL},
		{1, ACK, 0, 901, 101, 0, SAMPLE_seq, 1234, false,
			"1700000000.030000    *     0.001234    0    -        0     "
			"132 "
			"10.0.0.2:80+10.0.0.1:1000"},
		/* 1000 bytes are missing */
		{0, ACK, 1000, 102, 901, 1000, SAMPLE_NO, 0, false,
			"1700000000.040000    *        *     1000    -     1000    "
			"2198 "
			"10.0.0.1:1000+10.0.0.2:80"},
		{1, ACK, 0, 902, 101, 0, SAMPLE_NO, 0, true,
			"1700000000.050000    *        *        0 0.020000    0     "
			"198 "
			"10.0.0.2:80+10.0.0.1:1000"},
		/* they come, and what follows them is no new hole */
		{0, ACK, 1000, 103, 901, -2000, SAMPLE_NO, 0, false, NULL},
		{0, ACK, 1000, 103, 901, 0, SAMPLE_NO, 0, false, NULL},
	};
	struct scene s = scene_of(RTT_FORMAT_CONNMON, MUCH);

	(void)state;
	PLAY(&s, steps);
	scene_done(&s);
}

static void connmon_leaves_padding_out(void **state)
{
	struct scene s = scene_of(RTT_FORMAT_CONNMON, MUCH);
	struct packet p = {.key = s.flow.key,
		.ts_ns = START_NS,
		.linktype = 1,
		.wire_bytes = 60,
		.ip_bytes = 40,
		.segments = 1,
		.tcp_flags = ACK};
	struct segment segment = {.p = &p};
	struct sample sample = {.rtt_ns = 1499, .kind = SAMPLE_seq};

	(void)state;
	s.flow.side[0] = (struct flow_side){.packets = 3, .ip_bytes = 120};
	rtt_format_sample(s.format, &sample);
	assert_true(rtt_format_segment(s.format, &s.flow, 7, &segment, &s.line));
	assert_string_equal(buf_cstr(&s.line),
		"1700000000.000000    *     0.000001    0    -        0     162 "
		"10.0.0.1:1000+10.0.0.2:80");
	scene_done(&s);
}

/* What ended takes no memory any more, and its name begins anew. */
static void ended_ones_are_forgotten(void **state)
{
	struct scene s = scene_of(RTT_FORMAT_PPING, MUCH);
	struct step step = {1, ACK, 0, 900, 0, 0, SAMPLE_NO, 0, false, NULL};
	struct packet p = packet_of(&s, &step);
	struct segment segment = {.p = &p, .dir = 1};

	(void)state;
	s.flow.side[0].packets = 1;
	for (uint64_t uid = 0; uid < 100000; uid++) {
		struct sample sample = {.rtt_ns = MS, .kind = SAMPLE_timestamp};

		rtt_format_sample(s.format, &sample);
		assert_true(
			rtt_format_segment(s.format, &s.flow, uid, &segment, &s.line));
		assert_non_null(strstr(buf_cstr(&s.line), " * * 66 "));
		rtt_format_ended(s.format, uid);
		rtt_format_ended(s.format, uid);
	}
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pping_counts_what_departed_and_came),
		cmocka_unit_test(pping_needs_timestamps),
		cmocka_unit_test(pping_wants_an_echo),
		cmocka_unit_test(pping_forgets_the_oldest),
		cmocka_unit_test(no_memory_is_said),
		cmocka_unit_test(connmon_tells_holes_and_duplicates),
		cmocka_unit_test(connmon_leaves_padding_out),
		cmocka_unit_test(ended_ones_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
