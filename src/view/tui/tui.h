/* tui — the full screen: draws snapshots, reads keys, says what the user wants. */
#ifndef KONN_VIEW_TUI_TUI_H
#define KONN_VIEW_TUI_TUI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/query.h"
#include "model/snapshot.h"
#include "view/view.h"

enum intent_kind {
	INTENT_NONE,
	INTENT_QUIT,
	INTENT_SUSPEND, /* ^Z: the caller stops the process; tui_resume afterwards */
	INTENT_PAUSE, /* args: 1 pause, 0 go on (the display only; counting goes on) */
	INTENT_INTERVAL, /* number: new interval in ms */
	INTENT_UPDATE,   /* a fresh snapshot now */
	INTENT_FLUSH,    /* forget closed rows */
};

struct intent {
	enum intent_kind kind;
	uint64_t uid; /* connection it is about; 0: none */
	uint64_t number;
};

struct tui_setup {
	struct view_style style;
	const char *host;            /* of the header; cleaned */
	const char *source;          /* "eth0, lo" or a file's name; cleaned */
	const struct filter *filter; /* from the command line; NULL: none. Borrowed */
	const char *filter_text;     /* its text, to be edited */
	uint64_t interval_ms;
	const uint16_t *columns; /* from -C; NULL: by priority */
	unsigned n_columns;
	int sort; /* column; -1: none */
	bool reverse;
	int tty; /* descriptor of the terminal, read and written (/dev/tty or 0) */
};

struct tui;

/* Takes over the terminal. Fails (and leaves the terminal alone) without a usable one.
 */
int tui_open(const struct tui_setup *setup, struct tui **out, struct err *err);
void tui_close(struct tui *t); /* restores the terminal; NULL is fine */

/* Reads every key that is there; cheap when there is none. True: the screen should be
 * redrawn. */
bool tui_keys(struct tui *t, uint64_t now_ns);
void tui_resized(struct tui *t); /* after SIGWINCH */
void tui_suspend(struct tui *t); /* before stopping: gives the terminal back */
void tui_resume(struct tui *t);

/* What the next frame shows; borrowed until the next call of tui_keys. */
const struct query *tui_query(const struct tui *t);

/* Draws one frame; the snapshot must answer tui_query. It is copied if it must be kept.
 */
void tui_show(struct tui *t, const struct snapshot *s);

/* The oldest intent not yet fetched; kind INTENT_NONE when there is none. */
struct intent tui_intent(struct tui *t);

#endif
