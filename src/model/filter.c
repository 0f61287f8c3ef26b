#include "model/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/filter_program.h"
#include "model/getters.h"

struct filter *filter_new(void)
{
	return calloc(1, sizeof(struct filter));
}

static void op_done(const struct filter_op *op)
{
	if (op->code == FILTER_TEXT)
		free((void *)(uintptr_t)op->text);
	else if (op->code == FILTER_MATCH)
		filter_pattern_free(op->pattern);
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; i < f->count; i++)
		op_done(&f->ops[i]);
	free(f->ops);
	free(f);
}

static bool make_room(struct filter *f, uint32_t extra)
{
	uint32_t cap = f->cap ? f->cap : 8;
	struct filter_op *grown;

	while (cap < f->count + extra)
		cap *= 2;
	if (cap == f->cap)
		return true;
	grown = reallocarray(f->ops, cap, sizeof(*grown));
	if (!grown)
		return false;
	f->ops = grown;
	f->cap = cap;
	return true;
}

int filter_add(struct filter *f, const struct filter_op *op)
{
	if (!make_room(f, 1)) {
		op_done(op);
		return -ENOMEM;
	}
	f->ops[f->count++] = *op;
	return 0;
}

int filter_and(struct filter *f, struct filter *more)
{
	struct filter_op skip = {.code = FILTER_UNLESS};
	uint32_t base;

	if (!make_room(f, more->count + 1)) {
		filter_free(more);
		return -ENOMEM;
	}
	skip.jump = f->count + 1 + more->count;
	if (f->count && more->count)
		f->ops[f->count++] = skip;
	base = f->count;
	for (uint32_t i = 0; i < more->count; i++) {
		f->ops[base + i] = more->ops[i];
		f->ops[base + i].jump += base;
	}
	f->count += more->count;
	f->need |= more->need;
	more->count = 0; /* what they own moved */
	filter_free(more);
	return 0;
}

unsigned filter_need(const struct filter *f)
{
	return f->need;
}

/* ---- running ---- */

struct eval {
	const struct row *row;
	int column; /* whose value is held; -1: none */
	struct value value;
};

/* Lists of values compare one column again and again: it is fetched once. */
static const struct value *fetch(struct eval *e, uint16_t column)
{
	if (e->column != column) {
		e->value = column_at(column)->get(e->row);
		e->column = column;
	}
	return &e->value;
}

static bool ordered(enum filter_compare how, int order)
{
	switch (how) {
	case FILTER_EQ: return order == 0;
	case FILTER_NE: return order != 0;
	case FILTER_LT: return order < 0;
	case FILTER_GT: return order > 0;
	case FILTER_LE: return order <= 0;
	case FILTER_GE: return order >= 0;
	}
	return false;
}

static bool test_number(const struct filter_op *op, const struct value *v)
{
	uint64_t number;

	if (__builtin_mul_overflow(v->num, op->scale, &number))
		number = UINT64_MAX;
	return ordered(op->compare, (number > op->number) - (number < op->number));
}

static bool list_has(const struct filter_op *op, const struct value *v)
{
	const char *item = v->str.ptr, *end = item + v->str.len;

	while (item < end) {
		size_t len = strlen(item);

		if (filter_text_equal(item, len, op->text, op->len, op->exact))
			return true;
		item += len + 1;
	}
	return false;
}

static bool test_text(const struct filter_op *op, const struct value *v)
{
	bool list = column_at(op->column)->type == TYPE_LIST, equal;
	struct value other = {.present = true};

	if (op->compare == FILTER_EQ || op->compare == FILTER_NE) {
		equal = list ? list_has(op, v)
			     : filter_text_equal(v->str.ptr, v->str.len, op->text,
				       op->len, op->exact);
		return equal == (op->compare == FILTER_EQ);
	}
	other.str.ptr = op->text;
	other.str.len = op->len;
	return ordered(op->compare, value_compare(TYPE_STR, v, &other));
}

static bool test_address(const struct filter_op *op, const struct value *v)
{
	const struct home_net *net = &op->net;
	bool same = v->family == net->family;

	if (op->compare == FILTER_EQ || op->compare == FILTER_NE) {
		same = same && addr_in(&v->addr, &net->addr, net->family, net->prefix);
		return same == (op->compare == FILTER_EQ);
	}
	return same && ordered(op->compare, memcmp(v->addr.b, net->addr.b, 16));
}

