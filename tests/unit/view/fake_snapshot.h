/* fake_snapshot — rows of made-up columns, to test views without a model. */
#ifndef KONN_TESTS_FAKE_SNAPSHOT_H
#define KONN_TESTS_FAKE_SNAPSHOT_H

#include <string.h>

#include "model/snapshot.h"
#include "view/view.h"

/*
 * Takes the place of the model's accessor: `s` is the first member of a fake, so that
 * a pointer to it is one to the fake.
 */
struct fake {
	struct snapshot s;
	const struct column *columns; /* s.columns of them */
	const struct value *cells;    /* s.rows times s.columns */
};

static inline struct value num(uint64_t n)
{
	return (struct value){.present = true, .num = n};
}

static inline struct value bytes(const char *text, size_t len)
{
	struct value v = {.present = true};

	v.str.ptr = text;
	v.str.len = (uint32_t)len;
	return v;
}

static inline struct value str(const char *text)
{
	return bytes(text, strlen(text));
}

static inline struct value ip(const char *text)
{
	struct value v = {.present = true};
	enum family family = FAMILY_NONE;

	(void)addr_parse(
		text, strlen(text), &v.addr, &family); /* the test's own text */
	v.family = (uint8_t)family;
	return v;
}

static inline struct value absent(void)
{
	return (struct value){0};
}

/* The titles, when `head`, and all rows as a view writes them. */
void fake_write(struct buf *out, const char *view, const struct fake *f,
	const struct view_style *style, bool head);

#endif
