#include <stdlib.h>
#include <string.h>

#include "model/filter_program.h"

/* Copies of a piece that an expression may ask for: nested ones multiply in regcomp. */
#define COPIES_MAX 1000

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

/* The larger number of {n}, {n,}, {,n}, {n,m}. */
static unsigned long copies(const char *brace, size_t len)
{
	unsigned long most = 1, number = 0;

	for (size_t i = 0; i < len && brace[i] != '}'; i++) {
		bool digit = brace[i] >= '0' && brace[i] <= '9';

		number = digit ? number * 10 + (unsigned long)(brace[i] - '0') : 0;
		if (number > COPIES_MAX)
			return number;
		if (number > most)
			most = number;
	}
	return most;
}

/* Why the C library must not see an expression; NULL when it may. */
static const char *refused(const char *text, size_t len)
{
	unsigned long all = 1;
	unsigned depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 1 < len) {
			i++;
			if (text[i] >= '1' && text[i] <= '9')
				return "it refers back to a group";
		} else if (text[i] == '{') {
			all *= copies(text + i + 1, len - i - 1);
			if (all > COPIES_MAX)
				return "it repeats too often";
		} else if (text[i] == '(' && ++depth > 32) {
			return "it has too many groups";
		}
	}
	return NULL;
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
