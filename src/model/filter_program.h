/* filter_program — what a filter compiles to: tests and jumps over one truth value. */
#ifndef KONN_MODEL_FILTER_PROGRAM_H
#define KONN_MODEL_FILTER_PROGRAM_H

#include <regex.h>

#include "model/filter.h"
#include "model/home.h"

#define FILTER_TEXT_MAX 256 /* bytes of one value */

enum filter_code {
	FILTER_CONST,   /* truth = number */
	FILTER_NOT,     /* truth = !truth */
	FILTER_IF,      /* jump when true */
	FILTER_UNLESS,  /* jump when false */
	FILTER_PRESENT, /* a column has a value */
	FILTER_NUMBER,  /* a column, times scale, against number */
	FILTER_TEXT,    /* a column's text, or items, against text */
	FILTER_ADDRESS, /* a column's address in a network, or against its first address
			 */
	FILTER_MATCH,   /* a column's text has a match */
	FILTER_NET,     /* one of the ends is in a network */
	FILTER_PORT,    /* one of the ends has a port in a range */
	FILTER_PROTO,   /* number */
	FILTER_FAMILY,  /* number */
};

enum filter_compare {
	FILTER_EQ,
	FILTER_NE,
	FILTER_LT,
	FILTER_GT,
	FILTER_LE,
	FILTER_GE,
};

enum filter_end {
	FILTER_ORIG,
	FILTER_RESP,
	FILTER_EITHER,
	FILTER_BOTH,
	FILTER_LOCAL, /* either, when there is none */
	FILTER_PEER,  /* either, when there is none */
};

struct filter_pattern {
	bool plain; /* no special characters: text is searched for */
	bool any_case;
	regex_t regex; /* valid unless plain */
	uint32_t len;
	char text[FILTER_TEXT_MAX]; /* in lower case when any_case */
};

struct filter_op {
	uint8_t code;    /* enum filter_code */
	uint8_t compare; /* enum filter_compare */
	uint8_t end;     /* enum filter_end */
	bool differs;    /* NET, PORT: true when that end is *not* in there */
	bool exact;      /* TEXT: upper and lower case differ */
	uint16_t column;
	uint32_t jump;  /* IF, UNLESS */
	uint64_t scale; /* NUMBER: a unit of the column in units of number */
	union {
		uint64_t number;
		struct home_net net;
		struct {
			uint16_t low, high;
		} port;
		struct {
			const char *text; /* owned */
			uint32_t len;
		};
		struct filter_pattern *pattern; /* owned */
	};
};

struct filter {
	struct filter_op *ops; /* owned */
	uint32_t count, cap;
	unsigned need;
};

struct filter *filter_new(void);

/* Appends; the op's text or pattern is taken over, also on failure (-ENOMEM). */
int filter_add(struct filter *f, const struct filter_op *op);

/* ---- texts (filter_text.c) ---- */

/* As = compares: any case, - for _, unless exact. */
bool filter_text_equal(
	const char *a, size_t a_len, const char *b, size_t b_len, bool exact);

/*
 * NULL with *out_why set (a constant, or from regerror in `why`) when the expression is
 * bad or would cost too much; NULL and *out_why NULL when there is no memory.
 */
struct filter_pattern *filter_pattern_new(const char *text, size_t len, bool any_case,
	char why[static 80], const char **out_why);
void filter_pattern_free(struct filter_pattern *p);
bool filter_pattern_match(const struct filter_pattern *p, const char *text, size_t len);

#endif
