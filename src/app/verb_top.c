#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/session.h"
#include "base/text.h"
#include "view/tui/tui.h"

#define FRAMES_MOST    64         /* at a time, however long a search is */
#define FIRST_FRAME_NS 100000000u /* after the start; what came until then is shown */

struct top {
	struct tui *tui;
	struct buf source; /* what the header says of it */
	int tty;           /* owned; -1: standard input is the terminal */
	uint64_t interval_ns, next_frame_ns;
	bool paused;
};

static void draw_once(struct session *s)
{
	struct top *t = s->state;
	const struct snapshot *snapshot = engine_query(s->engine, tui_query(t->tui));

	if (snapshot)
		tui_show(t->tui, snapshot);
}

/* The shell's ^Z: the supervisor sees the stop, stops too, and comes back with fg. */
static void suspend(struct session *s)
{
	struct top *t = s->state;

	tui_suspend(t->tui);
	if (kill(getpid(), SIGSTOP) < 0)
		s->stop = true; /* cannot happen: our own process */
	tui_resume(t->tui);
}

/* True: the screen should be drawn again. */
static bool obey(struct session *s, const struct intent *in)
{
	struct top *t = s->state;

	switch (in->kind) {
	case INTENT_NONE: break;
	case INTENT_QUIT: s->stop = true; break;
	case INTENT_SUSPEND: suspend(s); return true;
	case INTENT_PAUSE:
		t->paused = in->number;
		if (t->paused)
			engine_freeze(s->engine);
		else
			engine_thaw(s->engine);
		return !t->paused;
	case INTENT_INTERVAL:
		t->interval_ns = in->number * 1000000;
		t->next_frame_ns = 0;
		break;
	case INTENT_UPDATE: return true;
	case INTENT_FLUSH: engine_forget_closed(s->engine); return true;
	}
	return false;
}

/* Does what was asked for, and draws; a frame may ask for another one (a search goes
 * on). */
static void draw(struct session *s, bool wanted)
{
	struct top *t = s->state;

	for (int i = 0; i < FRAMES_MOST; i++) {
		struct intent in;

		while ((in = tui_intent(t->tui)).kind != INTENT_NONE)
			wanted |= obey(s, &in);
		if (!wanted || s->stop)
			return;
		wanted = false;
		draw_once(s);
	}
}

static void top_input(struct session *s, uint64_t now_ns)
{
	struct top *t = s->state;

	draw(s, tui_keys(t->tui, now_ns));
}

static void top_resized(struct session *s)
{
	struct top *t = s->state;

	tui_resized(t->tui);
	draw(s, true);
}

/* Called at each wake-up; draws when the interval is over, and wakes up for the next.
 */
static void top_turn(struct session *s)
{
	struct top *t = s->state;
	uint64_t now = clock_now(&s->clock);

	if (now >= t->next_frame_ns) {
		t->next_frame_ns = now + t->interval_ns;
		draw(s, !t->paused);
	}
	if (s->next_tick_ns > t->next_frame_ns)
		s->next_tick_ns = t->next_frame_ns;
}

static void top_packets(struct session *s)
{
	top_turn(s);
}

static void top_tick(struct session *s, uint64_t now_ns)
{
	(void)now_ns;
	top_turn(s);
}

static int top_fd(struct session *s)
{
	const struct top *t = s->state;

	return t->tty >= 0 ? t->tty : STDIN_FILENO;
}

static void name_source(struct session *s)
{
	struct top *t = s->state;

	for (unsigned i = 0; i < s->n_files; i++) {
		buf_str(&t->source, i ? ", " : "");
		text_clean(&t->source, s->files[i].name, strlen(s->files[i].name));
	}
	if (s->n_files)
		return;
	for (unsigned i = 0; i < s->o->interfaces.count; i++) {
		const char *name = s->o->interfaces.at[i];

		buf_str(&t->source, i ? ", " : "");
		text_clean(&t->source, name, strlen(name));
	}
	if (s->o->interfaces.count == 0)
		buf_str(&t->source, "all interfaces");
}

static int top_open(struct session *s, struct engine_setup *setup, struct err *err)
{
	struct top *t = calloc(1, sizeof(*t));
	struct tui_setup ui = {
		.style = s->style,
		.host = s->n_files ? "" : s->host,
		.filter = s->filter,
		.filter_text = s->filter_text,
		.columns = s->o->n_columns ? s->columns : NULL,
		.n_columns = s->o->n_columns ? s->n_columns : 0,
		.sort = s->o->sort,
		.reverse = s->o->sort_reverse,
	};
	const char *usual = s->n_files ? "bytes" : "bps";

	s->state = t;
	if (!t)
		return err_errno(err, "start");
	t->tty = -1;
	t->interval_ns = s->o->given[OPTION_INTERVAL] ? s->o->interval_ns : 1000000000;
	t->next_frame_ns = clock_now(&s->clock) + FIRST_FRAME_NS;
	s->next_tick_ns = t->next_frame_ns;
	if (!isatty(STDIN_FILENO))
		t->tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (ui.sort < 0) { /* what eats the line comes first */
		ui.sort = column_find(usual, strlen(usual));
		ui.reverse = true;
	}
	name_source(s);
	ui.source = buf_cstr(&t->source);
	ui.interval_ms = t->interval_ns / 1000000;
	ui.tty = top_fd(s);
	setup->keep_ended = s->n_files > 0;
	return tui_open(&ui, &t->tui, err);
}

static void top_close(struct session *s)
{
	struct top *t = s->state;

	if (!t)
		return;
	tui_close(t->tui);
	if (t->tty >= 0)
		(void)close(t->tty); /* a terminal: nothing is pending */
	buf_done(&t->source);
	free(t);
}

const struct verb_ops verb_top = {
	.open = top_open,
	.packets = top_packets,
	.tick = top_tick,
	.idle = top_turn,
	.fd = top_fd,
	.input = top_input,
	.resized = top_resized,
	.close = top_close,
	.stays = true,
	.no_summary = true,
	.endless = true,
};
