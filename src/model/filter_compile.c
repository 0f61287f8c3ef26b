#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/filter_parser.h"

#define DEPTH_MAX 32

enum pending_kind {
	PENDING_PAREN,
	PENDING_OR,
	PENDING_AND,
};

/*
 * What waits for its right side. Below each parenthesis at most one `or` and then one
 * `and` wait, so the stack is bounded by the depth.
 */
struct pending {
	enum pending_kind kind;
	bool negate;   /* PAREN: what is inside */
	uint32_t jump; /* OR, AND: over the right side */
	size_t at;
};

struct stack {
	struct pending of[3 * (DEPTH_MAX + 1)];
	unsigned count, depth;
};

bool parser_fail(struct parser *p, size_t at, const char *format, ...)
{
	char text[sizeof(p->err->text)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut is fine */
	va_end(args);
	for (char *c = text; *c;
		c++) /* a quoted value may hold any byte: one line it is */
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	p->fault = at;
	(void)err_set(
		p->err, EXIT_USAGE, "%s", text); /* the callers return its -EINVAL */
	return false;
}

bool parser_emit(struct parser *p, const struct filter_op *op)
{
	if (filter_add(p->out, op) == 0)
		return true;
	p->oom = true;
	return false;
}

bool parser_jump(struct parser *p, enum filter_code code, uint32_t *out)
{
	*out = p->out->count;
	return parser_emit(p, &(struct filter_op){.code = (uint8_t)code});
}

void parser_land(struct parser *p, uint32_t jump)
{
	p->out->ops[jump].jump = p->out->count;
}

bool parser_list(struct parser *p, enum filter_code code,
	bool (*item)(struct parser *p, const void *ctx), const void *ctx)
{
	uint32_t first = UINT32_MAX, jump;

	if (!lex_symbol(p, "("))
		return parser_fail(p, p->at, "in needs a list: (A, B, ...)");
	do {
		if (!item(p, ctx) || !parser_jump(p, code, &jump))
			return false;
		/* Jumps that wait for the end are linked through their targets. */
		p->out->ops[jump].jump = first;
		first = jump;
	} while (lex_symbol(p, ","));
	if (!lex_symbol(p, ")"))
		return parser_fail(p, p->at, "a , or ) is missing here");
	while (first != UINT32_MAX) {
		uint32_t next = p->out->ops[first].jump;

		parser_land(p, first);
		first = next;
	}
	return true;
}

static bool emit_not(struct parser *p)
{
	return parser_emit(p, &(struct filter_op){.code = FILTER_NOT});
}

static struct pending *top(struct stack *s)
{
	return s->count ? &s->of[s->count - 1] : NULL;
}

/* Ends the operators that bind at least as tightly as `kind`. */
static void settle(struct parser *p, struct stack *s, enum pending_kind kind)
{
	while (top(s) && top(s)->kind != PENDING_PAREN && top(s)->kind >= kind) {
		parser_land(p, top(s)->jump);
		s->count--;
	}
}

static bool push_operator(struct parser *p, struct stack *s, enum pending_kind kind)
{
	struct pending *fresh;

	settle(p, s, kind);
	fresh = &s->of[s->count++];
	*fresh = (struct pending){.kind = kind, .at = p->at};
	return parser_jump(
		p, kind == PENDING_AND ? FILTER_UNLESS : FILTER_IF, &fresh->jump);
}

static bool open_paren(struct parser *p, struct stack *s, bool negate)
{
	if (s->depth == DEPTH_MAX)
		return parser_fail(
			p, p->at - 1, "more than %d levels of ( )", DEPTH_MAX);
	s->depth++;
	s->of[s->count++] = (struct pending){
		.kind = PENDING_PAREN, .negate = negate, .at = p->at - 1};
	p->newest = NULL;
	return true;
}

static bool close_paren(struct parser *p, struct stack *s)
{
	bool negate;

	settle(p, s, PENDING_OR);
	if (!top(s))
		return parser_fail(p, p->at - 1, "this ) has no (");
	negate = top(s)->negate;
	s->count--;
	s->depth--;
	return !negate || emit_not(p);
}

/* ! is `not` unless it begins != or !~, which nothing on the left would make sense of.
 */
static bool lex_not(struct parser *p)
{
	struct word w = lex_peek(p);

	if (word_is(&w, "not")) {
		lex_skip(p, &w);
		return true;
	}
	return lex_symbol(p, "!");
}

static bool parse_operand(struct parser *p, struct stack *s, bool *out_complete)
{
	bool negate = false;

	*out_complete = false;
	while (lex_not(p))
		negate = !negate;
	if (lex_symbol(p, "("))
		return open_paren(p, s, negate);
	*out_complete = true;
	return primary_parse(p) && (!negate || emit_not(p));
}

static bool lex_operator(struct parser *p, const char *word, const char *symbol)
{
	struct word w = lex_peek(p);

	if (word_is(&w, word)) {
		lex_skip(p, &w);
		return true;
	}
	return lex_symbol(p, symbol);
}

static bool parse_operator(struct parser *p, struct stack *s, bool *out_complete)
{
	if (lex_symbol(p, ")"))
		return close_paren(p, s);
	*out_complete = false;
	if (lex_operator(p, "or", "||"))
		return push_operator(p, s, PENDING_OR);
	if (!lex_operator(p, "and", "&&"))
		p->newest = NULL; /* `port 80 443` is no list */
	return push_operator(p, s, PENDING_AND);
}

static bool parse(struct parser *p)
{
	struct stack s = {.count = 0};
	bool complete = false; /* what was read so far is a whole expression */

	if (lex_end(p))
		return true;
	while (!lex_end(p)) {
		if (!(complete ? parse_operator(p, &s, &complete)
			       : parse_operand(p, &s, &complete)))
			return false;
	}
	if (!complete)
		return parser_fail(
			p, p->len, "the filter ends where a test is expected");
	settle(p, &s, PENDING_OR);
	if (top(&s))
		return parser_fail(p, top(&s)->at, "this ( is not closed");
	return true;
}

int filter_compile(const char *text, const struct services *services,
	struct filter **out, unsigned *out_at, struct err *err)
{
	struct parser p = {
		.text = text,
		.len = strlen(text),
		.services = services,
		.out = filter_new(),
		.err = err,
	};

	if (p.out && parse(&p)) {
		*out = p.out;
		return 0;
	}
	filter_free(p.out);
	if (!p.out || p.oom) {
		(void)err_set(err, EXIT_SOFTWARE, "out of memory"); /* -ENOMEM below */
		return -ENOMEM;
	}
	if (out_at)
		*out_at = (unsigned)p.fault;
	return -EINVAL;
}
