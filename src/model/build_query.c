#include "model/build.h"

#include <assert.h>

#include "model/build_private.h"
#include "model/filter.h"

struct scan {
	struct build *b;
	const struct query *q;
	uint64_t matched;
	size_t follow; /* number of the followed row among the ranks; SIZE_MAX: not seen
			*/
};

static bool wanted(const struct scan *s, const struct row *r, uint64_t uid)
{
	if (s->q->uid)
		return uid == s->q->uid;
	return !s->q->filter || filter_match(s->q->filter, r);
}

static void rank_value(struct scan *s, const struct value *v, uint64_t uid,
	uint64_t handle, uint64_t tie)
{
	struct ranks *ranks = &s->b->ranks;
	enum type type = TYPE_COUNT;

	if (s->q->sort >= 0)
		type = column_at((unsigned)s->q->sort)->type;
	if (s->q->follow && uid == s->q->follow)
		s->follow = ranks->count; /* nothing is dropped while one is followed */
	ranks_add(ranks, type, v, handle, tie);
}

/* Rows of equal keys stay in the order in which connections began. */
static uint64_t tie_of(const struct scan *s, const struct row *r)
{
	return r->flow ? r->flow->first_ns : s->matched;
}

static void visit_scan(void *state, const struct row *r, uint64_t uid, uint64_t handle)
{
	struct scan *s = state;
	struct row mine = *r;
	struct value v;
	uint64_t tie;

	mine.scratch = &s->b->scratch;
	if (!wanted(s, &mine, uid))
		return;
	tie = tie_of(s, r);
	s->matched++;
	if (s->q->group >= 0) {
		groups_add(&s->b->groups, &mine, tie);
		return;
	}
	v = (struct value){.present = true, .num = tie};
	if (s->q->sort >= 0)
		v = column_at((unsigned)s->q->sort)->get(&mine);
	rank_value(s, &v, uid, handle, tie);
}

static void visit_copy(void *state, const struct row *r, uint64_t uid, uint64_t handle)
{
	struct scan *s = state;

	(void)handle;
	build_row(s->b, r, uid);
}

static void rank_groups(struct scan *s)
{
	const struct groups *groups = &s->b->groups;

	for (uint32_t i = 0; i < groups->count; i++) {
		const struct group *g = groups_at(groups, i);
		struct value v = {.present = true, .num = g->tie};

		if (s->q->sort >= 0)
			v = groups_value(groups, i, s->q->sort, &s->b->scratch);
		rank_value(s, &v, g->hash, i, g->tie);
	}
}

static void copy_group(struct scan *s, uint32_t group)
{
	struct build *b = s->b;
	uint8_t *row = build_add_row(b, groups_at(&b->groups, group)->hash);

	for (unsigned i = 0; i < b->n_columns && row; i++) {
		struct value v = groups_value(
			&b->groups, group, b->places[i].column, &b->scratch);

		build_put(b, row, i, &v);
	}
}

/* The rank of the first row to show, of `total` ones. */
static size_t first_row(const struct scan *s, size_t total)
{
	const struct query *q = s->q;
	size_t first = q->first, rank;

	if (first >= total) /* rows went away: the last page */
		first = q->count && total > q->count ? total - q->count : 0;
	if (s->follow == SIZE_MAX)
		return first;
	rank = ranks_before(&s->b->ranks, s->follow);
	if (rank < first)
		return rank;
	return q->count && rank - first >= q->count ? rank - q->count + 1 : first;
}

/* Rows to keep while scanning: all while one is followed, for its rank is to be
 * counted. */
static size_t most_kept(const struct query *q)
{
	if (q->follow || q->count == 0)
		return SIZE_MAX;
	return (size_t)q->first + q->count;
}

const struct snapshot *build_query(struct build *b, const struct query *q,
	const struct row_feed *feed, const struct totals *totals)
{
	struct scan s = {.b = b, .q = q, .follow = SIZE_MAX};
	struct totals out;
	size_t first, total, end;

	ranks_reset(&b->ranks, most_kept(q), q->reverse);
	if (q->group >= 0)
		groups_reset(&b->groups, q->group, q);
	feed->each(feed->ctx, &s, visit_scan);
	if (q->group >= 0)
		rank_groups(&s);
	if (b->ranks.oom || (q->group >= 0 && b->groups.oom))
		return NULL;
	total = q->group >= 0 ? b->groups.count : s.matched;
	first = first_row(&s, total);
	end = q->count ? first + q->count : SIZE_MAX;
	ranks_finish(&b->ranks, end);
	build_begin(b, q->columns, q->n_columns);
	for (size_t i = first; i < b->ranks.count; i++) {
		uint64_t handle = b->ranks.all[i].handle;

		if (q->group >= 0)
			copy_group(&s, (uint32_t)handle);
		else
			feed->get(feed->ctx, handle, &s, visit_copy);
	}
	b->first = (uint32_t)first;
	out = *totals;
	out.matched = s.matched;
	return build_finish(b, &out);
}
