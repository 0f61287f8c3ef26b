#include <string.h>
#include <strings.h>

#include "model/filter_parser.h"

static bool blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool in_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

void lex_blank(struct parser *p)
{
	while (p->at < p->len && blank(p->text[p->at]))
		p->at++;
}

bool lex_end(struct parser *p)
{
	lex_blank(p);
	return p->at == p->len;
}

struct word lex_peek(struct parser *p)
{
	struct word w;

	lex_blank(p);
	w.at = p->at;
	w.len = 0;
	w.quoted = false;
	while (p->at + w.len < p->len && w.len < sizeof(w.text) - 1 &&
		in_name(p->text[p->at + w.len])) {
		w.text[w.len] = p->text[p->at + w.len];
		w.len++;
	}
	w.text[w.len] = '\0';
	return w;
}

void lex_skip(struct parser *p, const struct word *w)
{
	p->at = w->at + w->len;
}

bool word_is(const struct word *w, const char *name)
{
	return !w->quoted && strcasecmp(w->text, name) == 0;
}

bool lex_symbol(struct parser *p, const char *symbol)
{
	size_t len = strlen(symbol);

	lex_blank(p);
	if (p->len - p->at < len || memcmp(p->text + p->at, symbol, len) != 0)
		return false;
	p->at += len;
	return true;
}

struct spelling {
	const char *text;
	enum relation relation;
};

/* `not` belongs to the operator only when `in` follows. */
static bool lex_not_in(struct parser *p, struct word w)
{
	size_t start = p->at;

	if (!word_is(&w, "not"))
		return false;
	lex_skip(p, &w);
	w = lex_peek(p);
	if (word_is(&w, "in")) {
		lex_skip(p, &w);
		return true;
	}
	p->at = start;
	return false;
}

enum relation lex_relation(struct parser *p)
{
	/* longer ones before those they begin with */
	static const struct spelling symbols[] = {
		{"==", RELATION_EQ},
		{"=", RELATION_EQ},
		{"!=", RELATION_NE},
		{"<=", RELATION_LE},
		{">=", RELATION_GE},
		{"<", RELATION_LT},
		{">", RELATION_GT},
		{"!~", RELATION_NO_MATCH},
		{"~", RELATION_MATCH},
		{NULL, RELATION_NONE},
	};
	static const struct spelling words[] = {
		{"in", RELATION_IN},
		{"eq", RELATION_EQ},
		{"ne", RELATION_NE},
		{"neq", RELATION_NE},
		{"lt", RELATION_LT},
		{"gt", RELATION_GT},
		{"le", RELATION_LE},
		{"leq", RELATION_LE},
		{"ge", RELATION_GE},
		{"geq", RELATION_GE},
		{NULL, RELATION_NONE},
	};
	struct word w = lex_peek(p);
	const struct spelling *s;

	for (s = symbols; s->text; s++)
		if (lex_symbol(p, s->text))
			return s->relation;
	for (s = words; s->text; s++)
		if (word_is(&w, s->text)) {
			lex_skip(p, &w);
			return s->relation;
		}
	return lex_not_in(p, w) ? RELATION_NOT_IN : RELATION_NONE;
}

static bool ends_value(const struct parser *p, size_t at)
{
	char c = p->text[at];

	if (blank(c) || c == '(' || c == ')' || c == ',')
		return true;
	return (c == '&' || c == '|') && at + 1 < p->len && p->text[at + 1] == c;
}

static bool add(struct parser *p, struct word *w, char c)
{
	if (w->len == sizeof(w->text) - 1)
		return parser_fail(p, w->at, "this value is longer than %u bytes",
			(unsigned)sizeof(w->text) - 1);
	w->text[w->len++] = c;
	w->text[w->len] = '\0';
	return true;
}

/* "…" or '…'; a backslash keeps the quote mark behind it, and is itself elsewhere. */
static bool lex_quoted(struct parser *p, struct word *out, char quote)
{
	for (p->at++; p->at < p->len && p->text[p->at] != quote; p->at++) {
		bool escape = p->text[p->at] == '\\' && p->at + 1 < p->len &&
			      p->text[p->at + 1] == quote;

		p->at += escape;
		if (!add(p, out, p->text[p->at]))
			return false;
	}
	if (p->at == p->len)
		return parser_fail(p, out->at, "the quote %c is not closed", quote);
	p->at++;
	return true;
}

bool lex_value(struct parser *p, struct word *out)
{
	char first;

	lex_blank(p);
	out->at = p->at;
	out->len = 0;
	out->text[0] = '\0';
	first = p->at < p->len ? p->text[p->at] : '\0';
	out->quoted = first == '"' || first == '\'';
	if (out->quoted)
		return lex_quoted(p, out, first);
	while (p->at < p->len && !ends_value(p, p->at))
		if (!add(p, out, p->text[p->at++]))
			return false;
	if (out->len == 0)
		return parser_fail(p, out->at, "a value is missing here");
	return true;
}
