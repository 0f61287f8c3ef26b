#include "app/doctor/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/options.h"
#include "app/record.h"
#include "base/text.h"
#include "view/view.h"

#define WIDTH         80
#define STATE_COLUMN  20
#define REASON_COLUMN 29
#define FIELDS        5

static const struct {
	const char *name;
	bool needed;
	doctor_check *run;
} checks[] = {
#define CHECK(function_, name_, needed_) {(name_), (needed_), check_##function_},
#include "app/doctor/checks.def"
#undef CHECK
};

#define CHECKS (sizeof(checks) / sizeof(checks[0]))

static const char *state_name(enum doctor_state state)
{
	static const char *const names[] = {
		[DOCTOR_WORKS] = "works",
		[DOCTOR_PARTLY] = "partly",
		[DOCTOR_MISSING] = "missing",
		[DOCTOR_UNKNOWN] = "unknown",
		[DOCTOR_INFO] = "info",
	};

	return names[state];
}

void finding_set(struct finding *f, enum doctor_state state, const char *format, ...)
{
	va_list args;

	f->state = state;
	va_start(args, format);
	(void)vsnprintf(f->reason, sizeof(f->reason), format, args); /* cut is fine */
	va_end(args);
}

void finding_command(struct finding *f, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(f->command, sizeof(f->command), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(f->command))
		f->command[0] = '\0'; /* half a command may do something else */
}

/* ---- output ---- */

struct page {
	struct buf *out;
	const struct view *view;
	struct view_style style;
	bool titled;
};

static void text_line(struct page *p, struct buf *line)
{
	struct record r = {.kind = "doctor", .text = buf_cstr(line)};

	p->view->record(p->out, &r, &p->style, false);
	p->out->oom |= line->oom;
	buf_reset(line);
}

/* Words of the reason, as many to a line as there is room for. */
static void text_reason(struct page *p, struct buf *line, const char *reason)
{
	for (size_t len; *reason; reason += len + strspn(reason + len, " ")) {
		len = strcspn(reason, " ");
		if (line->len > REASON_COLUMN && line->len + 1 + len > WIDTH)
			text_line(p, line);
		if (line->len < REASON_COLUMN)
			buf_fill(line, ' ', REASON_COLUMN - line->len);
		else if (line->len > REASON_COLUMN)
			buf_char(line, ' ');
		buf_add(line, reason, len);
	}
	text_line(p, line);
}

static void add_text(struct page *p, const char *name, const struct finding *f)
{
	struct buf line = {0};

	buf_fmt(&line, "%-*s%-*s", STATE_COLUMN, name, REASON_COLUMN - STATE_COLUMN,
		f->state == DOCTOR_INFO ? "" : state_name(f->state));
	text_reason(p, &line, f->reason);
	if (f->command[0]) {
		buf_fmt(&line, "    %s", f->command);
		text_line(p, &line); /* whole, so that it can be copied */
	}
	buf_done(&line);
}

static void add_record(struct page *p, size_t i, const struct finding *f)
{
	struct record_field fields[FIELDS] = {
		record_text("check", checks[i].name),
		record_text("state", state_name(f->state)),
		record_truth("needed", checks[i].needed),
		record_text("reason", f->reason),
		record_text("command", f->command),
	};
	struct record r = {.kind = "doctor", .fields = fields, .count = FIELDS};

	fields[3].value.present = f->reason[0] != '\0';
	fields[4].value.present = f->command[0] != '\0';
	p->view->record(p->out, &r, &p->style, !p->titled);
	p->titled = true;
}

/* ---- the verb ---- */

static int check_usage(const struct options *o, struct err *err)
{
	if (o->words.count)
		return err_set(err, EXIT_USAGE, "doctor takes no filter: %.60s",
			o->words.at[0]);
	for (int i = 0; i < OPTIONS_END; i++)
		if (o->given[i] && i != OPTION_OUTPUT && i != OPTION_JSON &&
			i != OPTION_QUIET && i != OPTION_NO_COLOR)
			return err_set(err, EXIT_USAGE,
				"doctor looks at this machine as it is: --%s does not "
				"go with it",
				options_row((enum option_id)i)->name);
	return 0;
}

int doctor_run(const struct options *o, struct buf *out, struct err *err)
{
	struct page p = {.out = out, .view = view_find(o->output)};
	struct doctor d = {0};
	bool text = strcmp(o->output, "text") == 0;
	int ret = check_usage(o, err);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < CHECKS; i++) {
		struct finding found = {.state = DOCTOR_MISSING}, f = found;
		struct buf clean = {0};

		checks[i].run(&d, &found);
		f.state = found.state;
		text_clean(&clean, found.reason, strlen(found.reason));
		finding_set(&f, f.state, "%s", buf_cstr(&clean));
		buf_reset(&clean);
		text_clean(&clean, found.command, strlen(found.command));
		finding_command(&f, "%s", buf_cstr(&clean));
		buf_done(&clean);
		if (text)
			add_text(&p, checks[i].name, &f);
		else
			add_record(&p, i, &f);
		if (checks[i].needed &&
			(f.state == DOCTOR_PARTLY || f.state == DOCTOR_MISSING))
			ret = EXIT_PARTIAL;
	}
	return ret;
}
