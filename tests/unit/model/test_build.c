#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "model/build.h"
#include "model/filter.h"
#include "sample.h"

#define FLOWS 500

struct world {
	struct flow flows[FLOWS];
	struct row_world row;
	struct buf scratch;
	struct build *build;
};

static uint64_t uid_of(uint64_t number)
{
	return number + 1000;
}

/* Few ports and byte counts, so that ties and groups are common. */
static int setup(void **state)
{
	struct world *w = aligned_alloc(_Alignof(struct world), sizeof(*w));
	uint64_t seed = 42;

	assert_non_null(w); /* flows are aligned to cache lines */
	memset(w, 0, sizeof(*w));
	for (unsigned i = 0; i < FLOWS; i++) {
		uint64_t n = sample_random(&seed) >> 16;
		uint8_t proto = n % 3 == 0 ? PROTO_UDP : n % 7 ? PROTO_TCP : PROTO_ICMP;
		struct flow *f = &w->flows[i];

		*f = sample_flow(proto, n & 64 ? "10.0.0.9" : "2001:db8::9",
			(uint16_t)(n >> 8), n & 64 ? "10.0.0.1" : "2001:db8::1",
			(uint16_t)(n >> 24 & 3));
		f->first_ns += i;
		f->last_ns = f->first_ns + (n >> 30 & 0xff);
		sample_orig(f)->payload_bytes = n >> 12 & 31;
		sample_orig(f)->state = proto == PROTO_TCP && n & 1 ? TCP_ESTABLISHED
								    : TCP_STATE_NONE;
		f->vlans = n >> 40 & 1;
		f->vlan[0] = n >> 41 & 3;
	}
	w->build = build_new();
	assert_non_null(w->build);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	build_free(w->build);
	buf_done(&w->scratch);
	free(w);
	return 0;
}

static struct row row_of(struct world *w, uint64_t number)
{
	return (struct row){&w->flows[number], &w->row, SAMPLE_START_NS + SAMPLE_SECOND,
		&w->scratch};
}

static void each(void *ctx, void *state,
	void (*visit)(void *state, const struct row *r, uint64_t uid, uint64_t handle))
{
	for (uint64_t i = 0; i < FLOWS; i++) {
		struct row r = row_of(ctx, i);

		visit(state, &r, uid_of(i), i);
	}
}

static void get(void *ctx, uint64_t handle, void *state,
	void (*visit)(void *state, const struct row *r, uint64_t uid, uint64_t handle))
{
	struct row r = row_of(ctx, handle);

	visit(state, &r, uid_of(handle), handle);
}

static int column(const char *key)
{
	int found = column_find(key, strlen(key));

	assert_true(found >= 0);
	return found;
}

static struct query query_of(const char *sort)
{
	struct query q = {.sort = sort ? column(sort) : -1, .group = -1};

	for (; q.n_columns < column_count(); q.n_columns++)
		q.columns[q.n_columns] = (uint16_t)q.n_columns;
	return q;
}

static const struct snapshot *ask(struct world *w, const struct query *q)
{
	const struct row_feed feed = {w, each, get};
	const struct totals totals = {.rows = FLOWS};
	const struct snapshot *s = build_query(w->build, q, &feed, &totals);

	assert_non_null(s);
	assert_true(snapshot_valid(s, s->length));
	return s;
}

static struct value cell(const struct snapshot *s, unsigned row, const char *key)
{
	for (unsigned i = 0; i < s->columns; i++)
		if (strcmp(snapshot_column(s, i)->key, key) == 0)
			return snapshot_cell(s, row, i);
	fail_msg("the snapshot has no %s", key);
	return (struct value){0};
}

static bool same(enum type type, const struct value *a, const struct value *b)
{
	return a->present == b->present && value_compare(type, a, b) == 0;
}

