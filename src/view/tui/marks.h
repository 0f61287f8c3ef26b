/* marks — what happened to each visible connection since the last frame: new, changed,
 * gone. */
#ifndef KONN_VIEW_TUI_MARKS_H
#define KONN_VIEW_TUI_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#define MARKS_MOST 512 /* rows of the tallest screen */

struct mark_facts { /* what the snapshot says of a row */
	uint64_t uid;
	uint64_t state;          /* hash of what counts as a change */
	uint64_t sent, received; /* packets of orig and resp */
	bool gone;               /* the connection is over */
};

struct mark { /* what the screen shows of it */
	bool changed, gone, just_gone;
	bool sent, received; /* packets since the last frame */
};

struct marks {
	struct mark_entry {
		struct mark_facts facts;
		uint64_t changed_ns, gone_ns; /* 0: never while it was seen */
		struct mark mark;
	} old[MARKS_MOST], now[MARKS_MOST];
	unsigned n_old, n_now;
	uint64_t old_ns, now_ns;
	uint16_t slot[2 * MARKS_MOST]; /* hash of `old` by uid: index + 1, 0 empty */
};

/* A new frame begins. The same time again (a key was pressed) keeps what was to be
 * compared. */
void marks_begin(struct marks *m, uint64_t now_ns);
struct mark marks_row(struct marks *m, const struct mark_facts *facts);

#endif
