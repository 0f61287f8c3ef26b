#include <stdlib.h>
#include <string.h>

#include "core/proto.h"
#include "model/filter_parser.h"
#include "model/home.h"

static bool emit_number(struct parser *p, enum filter_code code, uint64_t number)
{
	return parser_emit(
		p, &(struct filter_op){.code = (uint8_t)code, .number = number});
}

/* A protocol by name or number; false when it is neither. */
static bool find_proto(const struct word *w, uint8_t *out)
{
	char *end;
	unsigned long number;

	if (w->text[0] < '0' || w->text[0] > '9')
		return proto_find(w->text, w->len, out);
	number = w->len > 3 ? 256 : strtoul(w->text, &end, 10);
	if (number > 255 || *end)
		return false;
	*out = (uint8_t)number;
	return true;
}

static bool proto_primitive(struct parser *p, const struct word *w)
{
	uint8_t proto;

	if (!find_proto(w, &proto))
		return parser_fail(p, w->at, "no protocol is called '%s'", w->text);
	return emit_number(p, FILTER_PROTO, proto);
}

/* ip, ip6, arp and the names of protocols. False with *out_taken false: none of them.
 */
static bool bare_protocol(struct parser *p, const struct word *w, bool *out_taken)
{
	uint8_t proto;

	*out_taken = true;
	if (word_is(w, "ip") || word_is(w, "ip4"))
		return emit_number(p, FILTER_FAMILY, FAMILY_V4);
	if (word_is(w, "ip6") || word_is(w, "ipv6"))
		return emit_number(p, FILTER_FAMILY, FAMILY_V6);
	if (word_is(w, "arp") || word_is(w, "rarp"))
		return emit_number(p, FILTER_CONST, 0); /* no connection is */
	*out_taken = proto_find(w->text, w->len, &proto);
	return *out_taken && emit_number(p, FILTER_PROTO, proto);
}

/* The word begins another test, or ends this one: what stands before it has no value.
 */
static bool is_joint(const struct word *w)
{
	return w->len == 0 || word_is(w, "and") || word_is(w, "or") ||
	       word_is(w, "not");
}

/* A value, if one is next; the place is left as it was. */
static bool peek_value(struct parser *p, struct word *out)
{
	size_t start = p->at;
	struct parser quiet = *p;
	bool found;

	quiet.err = NULL;
	quiet.at = start;
	found = !lex_end(&quiet) && lex_value(&quiet, out);
	return found;
}

/* `host = 10.0.0.1` means an end; `host = web-1` the machine that saw the connection.
 */
static bool means_end(struct parser *p, const struct end_word *e)
{
	struct home_net net;
	struct word w;

	if (column_find(e->name, strlen(e->name)) < 0)
		return true;
	if (lex_symbol(p, "(")) {
		p->at--;
		return true;
	}
	return peek_value(p, &w) && home_parse_net(w.text, w.len, false, &net);
}

/* `proto = 6` */
static bool proto_number(
	struct parser *p, int column, enum relation relation, bool *out_ok)
{
	struct word w;
	uint8_t proto;

	if (column != column_find("proto", 5) ||
		(relation != RELATION_EQ && relation != RELATION_NE) ||
		!peek_value(p, &w) || w.text[0] < '0' || w.text[0] > '9')
		return false;
	if (!find_proto(&w, &proto)) {
		*out_ok = parser_fail(p, w.at, "a protocol is at most 255");
		return true;
	}
	*out_ok = lex_value(p, &w) && emit_number(p, FILTER_PROTO, proto) &&
		  (relation == RELATION_EQ ||
			  parser_emit(p, &(struct filter_op){.code = FILTER_NOT}));
	return true;
}

static bool relation_parse(
	struct parser *p, const struct word *head, int column, enum relation relation)
{
	const struct end_word *e = end_find(head);
	bool ok;

	if (e && relation != RELATION_MATCH && relation != RELATION_NO_MATCH &&
		means_end(p, e))
		return end_relation(p, e, relation);
	if (column >= 0 && proto_number(p, column, relation, &ok))
		return ok;
	if (column >= 0)
		return field_relation(p, (unsigned)column, relation);
	if (e)
		return end_relation(p, e, relation);
	return parser_fail(p, head->at, "no field is called '%s'; the nearest is %s",
		head->text, column_nearest(head->text, head->len));
}

/* FIELD alone, or with a number behind it (vlan 5). */
static bool column_alone(struct parser *p, unsigned column, const struct word *next)
{
	struct word value;

	if (next->len == 0 || next->text[0] < '0' || next->text[0] > '9')
		return field_present(p, column);
	return lex_value(p, &value) && field_equals(p, column, &value);
}

static bool unknown(struct parser *p, const struct word *head)
{
	struct word value;
	bool taken;

	if (peek_value(p, &value) && !value.quoted) {
		if (!end_again(p, &value, &taken))
			return false;
		if (taken)
			return lex_value(p, &value);
	}
	if (head->len == 0)
		return parser_fail(p, head->at, "a field or a test is expected here");
	return parser_fail(p, head->at, "no field is called '%s'; the nearest is %s",
		head->text, column_nearest(head->text, head->len));
}

/* A test without an operator. */
static bool word_parse(struct parser *p, const struct word *head, int column)
{
	const struct end_word *e = end_find(head);
	struct word next = lex_peek(p);
	bool taken, ok;

	if (e)
		return end_primitive(p, e);
	if (!is_joint(&next)) {
		if (word_is(head, "state"))
			return state_primitive(p);
		if (word_is(head, "proto")) {
			lex_skip(p, &next);
			return proto_primitive(p, &next);
		}
	}
	if (column >= 0)
		return column_alone(p, (unsigned)column, &next);
	ok = bare_protocol(p, head, &taken);
	if (taken)
		return ok;
	p->at = head->at;
	return unknown(p, head);
}

bool primary_parse(struct parser *p)
{
	struct word head = lex_peek(p);
	enum relation relation;
	int column = column_find(head.text, head.len);

	if (head.len == 0)
		return unknown(p, &head);
	lex_skip(p, &head);
	if (column >= 0 && p->at < p->len && p->text[p->at] == ':') {
		p->at++;
		return field_contains(p, (unsigned)column);
	}
	relation = lex_relation(p);
	if (relation != RELATION_NONE)
		return relation_parse(p, &head, column, relation);
	return word_parse(p, &head, column);
}