/* Every cell says what its getter says. */
static void assert_row(struct world *w, const struct snapshot *s, unsigned row)
{
	struct row r = row_of(w, snapshot_uid(s, row) - uid_of(0));

	for (unsigned i = 0; i < s->columns; i++) {
		const struct column *c = snapshot_column(s, i);
		struct value v = snapshot_cell(s, row, i), expected = c->get(&r);

		if (!same(c->type, &v, &expected))
			fail_msg("row %u: %s differs", row, c->key);
	}
}

struct reference {
	struct world *w;
	int column;
	bool reverse;
};

/* The order, written as simply as can be: absent last, ties by creation. */
static int reference_compare(const void *a, const void *b, void *ctx)
{
	const struct reference *ref = ctx;
	const struct column *c = column_at((unsigned)ref->column);
	uint64_t number[2] = {*(const uint64_t *)a, *(const uint64_t *)b};
	struct value v[2];
	struct buf text[2] = {{0}};
	int order;

	for (unsigned i = 0; i < 2; i++) {
		struct row r = row_of(ref->w, number[i]);

		r.scratch = &text[i];
		v[i] = c->get(&r);
	}
	order = value_compare(c->type, &v[0], &v[1]);
	if (ref->reverse && v[0].present && v[1].present)
		order = -order;
	buf_done(&text[0]);
	buf_done(&text[1]);
	return order ? order : (number[0] > number[1]) - (number[0] < number[1]);
}

static void assert_sorted(
	struct world *w, int sort, bool reverse, uint32_t first, uint32_t count)
{
	struct reference ref = {w, sort, reverse};
	struct query q = query_of(NULL);
	uint64_t order[FLOWS];
	const struct snapshot *s;

	for (uint64_t i = 0; i < FLOWS; i++)
		order[i] = i;
	qsort_r(order, FLOWS, sizeof(*order), reference_compare, &ref);
	q.sort = sort;
	q.reverse = reverse;
	q.first = first;
	q.count = count;
	q.n_columns = 12;
	s = ask(w, &q);
	assert_int_equal(s->first, first);
	assert_int_equal(
		s->rows, count && count < FLOWS - first ? count : FLOWS - first);
	for (unsigned i = 0; i < s->rows; i++)
		if (snapshot_uid(s, i) != uid_of(order[first + i]))
			fail_msg("%s: row %u differs", column_at((unsigned)sort)->key,
				i);
}

static void sorts_like_qsort(void **state)
{
	struct world *w = *state;

	for (unsigned c = 0; c < column_count(); c++) {
		assert_sorted(w, (int)c, c % 2, 0, 20);
		assert_sorted(w, (int)c, c % 2 == 0, 100, 50);
	}
	assert_sorted(w, column("bytes"), true, 0, 0);
	assert_sorted(w, column("orig"), false, FLOWS - 1, 10);
}

static void copies_what_getters_say(void **state)
{
	struct world *w = *state;
	struct query q = query_of(NULL);
	const struct snapshot *s = ask(w, &q);

	assert_int_equal(s->rows, FLOWS);
	assert_int_equal(s->totals.rows, FLOWS);
	assert_int_equal(s->totals.matched, FLOWS);
	for (unsigned row = 0; row < s->rows; row++) {
		assert_int_equal(snapshot_uid(s, row), uid_of(row));
		assert_row(w, s, row);
	}
}

static void is_relocatable(void **state)
{
	struct world *w = *state;
	struct query q = query_of("bytes");
	const struct snapshot *s, *moved;
	size_t length;
	void *copy;

	q.count = 40;
	s = ask(w, &q);
	length = s->length;
	copy = test_malloc(length);
	memcpy(copy, s, length);
	build_begin(w->build, q.columns, 1); /* the original goes away */
	moved = copy;
	assert_true(snapshot_valid(copy, length));
	for (unsigned row = 0; row < moved->rows; row++)
		assert_row(w, moved, row);
	test_free(copy);
}

