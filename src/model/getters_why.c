#include "model/getters.h"
#include "model/memo.h"
#include "model/why.h"

static bool make_verdict(const struct row *r, struct verdict *out)
{
	const struct flow *f = r->flow;

	return is_tcp(f) && f->tcp &&
	       why_verdict(f, why_sender(f), r->now_ns, false, out);
}

/* NULL when there is none; made in `own` where the row remembers nothing. */
static const struct verdict *verdict_of(const struct row *r, struct verdict *own)
{
	struct row_memo *m = r->memo;

	if (!m)
		return make_verdict(r, own) ? own : NULL;
	if (!(m->has & MEMO_VERDICT))
		m->limited = make_verdict(r, &m->verdict);
	m->has |= MEMO_VERDICT;
	return m->limited ? &m->verdict : NULL;
}

struct value why_limited_by(const struct row *r)
{
	struct verdict own;
	const struct verdict *v = verdict_of(r, &own);

	return v ? value_text(verdict_name(v->by)) : value_absent();
}

struct value why_limited_detail(const struct row *r)
{
	struct verdict own;
	const struct verdict *v = verdict_of(r, &own);
	struct buf *out;

	if (!v)
		return value_absent();
	out = text_start(r);
	if (!out)
		return value_absent();
	why_sentence(out, r->flow, v);
	return text_end(out);
}
