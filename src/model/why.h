/* why — what holds a connection's data up, as words with their numbers. */
#ifndef KONN_MODEL_WHY_H
#define KONN_MODEL_WHY_H

#include "measure/verdict.h"
#include "model/column.h"

/* Side that sent more data, as far as it is measured; f->tcp is not NULL. */
unsigned why_sender(const struct flow *f);

/*
 * Of the data of side `dir` until now_ns; `recent`: of the last 10 to 20 s. False: that
 * is not known (no TCP, nothing sent).
 */
bool why_verdict(const struct flow *f, unsigned dir, uint64_t now_ns, bool recent,
	struct verdict *out);

/* "the client's window of 64 KiB allows 8.7 Mb/s at 60 ms…", without an end. */
void why_sentence(struct buf *out, const struct flow *f, const struct verdict *v);

/* What to do about it; nothing when there is nothing to do. */
void why_advice(struct buf *out, const struct flow *f, const struct verdict *v);

/* "RECEIVER WINDOW" */
const char *why_title(const struct verdict *v);

/* ---- getters of columns.def (getters_why.c) ---- */

struct value why_limited_by(const struct row *r);
struct value why_limited_detail(const struct row *r);

#endif
