/* filter_parser — what the files that read filter texts share. */
#ifndef KONN_MODEL_FILTER_PARSER_H
#define KONN_MODEL_FILTER_PARSER_H

#include "model/filter_program.h"

struct parser {
	const char *text;
	size_t len, at;
	const struct services *services; /* borrowed; may be NULL */
	struct filter *out;              /* owned until it is handed out */
	struct err *err;
	size_t fault; /* where the error is */
	bool oom;
	/* Of the newest primitive, for tcpdump's `port 80 or 443`; NULL: none before.
	 */
	const struct end_word *newest;
	uint8_t newest_end;
};

struct word {
	size_t at;
	uint32_t len;
	bool quoted;
	char text[FILTER_TEXT_MAX]; /* NUL-terminated */
};

/* src, dport, peer…: which ends a word names, and of which kind its values are. */
struct end_word {
	const char *name;
	uint8_t end;  /* enum filter_end */
	uint8_t kind; /* enum end_kind */
};

enum end_kind {
	END_ANY, /* address, network, :port, address:port; or host, net, port follows */
	END_HOST, /* address or network */
	END_NET,  /* network; 10.1 is one too */
	END_PORT, /* number, name, :number, range */
};

enum relation { /* the comparisons, and those that are none */
	RELATION_EQ = FILTER_EQ,
	RELATION_NE = FILTER_NE,
	RELATION_LT = FILTER_LT,
	RELATION_GT = FILTER_GT,
	RELATION_LE = FILTER_LE,
	RELATION_GE = FILTER_GE,
	RELATION_NONE,
	RELATION_MATCH,
	RELATION_NO_MATCH,
	RELATION_IN,
	RELATION_NOT_IN,
};

/* Notes the error at a byte of the text; returns false. */
bool parser_fail(struct parser *p, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends an op, taking what it owns; false when there is no memory. */
bool parser_emit(struct parser *p, const struct filter_op *op);

/* Appends a jump and returns its number, to be aimed at what comes next by parser_land.
 */
bool parser_jump(struct parser *p, enum filter_code code, uint32_t *out);
void parser_land(struct parser *p, uint32_t jump);

/*
 * "(A, B, …)": `item` appends the test of one value; a jump of `code` behind each goes
 * to the end of the list, where the result of the last test run decides.
 */
bool parser_list(struct parser *p, enum filter_code code,
	bool (*item)(struct parser *p, const void *ctx), const void *ctx);

/* ---- words (filter_lex.c) ---- */

void lex_blank(struct parser *p);
bool lex_end(struct parser *p); /* nothing but blanks is left */

/* Letters, digits, _ . - at the place; len 0 when something else is there. Not
 * consumed. */
struct word lex_peek(struct parser *p);
void lex_skip(struct parser *p, const struct word *w);
bool word_is(
	const struct word *w, const char *name); /* case ignored; not when quoted */

/* A symbol, consumed when it is next. */
bool lex_symbol(struct parser *p, const char *symbol);

/* The operator that comes next, consumed; RELATION_NONE: there is none. */
enum relation lex_relation(struct parser *p);

/* A value: quoted, or up to a blank, comma, parenthesis, && or ||. */
bool lex_value(struct parser *p, struct word *out);

/* ---- tests ---- */

/* FIELD OP VALUE, FIELD:VALUE, FIELD (filter_field.c). */
bool field_relation(struct parser *p, unsigned column, enum relation relation);
bool field_equals(struct parser *p, unsigned column, const struct word *value);
bool field_present(struct parser *p, unsigned column);
bool field_contains(struct parser *p, unsigned column);

/* A value by the type of the column, into op (filter_value.c). */
bool value_parse(struct parser *p, const struct column *column, const struct word *w,
	struct filter_op *op);
bool value_port(const struct parser *p, const char *text, size_t len, uint16_t *out);

/* RFC name of a state by any of its names: syn-recv, listening; NULL: none
 * (filter_state.c). */
const char *state_find(const char *text, size_t len);
bool state_primitive(struct parser *p);

/* src, dport, peer… (filter_end.c) */
const struct end_word *end_find(const struct word *w);
bool end_relation(struct parser *p, const struct end_word *e, enum relation relation);
bool end_primitive(struct parser *p, const struct end_word *e);
bool end_again(struct parser *p, const struct word *value, bool *out_taken);

/* One test, whatever it begins with (filter_primary.c). */
bool primary_parse(struct parser *p);

#endif
