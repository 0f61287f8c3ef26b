/* session — one run of a verb in the worker: what it reads, knows and writes. */
#ifndef KONN_APP_SESSION_H
#define KONN_APP_SESSION_H

#include "app/clock.h"
#include "app/machine.h"
#include "app/options.h"
#include "app/output.h"
#include "app/pipeline.h"
#include "app/users.h"
#include "core/services.h"
#include "model/engine.h"
#include "model/filter.h"
#include "model/home.h"
#include "view/view.h"

struct session;

/* What a verb does at each point of the run; any but `open` may be NULL. */
struct verb_ops {
	/* Before the engine is made: the verb sets sink, keep_ended… and its state. */
	int (*open)(struct session *s, struct engine_setup *setup, struct err *err);
	/* After each batch; s->pipe.packets holds it. */
	void (*packets)(struct session *s);
	/* Every interval, at most a second late. */
	void (*tick)(struct session *s, uint64_t now_ns);
	/* There was nothing to read: show what is ready. */
	void (*idle)(struct session *s);
	/* A descriptor to wait on beside the source, -1: none; and what to do then. */
	int (*fd)(struct session *s);
	void (*input)(struct session *s, uint64_t now_ns);
	void (*resized)(struct session *s);
	/* Live: an interface went down or came back. */
	void (*link)(struct session *s, const char *name, bool up);
	/* All was read; the engine gave every connection to its sink. */
	void (*finish)(struct session *s);
	void (*close)(struct session *s);
	uint64_t listen_ns; /* live, without --for: so long; 0: a second */
	bool stays;         /* goes on after the end of input */
	bool no_summary;    /* writes no summary line */
	bool sockets;       /* live: shows the sockets of this machine too */
	bool endless;       /* live: without --for it runs until it is stopped */
};

#define LINKS_MOST 64 /* interfaces whose ups and downs are told */

struct session {
	const struct options *o; /* borrowed */
	const struct verb_ops *verb;
	void *state; /* the verb's own */
	const struct services *services;
	struct home *home;           /* owned */
	const struct filter *filter; /* borrowed; NULL: all */
	const char *filter_text;     /* borrowed; "" when there is none */
	const struct source_file *files;
	unsigned n_files; /* 0: live */
	int helper_fd;
	struct machine *machine; /* borrowed; NULL: sockets are not read */
	struct users *users;     /* borrowed */
	bool captures;           /* frames are wanted: a file, or live ones */
	bool captured_only;      /* and sockets only beside them */
	struct clock clock;
	struct pipeline pipe;
	struct engine *engine; /* owned */
	struct output out;
	struct buf remarks; /* for stderr at the end */
	const struct view *view;
	struct view_style style;
	uint16_t columns[QUERY_COLUMNS];
	unsigned n_columns;
	char host[256];
	bool link_up[LINKS_MOST]; /* as last told */
	unsigned links;
	int signal_fd;
	uint64_t shown;                /* rows or events that passed the filter */
	uint64_t gaps;                 /* times the session did not run for long */
	uint64_t next_tick_ns, end_ns; /* engine time; end_ns UINT64_MAX: not known */
	uint64_t stopped_ns;           /* live: capture ended then; 0: it goes on */
	int exit_code;
	bool stop;    /* leave the loop, no more input */
	bool drain;   /* live: hand out what was captured, then stop */
	bool ended;   /* all input was read */
	bool aborted; /* output failed: write nothing more */
};

/* Runs the verb; the whole life of the worker. Returns the exit code. */
int session_run(struct session *s);

/* Notes a failure: its line goes to stderr, its exit code is kept if it is the first.
 */
void session_problem(struct session *s, const struct err *err);

/* Writes what is gathered; a failure ends the session. */
void session_flush(struct session *s);

/* The counters as the last line of the run. */
void summary_write(struct session *s);

/* Packets of link types that konn does not know: message and exit code, if there are.
 */
void summary_unsupported(struct session *s);

/*
 * Sockets and owners of this moment into the engine, if the verb shows them. What fails
 * is noted; what was told is shown all the same.
 */
void session_sockets(struct session *s);

/* Notes what of them is not known, and why. */
void session_missing(struct session *s);

extern const struct verb_ops verb_list, verb_watch, verb_load, verb_rtt, verb_top,
	verb_why;

#endif
