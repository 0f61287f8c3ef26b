#include <string.h>

#include "base/num.h"
#include "model/filter_parser.h"
#include "model/home.h"

static const struct end_word end_words[] = {
	{"src", FILTER_ORIG, END_ANY},
	{"dst", FILTER_RESP, END_ANY},
	{"sport", FILTER_ORIG, END_PORT},
	{"dport", FILTER_RESP, END_PORT},
	{"local", FILTER_LOCAL, END_ANY},
	{"peer", FILTER_PEER, END_ANY},
	{"lport", FILTER_LOCAL, END_PORT},
	{"pport", FILTER_PEER, END_PORT},
	{"host", FILTER_EITHER, END_HOST},
	{"net", FILTER_EITHER, END_NET},
	{"port", FILTER_EITHER, END_PORT},
	{"portrange", FILTER_EITHER, END_PORT},
};

const struct end_word *end_find(const struct word *w)
{
	for (unsigned i = 0; i < sizeof(end_words) / sizeof(*end_words); i++)
		if (word_is(w, end_words[i].name))
			return &end_words[i];
	return NULL;
}

/* What a value says of an end: a network, a range of ports, or both. */
struct end_value {
	bool has_net, has_port;
	struct home_net net;
	uint16_t low, high;
};

static bool parse_net(const char *text, size_t len, bool partial, struct end_value *out)
{
	out->has_net = home_parse_net(text, len, partial, &out->net);
	return out->has_net;
}

/* 80, http, :443, 80-90; a name may have a - itself. */
static bool parse_ports(
	const struct parser *p, const char *text, size_t len, struct end_value *out)
{
	const char *dash;
	uint16_t low, high;

	if (len == 0)
		return false;
	dash = memchr(text, '-', len);
	if (value_port(p, text, len, &low)) {
		high = low;
	} else {
		if (!dash || !value_port(p, text, (size_t)(dash - text), &low) ||
			!value_port(
				p, dash + 1, (size_t)(text + len - dash - 1), &high) ||
			low > high)
			return false;
	}
	out->low = low;
	out->high = high;
	out->has_port = true;
	return true;
}

/* ADDRESS, NET, :PORT, ADDRESS:PORT, [ADDRESS]:PORT, [ADDRESS], *:PORT */
static bool parse_any(
	const struct parser *p, const struct word *w, struct end_value *out)
{
	const char *text = w->text, *colon = strrchr(text, ':');
	size_t host = colon ? (size_t)(colon - text) : 0;

	if (parse_net(text, w->len, false, out))
		return true;
	if (text[0] == '[' && w->len > 2 && text[w->len - 1] == ']')
		return parse_net(text + 1, w->len - 2, false, out);
	if (!colon || !parse_ports(p, colon + 1, w->len - host - 1, out))
		return false;
	if (host == 0 || (host == 1 && text[0] == '*'))
		return true;
	if (host > 2 && text[0] == '[' && text[host - 1] == ']')
		return parse_net(text + 1, host - 2, false, out);
	return parse_net(text, host, false, out);
}

static bool parse_value(const struct parser *p, enum end_kind kind,
	const struct word *w, struct end_value *out)
{
	*out = (struct end_value){.has_net = false};
	switch (kind) {
	case END_PORT: return parse_ports(p, w->text, w->len, out);
	case END_HOST: return parse_net(w->text, w->len, false, out);
	case END_NET: return parse_net(w->text, w->len, true, out);
	case END_ANY: return parse_any(p, w, out);
	}
	return false;
}

static bool fail_value(struct parser *p, enum end_kind kind, const struct word *w)
{
	if (kind == END_PORT)
		return parser_fail(p, w->at,
			"'%s' is no port: give a number, a range 80-90 or a service's "
			"name",
			w->text);
	return parser_fail(p, w->at, "'%s' is no %s%s", w->text,
		kind == END_NET ? "network" : "address",
		kind == END_ANY
			? ", network or :port; names cannot be looked up in a filter"
			: "; names cannot be looked up in a filter");
}

static bool emit_end(
	struct parser *p, enum filter_end end, const struct end_value *v, bool differs)
{
	struct filter_op net = {
		.code = FILTER_NET, .end = (uint8_t)end, .differs = differs};
	struct filter_op port = net;
	uint32_t jump;

	net.net = v->net;
	port.code = FILTER_PORT;
	port.port.low = v->low;
	port.port.high = v->high;
	if (!v->has_port)
		return parser_emit(p, &net);
	if (!v->has_net)
		return parser_emit(p, &port);
	/* Both: equal when both are, different when one is. */
	if (!parser_emit(p, &net) ||
		!parser_jump(p, differs ? FILTER_IF : FILTER_UNLESS, &jump) ||
		!parser_emit(p, &port))
		return false;
	parser_land(p, jump);
	return true;
}

