#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/cell.h"
#include "model/filter_parser.h"
#include "model/home.h"

static void use(struct parser *p, unsigned column, struct filter_op *op)
{
	op->column = (uint16_t)column;
	p->out->need |= column_at(column)->need;
}

bool field_present(struct parser *p, unsigned column)
{
	struct filter_op op = {.code = FILTER_PRESENT};

	use(p, column, &op);
	return parser_emit(p, &op);
}

static bool emit_compare(struct parser *p, unsigned column, enum filter_compare how,
	const struct word *w)
{
	struct filter_op op = {.compare = (uint8_t)how};

	use(p, column, &op);
	return value_parse(p, column_at(column), w, &op) && parser_emit(p, &op);
}

bool field_equals(struct parser *p, unsigned column, const struct word *value)
{
	return emit_compare(p, column, FILTER_EQ, value);
}

static bool emit_match(
	struct parser *p, unsigned column, enum relation relation, const struct word *w)
{
	const struct column *c = column_at(column);
	struct filter_op op = {.code = FILTER_MATCH, .compare = FILTER_EQ};
	const char *why;
	char reason[80];

	if (!type_is_text(c->type) && c->type != TYPE_ADDR)
		return parser_fail(p, w->at,
			"~ searches in texts, and %s is %s; use =", c->key,
			type_name(c->type));
	if (relation == RELATION_NO_MATCH)
		op.compare = FILTER_NE;
	use(p, column, &op);
	op.pattern = filter_pattern_new(w->text, w->len, !c->exact, reason, &why);
	if (op.pattern)
		return parser_emit(p, &op);
	if (why)
		return parser_fail(p, w->at, "bad regular expression: %s", why);
	p->oom = true;
	return false;
}

static bool item_equals(struct parser *p, const void *ctx)
{
	const unsigned *column = ctx;
	struct word w;

	return lex_value(p, &w) && field_equals(p, *column, &w);
}

/* (A, B, …): one test a value; the first that is true decides. */
static bool emit_list(struct parser *p, unsigned column, bool negate)
{
	uint32_t jump;

	if (!parser_list(p, FILTER_IF, item_equals, &column))
		return false;
	if (!negate)
		return true;
	/* Absent is not in any list, nor outside of one. */
	if (!parser_emit(p, &(struct filter_op){.code = FILTER_NOT}) ||
		!parser_jump(p, FILTER_UNLESS, &jump) || !field_present(p, column))
		return false;
	parser_land(p, jump);
	return true;
}

bool field_relation(struct parser *p, unsigned column, enum relation relation)
{
	const struct column *c = column_at(column);
	size_t at = p->at;
	struct word w;

	if (relation == RELATION_IN || relation == RELATION_NOT_IN)
		return emit_list(p, column, relation == RELATION_NOT_IN);
	if (!lex_value(p, &w))
		return false;
	if (relation == RELATION_MATCH || relation == RELATION_NO_MATCH)
		return emit_match(p, column, relation, &w);
	if (c->type == TYPE_LIST && relation != RELATION_EQ && relation != RELATION_NE)
		return parser_fail(p, at, "%s is a list, which has no order", c->key);
	return emit_compare(p, column, (enum filter_compare)relation, &w);
}

bool field_contains(struct parser *p, unsigned column)
{
	enum type type = column_at(column)->type;
	struct home_net net;
	struct word w;

	if (!lex_value(p, &w))
		return false;
	if (type_is_text(type))
		return emit_match(p, column, RELATION_MATCH, &w);
	if (type == TYPE_ADDR && !home_parse_net(w.text, w.len, false, &net))
		return emit_match(p, column, RELATION_MATCH, &w);
	return field_equals(p, column, &w);
}
