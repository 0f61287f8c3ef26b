/* Which segments make a turn, and which make none, whatever their numbers are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "measure/tcp_measure.h"

#define MS 1000000ull

static const struct hash_key key = {3, 5};

struct world {
	struct measure g;
	struct tcp_measure m;
	uint64_t now_ns;
	uint32_t next[2];
	struct segment s; /* what is not zero here is so in the next segment */
	const char *text; /* its payload; NULL: not captured */
};

static struct world *world_new(uint32_t isn, bool opened)
{
	struct world *w = calloc(1, sizeof(*w));
	struct packet syn = {.tcp_flags = TCP_SYN, .seq = isn - 1};
	struct segment s = {.p = &syn, .span = 1, .end = isn};

	assert_non_null(w);
	assert_int_equal(measure_init(&w->g, 1u << 20, &key), 0);
	w->now_ns = 1000 * MS;
	w->next[0] = w->next[1] = isn;
	w->s.class = SEGMENT_NEW;
	if (opened)
		turns_segment(&w->g, &w->m, &s, 0);
	return w;
}

static void world_free(struct world *w)
{
	turns_done(&w->g, &w->m);
	for (unsigned k = 0; k < POOL_COUNT; k++)
		assert_int_equal(w->g.pools.slab[k].used, 0);
	measure_done(&w->g);
	free(w);
}

/* 100 bytes of that side, which has the other's data but for the last `missing` bytes.
 */
static void sent(struct world *w, unsigned dir, uint32_t missing)
{
	struct packet p = {.ts_ns = w->now_ns,
		.dir = (uint8_t)dir,
		.tcp_flags = TCP_ACK,
		.seq = w->next[dir],
		.ack = w->next[!dir] - missing,
		.payload_len = 100};

	if (w->text) {
		p.payload = (const uint8_t *)w->text;
		p.payload_captured = (uint32_t)strlen(w->text);
	}
	if (w->s.class >= SEGMENT_AGAIN)
		p.seq -= 100;
	w->s.p = &p;
	w->s.dir = (uint8_t)dir;
	w->s.span = 100;
	w->s.end = p.seq + 100;
	if (w->s.class < SEGMENT_AGAIN)
		w->next[dir] += 100;
	w->m.side[dir].loss.next = w->next[dir];
	w->m.side[dir].loss.has_next = true;
	turns_segment(&w->g, &w->m, &w->s, 0);
	w->s = (struct segment){.class = SEGMENT_NEW};
	w->text = NULL;
}

static void turn(struct world *w, unsigned ms)
{
	sent(w, 0, 0);
	w->now_ns += ms * MS;
	sent(w, 1, 0);
	w->now_ns += 10 * MS;
}

static void assert_turns(const struct world *w, unsigned count, unsigned least_ms)
{
	assert_int_equal(w->m.turns.app.count, count);
	if (count)
		assert_int_equal(w->m.turns.app.least, least_ms * 1000);
}

static void numbers_wrap(void **state)
{
	(void)state;
	for (uint32_t isn = (uint32_t)-1000; isn != 1000; isn += 50) {
		struct world *w = world_new(isn, true);

		turn(w, 30);
		for (unsigned i = 0; i < 9; i++)
			turn(w, 20 + i);
		assert_turns(w, 10, 20);
		assert_true(w->m.turns.has_first_byte);
		assert_int_equal(w->m.turns.first_byte_us, 30000);
		assert_false(w->m.turns.has_tls);
		world_free(w);
	}
}

struct answer {
	struct segment s;
	unsigned turns, first_byte; /* expected */
};

/* How the answer's segment was classified. */
static void answers(void **state)
{
	static const struct answer table[] = {
		{{.class = SEGMENT_NEW}, 1, 1},
		{{.class = SEGMENT_AHEAD}, 0, 0},
		{{.class = SEGMENT_REORDERED}, 0, 0},
		{{.class = SEGMENT_REPAIR}, 0, 0},
		{{.class = SEGMENT_AGAIN}, 0, 0},
		{{.class = SEGMENT_PROBE}, 0, 0},
		{{.class = SEGMENT_NEW, .untimed = true}, 0, 0},
		{{.class = SEGMENT_NEW, .back = true}, 0, 0},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct world *w = world_new(5000, true);

		sent(w, 0, 0);
		w->now_ns += 40 * MS;
		w->s = table[i].s;
		sent(w, 1, 0);
		assert_turns(w, table[i].turns, 40);
		assert_int_equal(w->m.turns.has_first_byte, table[i].first_byte);
		world_free(w);
	}
}

/* What became of the request while it waited. */
static void requests(void **state)
{
	static const struct answer table[] = {
		{{.class = SEGMENT_AGAIN}, 0, 1},
		{{.class = SEGMENT_AGAIN, .acked_before = true}, 1, 1},
		{{.class = SEGMENT_PROBE}, 1, 1},
		{{.class = SEGMENT_NEW, .untimed = true}, 0, 0},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct world *w = world_new(5000, true);

		sent(w, 0, 0);
		w->now_ns += 5 * MS;
		w->s = table[i].s;
		sent(w, 0, 0);
		w->now_ns += 40 * MS;
		sent(w, 1, 0);
		assert_turns(w, table[i].turns, 45);
		assert_int_equal(w->m.turns.has_first_byte, table[i].first_byte);
		world_free(w);
	}
}

static void crossing(void **state)
{
	struct world *w = world_new(5000, true);

	(void)state;
	sent(w, 1, 0);   /* speaks first: no turn */
	sent(w, 0, 100); /* and has not been heard */
	w->now_ns += 20 * MS;
	sent(w, 1, 0);
	sent(w, 0, 0);
	w->now_ns += 20 * MS;
	sent(w, 1, 100); /* sent before the request came */
	w->now_ns += 20 * MS;
	sent(w, 1, 0);
	assert_turns(w, 0, 0);
	assert_false(w->m.turns.has_first_byte);
	turn(w, 25); /* whoever takes turns again is measured again */
	assert_turns(w, 1, 25);
	assert_false(w->m.turns.has_first_byte);
	world_free(w);
}

static void pipelined(void **state)
{
	struct world *w = world_new(5000, true);

	(void)state;
	w->text = "GET /a HTTP/1.1\r\n";
	sent(w, 0, 0);
	w->now_ns += 7 * MS;
	w->text = "GET /b HTTP/1.1\r\n";
	sent(w, 0, 0);
	w->now_ns += 7 * MS;
	sent(w, 1, 0);
	assert_turns(w, 1, 14);
	turn(w, 3); /* whose answer that is nobody knows */
	assert_turns(w, 1, 14);
	world_free(w);
}

/* Of a connection that was open before, the first request is not known. */
static void midstream(void **state)
{
	struct world *w = world_new(5000, false);

	(void)state;
	turn(w, 12);
	assert_turns(w, 1, 12);
	assert_false(w->m.turns.has_first_byte);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(answers),
		cmocka_unit_test(requests),
		cmocka_unit_test(crossing),
		cmocka_unit_test(pipelined),
		cmocka_unit_test(midstream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