static bool emit_word(
	struct parser *p, enum filter_end end, enum end_kind kind, bool differs)
{
	struct end_value v;
	struct word w;

	if (!lex_value(p, &w))
		return false;
	if (!parse_value(p, kind, &w, &v))
		return fail_value(p, kind, &w);
	return emit_end(p, end, &v, differs);
}

/* A port against a bound, as a range; nothing is below 0, nor above 65535. */
static bool emit_bound(
	struct parser *p, const struct end_word *e, enum relation relation)
{
	struct end_value v;
	struct word w;
	uint16_t bound;

	if (!lex_value(p, &w))
		return false;
	if (!parse_value(p, e->kind, &w, &v) || v.has_net || v.low != v.high)
		return parser_fail(p, w.at, "'%s' is no single port", w.text);
	bound = v.low;
	v.low = 0;
	v.high = UINT16_MAX;
	if (relation == RELATION_LT || relation == RELATION_LE)
		v.high = bound;
	else
		v.low = bound;
	if ((relation == RELATION_LT && bound-- == 0) ||
		(relation == RELATION_GT && bound++ == UINT16_MAX))
		return parser_emit(p, &(struct filter_op){.code = FILTER_CONST});
	if (relation == RELATION_LT)
		v.high = bound;
	if (relation == RELATION_GT)
		v.low = bound;
	return emit_end(p, e->end, &v, false);
}

static bool item_same(struct parser *p, const void *ctx)
{
	const struct end_word *e = ctx;

	return emit_word(p, e->end, e->kind, false);
}

static bool item_differs(struct parser *p, const void *ctx)
{
	const struct end_word *e = ctx;

	return emit_word(p, e->end, e->kind, true);
}

/* (A, B, …): true when one is; `differs`: when all are different. */
static bool emit_list(struct parser *p, const struct end_word *e, bool differs)
{
	if (differs)
		return parser_list(p, FILTER_UNLESS, item_differs, e);
	return parser_list(p, FILTER_IF, item_same, e);
}

bool end_relation(struct parser *p, const struct end_word *e, enum relation relation)
{
	switch (relation) {
	case RELATION_EQ:
	case RELATION_NE: return emit_word(p, e->end, e->kind, relation == RELATION_NE);
	case RELATION_LT:
	case RELATION_GT:
	case RELATION_LE:
	case RELATION_GE: return emit_bound(p, e, relation);
	case RELATION_IN:
	case RELATION_NOT_IN: return emit_list(p, e, relation == RELATION_NOT_IN);
	default:
		return parser_fail(p, p->at,
			"%s cannot be searched with ~; use id.orig_h, id.resp_h, "
			"local_h or "
			"peer_h",
			e->name);
	}
}

/* `or dst host`, `and dst port` behind `src`: both ends then; else nothing is consumed.
 */
static enum filter_end both_ends(struct parser *p, const struct end_word *e)
{
	size_t start = p->at;
	struct word join = lex_peek(p), other;
	const struct end_word *kind;
	bool both;

	if (e->kind != END_ANY || (!word_is(&join, "or") && !word_is(&join, "and")))
		return e->end;
	lex_skip(p, &join);
	other = lex_peek(p);
	lex_skip(p, &other);
	both = (e->end == FILTER_ORIG && word_is(&other, "dst")) ||
	       (e->end == FILTER_RESP && word_is(&other, "src"));
	other = lex_peek(p);
	kind = end_find(&other);
	if (both && kind && kind->end == FILTER_EITHER)
		return word_is(&join, "or") ? FILTER_EITHER : FILTER_BOTH;
	p->at = start;
	return e->end;
}

bool end_primitive(struct parser *p, const struct end_word *e)
{
	enum filter_end end = both_ends(p, e);
	struct word w = lex_peek(p);
	const struct end_word *kind = e->kind == END_ANY ? end_find(&w) : NULL;

	if (kind && kind->end == FILTER_EITHER) {
		lex_skip(p, &w);
		e = kind;
	}
	p->newest = e;
	p->newest_end = (uint8_t)end;
	return emit_word(p, end, e->kind, false);
}

bool end_again(struct parser *p, const struct word *value, bool *out_taken)
{
	struct end_value v;

	*out_taken = p->newest && parse_value(p, p->newest->kind, value, &v);
	return !*out_taken || emit_end(p, p->newest_end, &v, false);
}
