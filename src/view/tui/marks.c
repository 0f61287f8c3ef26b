#include "view/tui/marks.h"

#include <string.h>

#define CHANGED_NS 2000000000u /* a change is shown this long */
#define RED_NS     1000000000u /* then a closed row is dim */

static unsigned slot_of(uint64_t uid)
{
	return (unsigned)(uid * 0x9e3779b97f4a7c15u >> 32) % (2 * MARKS_MOST);
}

static void index_old(struct marks *m)
{
	memset(m->slot, 0, sizeof(m->slot));
	for (unsigned i = 0; i < m->n_old; i++) {
		unsigned s = slot_of(m->old[i].facts.uid);

		while (m->slot[s])
			s = (s + 1) % (2 * MARKS_MOST);
		m->slot[s] = (uint16_t)(i + 1);
	}
}

static const struct mark_entry *find_old(const struct marks *m, uint64_t uid)
{
	for (unsigned s = slot_of(uid); m->slot[s]; s = (s + 1) % (2 * MARKS_MOST)) {
		const struct mark_entry *e = &m->old[m->slot[s] - 1];

		if (e->facts.uid == uid)
			return e;
	}
	return NULL;
}

void marks_begin(struct marks *m, uint64_t now_ns)
{
	if (now_ns != m->now_ns) {
		memcpy(m->old, m->now, m->n_now * sizeof(m->now[0]));
		m->n_old = m->n_now;
		m->old_ns = m->now_ns;
		m->now_ns = now_ns;
		index_old(m);
	}
	m->n_now = 0;
}

struct mark marks_row(struct marks *m, const struct mark_facts *facts)
{
	const struct mark_entry *old = find_old(m, facts->uid);
	struct mark_entry e = {.facts = *facts};

	if (old) {
		e.changed_ns = old->changed_ns;
		e.gone_ns = old->gone_ns;
		if (old->facts.state != facts->state)
			e.changed_ns = m->now_ns;
		if (facts->gone && !old->facts.gone)
			e.gone_ns = m->now_ns;
		e.mark.sent = facts->sent > old->facts.sent;
		e.mark.received = facts->received > old->facts.received;
	}
	e.mark.gone = facts->gone;
	e.mark.changed = e.changed_ns && m->now_ns - e.changed_ns < CHANGED_NS;
	e.mark.just_gone = facts->gone && e.gone_ns && m->now_ns - e.gone_ns < RED_NS;
	if (m->n_now < MARKS_MOST)
		m->now[m->n_now++] = e;
	return e.mark;
}
