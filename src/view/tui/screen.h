/* screen — everything the full screen remembers between two keys. Private to view/tui.
 */
#ifndef KONN_VIEW_TUI_SCREEN_H
#define KONN_VIEW_TUI_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "model/filter.h"
#include "view/tui/graph.h"
#include "view/tui/keys.h"
#include "view/tui/layout.h"
#include "view/tui/marks.h"
#include "view/tui/paint.h"
#include "view/tui/prompt.h"
#include "view/tui/tty.h"
#include "view/tui/tui.h"

enum mode {
	MODE_LIST,
	MODE_DETAIL,
	MODE_HELP,
	MODE_MENU,
};

enum menu {
	MENU_SORT,
	MENU_COLUMNS,
};

enum asking { /* what the line being typed is for */
	ASKING_NOTHING,
	ASKING_SEARCH,
	ASKING_FILTER,
};

/* Columns that colours and marks need, shown or not; their numbers, -1: no such column.
 */
struct fact_columns {
	int state, conn_state, icmp_error, evicted, idle_ms, age_ms, orig_pkts,
		resp_pkts;
};

struct kept {                   /* a copy of the last snapshot of one kind */
	struct snapshot *block; /* owned; NULL: none yet */
	size_t cap;
	uint64_t serial; /* of the question that it answers */
};

struct cursor { /* the selected connection */
	bool selected;
	bool by_rank; /* its uid is learnt from the next snapshot, at `rank` */
	uint64_t uid, rank;
};

struct search {
	char text[PROMPT_BYTES];
	bool active, backward;
	uint64_t at; /* forward: next rank to look at; backward: the rank before is next
		      */
	uint64_t left; /* rows still to look at */
};

#define INTENTS 16

struct tui {
	struct tty tty;
	struct paint paint;
	struct view_style style;
	char *host, *source; /* owned */
	uint64_t interval_ms;

	enum mode mode, help_from;
	enum menu menu;
	enum asking asking;
	unsigned window; /* seconds that rates are averaged over: 1, 10, 60 */
	int sort;        /* column as chosen; -1: none */
	int cell;        /* column of the cell cursor; -1: the sort column */
	unsigned n_chosen, n_wanted, n_intents, menu_at;
	unsigned scroll, scroll_most; /* lines of the details or the help */
	bool paused, page_stays, established_only, reverse;
	bool filter_is_new; /* the list changed because the user asked for it */
	bool has_totals;
	bool detail_gone; /* what is shown of it is the last that was known */
	bool message_trouble;

	/* what is asked for */
	struct query query;
	uint64_t serial;             /* counts changes of the question */
	const struct filter *filter; /* in use; NULL: all */
	struct filter *own_filter;   /* owned; NULL: `filter` is the command line's */
	uint64_t first, detail_uid;
	struct cursor cursor;
	struct search search;
	uint16_t chosen[QUERY_COLUMNS]; /* columns wanted, in the order of the screen */
	uint16_t wanted[QUERY_COLUMNS]; /* the same with rates over `window` seconds */
	uint8_t priority[QUERY_COLUMNS]; /* of wanted: those of the chosen ones */
	char filter_text[PROMPT_BYTES];

	/* what is shown */
	struct kept list, detail;
	struct totals totals; /* of the newest snapshot, also when paused */
	uint64_t began_ns;    /* time of the first snapshot */
	struct layout layout;
	struct layout_content content[LAYOUT_COLUMNS];
	struct marks marks;
	struct graph graph;
	struct fact_columns facts;
	struct fact_columns
		facts_at; /* the same as numbers of the snapshot's columns */

	/* lines at the bottom */
	struct prompt prompt;
	struct err prompt_err; /* exit_code 0: the line is fine */
	unsigned prompt_err_at;
	char message[160];
	uint64_t message_ns; /* of totals.now_ns */

	struct intent intents[INTENTS];
	struct buf scratch;
};

/* Where the parts of the screen are, by its size. */
struct frame {
	int header, title, body, body_rows, status, footer; /* lines; -1: not shown */
	int left; /* columns before the first field */
};
struct frame screen_frame(const struct tui *t);

/* A line for the user, until the next key. */
void screen_say(struct tui *t, bool trouble, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void screen_want(struct tui *t, enum intent_kind kind, uint64_t uid, uint64_t number);

/* Rows of the list's last snapshot; 0 when there is none. */
unsigned screen_rows(const struct tui *t);

/* The row of the selected connection in the list's last snapshot; -1: not there. */
int screen_selected_row(const struct tui *t);

/* Column `column` of the model within a snapshot; -1: it is not in there. */
int screen_find(const struct snapshot *s, unsigned column);

#endif