/* Damaged blocks: refused, or still safe to read (the sanitizers watch). */
static void survives_damage(void **state)
{
	struct world *w = *state;
	struct query q = query_of("bytes");
	const struct snapshot *s;
	uint64_t seed = 99;
	unsigned refused = 0;
	uint8_t *copy;
	size_t length;

	q.count = 3;
	s = ask(w, &q);
	length = s->length;
	copy = test_malloc(length);
	assert_false(snapshot_valid(s, length - 1));
	assert_false(snapshot_valid(s, 7));
	for (unsigned i = 0; i < 20000; i++) {
		const struct snapshot *d = (const void *)copy;
		uint64_t n = sample_random(&seed);

		memcpy(copy, s, length);
		copy[n % length] ^= (uint8_t)(n >> 56 | 1);
		if (!snapshot_valid(copy, length)) {
			refused++;
			continue;
		}
		for (unsigned row = 0; row < d->rows; row++)
			for (unsigned c = 0; c < d->columns; c++) {
				struct value v = snapshot_cell(d, row, c);
				enum type type = snapshot_column(d, c)->type;

				if (v.present &&
					(type == TYPE_STR || type == TYPE_LIST) &&
					v.str.len)
					assert_true(v.str.ptr[v.str.len - 1] != 1);
			}
	}
	assert_in_range(refused, 100, 19900);
	test_free(copy);
}

static void filters_and_pages(void **state)
{
	struct world *w = *state;
	struct query q = query_of("bytes");
	const struct snapshot *s;
	struct filter *f;
	uint64_t udp = 0;

	for (unsigned i = 0; i < FLOWS; i++)
		udp += w->flows[i].key.proto == PROTO_UDP;
	assert_int_equal(filter_compile("udp", NULL, &f, NULL, NULL), 0);
	q.filter = f;
	q.count = 10;
	s = ask(w, &q);
	assert_int_equal(s->totals.matched, udp);
	assert_int_equal(s->rows, 10);
	q.first = 100000; /* beyond the end: the last page */
	s = ask(w, &q);
	assert_int_equal(s->first, udp - 10);
	assert_int_equal(s->rows, 10);
	q.uid = uid_of(7); /* one connection, whatever the filter */
	q.first = 0;
	s = ask(w, &q);
	assert_int_equal(s->rows, 1);
	assert_int_equal(snapshot_uid(s, 0), uid_of(7));
	filter_free(f);
}

static void follows(void **state)
{
	struct world *w = *state;
	struct query q = query_of("bytes");

	q.count = 10;
	for (unsigned i = 0; i < FLOWS; i += 17) {
		const struct snapshot *s;
		bool found = false;

		q.follow = uid_of(i);
		q.first = (i * 7) % FLOWS;
		s = ask(w, &q);
		assert_int_equal(s->rows, 10);
		for (unsigned row = 0; row < s->rows; row++)
			found |= snapshot_uid(s, row) == q.follow;
		assert_true(found);
	}
	q.follow = 5; /* there is none: nothing moves */
	q.first = 30;
	assert_int_equal(ask(w, &q)->first, 30);
}

static void groups_add_up(void **state)
{
	struct world *w = *state;
	struct query q = query_of("conns");
	const struct snapshot *s;
	uint64_t conns = 0, bytes = 0, all_bytes = 0;

	for (unsigned i = 0; i < FLOWS; i++)
		all_bytes += sample_orig(&w->flows[i])->payload_bytes;
	q.group = column("id.resp_p");
	q.reverse = true;
	s = ask(w, &q);
	assert_int_equal(s->rows, 5); /* four ports, and ICMP has none */
	assert_int_equal(s->totals.matched, FLOWS);
	for (unsigned row = 0; row < s->rows; row++) {
		struct value port = cell(s, row, "id.resp_p");
		uint64_t mine = 0, oldest = UINT64_MAX;

		for (unsigned i = 0; i < FLOWS; i++) {
			const struct flow *f = &w->flows[i];
			bool has = f->key.proto != PROTO_ICMP;

			if (has != port.present ||
				(has && f->key.port[!f->orig] != port.num))
				continue;
			mine++;
			oldest = f->first_ns < oldest ? f->first_ns : oldest;
		}
		assert_int_equal(cell(s, row, "conns").num, mine);
		assert_int_equal(cell(s, row, "ts").num, oldest);
		assert_false(cell(s, row, "uid").present);
		conns += mine;
		bytes += cell(s, row, "bytes").num;
		if (row)
			assert_true(cell(s, row - 1, "conns").num >= mine);
	}
	assert_int_equal(conns, FLOWS);
	assert_int_equal(bytes, all_bytes);
}