static bool list_matches(const struct filter_op *op, const struct value *v)
{
	const char *item = v->str.ptr, *end = item + v->str.len;

	while (item < end) {
		size_t len = strlen(item);

		if (filter_pattern_match(op->pattern, item, len))
			return true;
		item += len + 1;
	}
	return false;
}

/* An address has its text made in the scratch; values of addresses do not lie there. */
static bool match_address(
	const struct filter_op *op, const struct value *v, struct eval *e)
{
	struct buf *out = text_start(e->row);

	if (!out)
		return false;
	addr_format(out, &v->addr, v->family);
	return filter_pattern_match(op->pattern, buf_cstr(out), out->len);
}

static bool test_match(
	const struct filter_op *op, const struct value *v, struct eval *e)
{
	enum type type = column_at(op->column)->type;
	bool match;

	if (type == TYPE_LIST)
		match = list_matches(op, v);
	else if (type == TYPE_ADDR)
		match = match_address(op, v, e);
	else
		match = filter_pattern_match(op->pattern, v->str.ptr, v->str.len);
	return match == (op->compare == FILTER_EQ);
}

/* Nobody at that end: nothing is true of it. */
static bool end_matches(const struct filter_op *op, const struct row *r, unsigned end)
{
	const struct tuple *k = row_key(r);

	if (end == row_orig(r) && !has_orig(r))
		return false;
	if (op->code == FILTER_NET)
		return addr_in(&k->addr[end], &op->net.addr, op->net.family,
			       op->net.prefix) != op->differs;
	return (k->port[end] >= op->port.low && k->port[end] <= op->port.high) !=
	       op->differs;
}

/* `host != X`: neither end that there is, is X. */
static bool no_end_is(const struct filter_op *op, const struct row *r)
{
	unsigned orig = row_orig(r);

	return (!has_orig(r) || end_matches(op, r, orig)) && end_matches(op, r, !orig);
}

static bool test_ends(const struct filter_op *op, const struct row *r)
{
	const struct tuple *k = row_key(r);
	unsigned orig = row_orig(r);
	int local;

	if (!k || (op->code == FILTER_PORT && !key_has_ports(k)))
		return false;
	if (op->code == FILTER_NET && k->family != op->net.family)
		return op->differs;
	switch ((enum filter_end)op->end) {
	case FILTER_ORIG: return end_matches(op, r, orig);
	case FILTER_RESP: return end_matches(op, r, !orig);
	case FILTER_BOTH: return end_matches(op, r, 0) && end_matches(op, r, 1);
	case FILTER_EITHER: break;
	case FILTER_LOCAL:
	case FILTER_PEER:
		local = row_local(r);
		if (local >= 0)
			return end_matches(
				op, r, (unsigned)local ^ (op->end == FILTER_PEER));
	}
	if (op->differs)
		return no_end_is(op, r);
	return end_matches(op, r, 0) || end_matches(op, r, 1);
}

static bool test_column(const struct filter_op *op, struct eval *e)
{
	const struct value *v = fetch(e, op->column);

	if (!v->present)
		return false;
	switch ((enum filter_code)op->code) {
	case FILTER_PRESENT: return true;
	case FILTER_NUMBER: return test_number(op, v);
	case FILTER_TEXT: return test_text(op, v);
	case FILTER_ADDRESS: return test_address(op, v);
	default: return test_match(op, v, e);
	}
}

static bool test(const struct filter_op *op, struct eval *e)
{
	const struct tuple *k = row_key(e->row);

	switch ((enum filter_code)op->code) {
	case FILTER_CONST: return op->number;
	case FILTER_NET:
	case FILTER_PORT: return test_ends(op, e->row);
	case FILTER_PROTO: return k && k->proto == op->number;
	case FILTER_FAMILY: return k && k->family == op->number;
	default: return test_column(op, e);
	}
}

bool filter_match(const struct filter *f, const struct row *r)
{
	struct eval e = {.row = r, .column = -1};
	bool truth = true;
	uint32_t at = 0;

	while (at < f->count) {
		const struct filter_op *op = &f->ops[at++];

		switch ((enum filter_code)op->code) {
		case FILTER_NOT: truth = !truth; break;
		case FILTER_IF: at = truth ? op->jump : at; break;
		case FILTER_UNLESS: at = truth ? at : op->jump; break;
		default: truth = test(op, &e);
		}
	}
	return truth;
}
