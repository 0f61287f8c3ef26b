#include <stdlib.h>
#include <string.h>

#include "model/filter_program.h"

/*
 * Nodes that an expression may take: regcomp writes a{9} out nine times and a+ as aa*,
 * so repeated repetitions (a++++, ((a+)+)+, a{99}{99}) grow without bound in a few
 * bytes.
 */
#define NODES_MAX  1000
#define GROUPS_MAX 32

static unsigned char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : (unsigned char)c;
}

static unsigned char folded(char c)
{
	return c == '_' ? '-' : lower(c);
}

bool filter_text_equal(
	const char *a, size_t a_len, const char *b, size_t b_len, bool exact)
{
	if (a_len != b_len)
		return false;
	if (exact)
		return a_len == 0 || memcmp(a, b, a_len) == 0;
	for (size_t i = 0; i < a_len; i++)
		if (folded(a[i]) != folded(b[i]))
			return false;
	return true;
}

/* Bytes of the {n}, {n,}, {,n} or {n,m} at the start, and its larger number; 0: none
 * is. */
static size_t interval(const char *text, size_t len, unsigned long *out)
{
	unsigned long most = 1, number = 0;
	size_t at = 1;

	for (; at < len && ((text[at] >= '0' && text[at] <= '9') || text[at] == ',');
		at++) {
		if (text[at] == ',')
			number = 0;
		else if (number <= NODES_MAX)
			number = number * 10 + (unsigned long)(text[at] - '0');
		if (number > most)
			most = number;
	}
	*out = most;
	return at < len && text[at] == '}' ? at + 1 : 0;
}

struct level { /* of groups inside each other */
	unsigned long nodes,
		newest; /* all so far; of the newest piece, which is repeated */
};

struct estimate {
	struct level levels[GROUPS_MAX + 1];
	unsigned depth;
	bool repeated; /* the newest piece is already: POSIX leaves a+* undefined */
	const char *refused; /* NULL: none so far */
};

static void piece(struct estimate *e, unsigned long nodes)
{
	struct level *at = &e->levels[e->depth];

	at->newest = nodes;
	at->nodes += nodes;
	e->repeated = false;
}

static void repeat(struct estimate *e, unsigned long times)
{
	struct level *at = &e->levels[e->depth];

	at->nodes += at->newest * (times - 1) + 1;
	at->newest = at->newest * times + 1;
	if (e->repeated || at->nodes > NODES_MAX)
		e->refused = "it repeats too often";
	e->repeated = true;
}

static void open_group(struct estimate *e)
{
	if (e->depth == GROUPS_MAX)
		e->refused = "it has too many groups";
	else
		e->levels[++e->depth] = (struct level){0, 0};
	e->repeated = false;
}

static void close_group(struct estimate *e)
{
	struct level *at = &e->levels[e->depth];

	if (e->depth == 0) {
		at->newest = at->nodes;
		e->repeated = false;
		return;
	}
	e->depth--;
	piece(e, at->nodes + 1);
}

/* Offset behind [:alpha:], [.x.] or [=x=] at `at`; `at` when none is there. */
static size_t class_end(const char *text, size_t at, size_t len)
{
	size_t i = at + 2;
	char kind = at + 1 < len ? text[at + 1] : '\0';

	if (text[at] != '[' || (kind != ':' && kind != '.' && kind != '='))
		return at;
	while (i + 1 < len && (text[i] != kind || text[i + 1] != ']'))
		i++;
	return i + 2;
}

/* Offset of the ] that ends the list whose [ is at `at`; at least `len`: there is none.
 */
static size_t list_end(const char *text, size_t at, size_t len)
{
	at++;
	at += at < len && text[at] == '^';
	at += at < len && text[at] == ']';
	while (at < len && text[at] != ']') {
		size_t end = class_end(text, at, len);

		at = end > at ? end : at + 1;
	}
	return at;
}

/* Counts one element; returns the offset of its last byte. */
static size_t element(struct estimate *e, const char *text, size_t at, size_t len)
{
	unsigned long times;
	size_t skip;

	switch (text[at]) {
	case '\\':
		if (at + 1 < len && text[at + 1] >= '1' && text[at + 1] <= '9')
			e->refused = "it refers back to a group";
		piece(e, 1);
		return at + 1;
	case '[': piece(e, 1); return list_end(text, at, len);
	case '(': open_group(e); return at;
	case ')': close_group(e); return at;
	case '+': repeat(e, 2); return at;
	case '*':
	case '?': repeat(e, 1); return at;
	case '{':
		skip = interval(text + at, len - at, &times);
		if (skip)
			repeat(e, times);
		else
			piece(e, 1);
		return skip ? at + skip - 1 : at;
	default: piece(e, 1); return at;
	}
}

/* Why the C library must not see an expression; NULL when it may. */
static const char *refused(const char *text, size_t len)
{
	struct estimate e = {.depth = 0};

	for (size_t i = 0; i < len && !e.refused; i++)
		i = element(&e, text, i, len);
	return e.refused;
}

static void fold(struct filter_pattern *p, const char *text, size_t len)
{
	p->len = (uint32_t)len;
	for (size_t i = 0; i < len; i++)
		p->text[i] = p->any_case ? (char)lower(text[i]) : text[i];
}

/* `text` is NUL-terminated too. */
struct filter_pattern *filter_pattern_new(const char *text, size_t len, bool any_case,
	char why[static 80], const char **out_why)
{
	struct filter_pattern *p;
	int flags = REG_EXTENDED | REG_NOSUB | (any_case ? REG_ICASE : 0);
	int error;

	*out_why = len >= FILTER_TEXT_MAX ? "it is too long" : refused(text, len);
	if (*out_why)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->any_case = any_case;
	p->plain = strcspn(text, "\\^$.|?*+()[]{}") == len;
	fold(p, text, len);
	if (p->plain)
		return p;
	error = regcomp(&p->regex, text, flags);
	if (error == 0)
		return p;
	(void)regerror(error, &p->regex, why, 80); /* cut is fine */
	*out_why = why;
	free(p);
	return NULL;
}

void filter_pattern_free(struct filter_pattern *p)
{
	if (p && !p->plain)
		regfree(&p->regex);
	free(p);
}

static bool contains(const struct filter_pattern *p, const char *text, size_t len)
{
	if (!p->any_case)
		return memmem(text, len, p->text, p->len) != NULL;
	for (size_t at = 0; at + p->len <= len; at++) {
		size_t same = 0;

		while (same < p->len &&
			lower(text[at + same]) == (uint8_t)p->text[same])
			same++;
		if (same == p->len)
			return true;
	}
	return false;
}

bool filter_pattern_match(const struct filter_pattern *p, const char *text, size_t len)
{
	regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)len};

	if (p->len == 0)
		return true;
	if (len == 0)
		text = "";
	if (p->plain)
		return contains(p, text, len);
	return regexec(&p->regex, text, 1, &range, REG_STARTEND) == 0;
}