static void group_sets(void **state)
{
	struct world *w = *state;
	struct query q = query_of(NULL);
	const struct snapshot *s;
	struct value v;

	for (unsigned i = 0; i < FLOWS; i++)
		w->flows[i].key.family = FAMILY_V6;
	q.group = column("host"); /* absent everywhere: one group */
	s = ask(w, &q);
	assert_int_equal(s->rows, 1);
	assert_int_equal(cell(s, 0, "conns").num, FLOWS);
	assert_false(cell(s, 0, "id.resp_p").present); /* they differ */
	v = cell(s, 0, "proto");
	assert_int_equal(v.str.len, strlen("tcp,udp,icmp"));
	assert_non_null(memmem(v.str.ptr, v.str.len, "icmp", 4));
	v = cell(s, 0, "vlan");
	assert_int_equal(v.str.len, 8); /* 0 to 3, a NUL behind each */
	v = cell(s, 0, "state");
	assert_int_equal(v.str.len, strlen("ESTABLISHED"));
	v = cell(s, 0, "orig"); /* hundreds: eight and a mark */
	assert_memory_equal(v.str.ptr + v.str.len - 4, ",...", 4);
}

static void group_pages_are_stable(void **state)
{
	struct world *w = *state;
	struct query q = query_of("bytes");
	uint64_t uids[2];

	q.group = column("proto");
	q.count = 1;
	q.reverse = true;
	uids[0] = snapshot_uid(ask(w, &q), 0);
	assert_int_equal(snapshot_uid(ask(w, &q), 0), uids[0]);
	q.first = 2;
	uids[1] = snapshot_uid(ask(w, &q), 0);
	assert_int_not_equal(uids[0], uids[1]);
	q.follow = uids[0];
	assert_int_equal(ask(w, &q)->first, 0);
}

static void streams(void **state)
{
	static const uint16_t columns[] = {0, 3, 5};
	struct world *w = *state;
	const struct totals totals = {.rows = FLOWS};
	const struct snapshot *s;
	size_t before;

	build_begin(w->build, columns, 3);
	before = build_bytes(w->build);
	for (uint64_t i = 0; i < FLOWS; i++) {
		struct row r = row_of(w, i);

		build_row(w->build, &r, uid_of(i));
	}
	assert_true(build_bytes(w->build) >= before + FLOWS * 32);
	build_sort(w->build, 0, true);
	s = build_finish(w->build, &totals);
	assert_non_null(s);
	assert_int_equal(s->rows, FLOWS);
	assert_true(snapshot_valid(s, s->length));
	for (unsigned row = 0; row < FLOWS; row++) {
		assert_int_equal(snapshot_uid(s, row), uid_of(FLOWS - 1 - row));
		assert_row(w, s, row);
	}
	build_begin(w->build, columns, 3);
	s = build_finish(w->build, &totals);
	assert_non_null(s);
	assert_int_equal(s->rows, 0);
	assert_true(snapshot_valid(s, s->length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sorts_like_qsort, setup, teardown),
		cmocka_unit_test_setup_teardown(
			copies_what_getters_say, setup, teardown),
		cmocka_unit_test_setup_teardown(is_relocatable, setup, teardown),
		cmocka_unit_test_setup_teardown(survives_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(filters_and_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(follows, setup, teardown),
		cmocka_unit_test_setup_teardown(groups_add_up, setup, teardown),
		cmocka_unit_test_setup_teardown(group_sets, setup, teardown),
		cmocka_unit_test_setup_teardown(
			group_pages_are_stable, setup, teardown),
		cmocka_unit_test_setup_teardown(streams, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
