#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/bpf.h"
#include "source/capture.h"
#include "source/source.h"

/* Several capture files as one source: the rotated files of one capture, in their
 * order. */

#define PROBE_WINDOW ((size_t)16 << 10) /* enough for a header and a packet */

struct slot {
	const char *name;  /* borrowed */
	uint64_t first_ns; /* time of the first packet; UINT64_MAX: a pipe, not known */
	unsigned given;    /* place among the caller's files; settles equal times */
	int fd;            /* owned; -1: closed */
};

struct file_source {
	struct slot *slots; /* owned; in the order of reading */
	unsigned count, current;
	struct capture capture; /* of the current slot, when open */
	bool open;
	struct interfaces interfaces;
	struct source_counters counters;
	struct bpf *bpf; /* owned; NULL: no filter */
	/* what went wrong */
	struct err first;
	unsigned problems;
	bool any_sound; /* something could be read from a file */
	bool stopped;   /* the filter cannot be compiled for a link type */
};

static void close_slot(struct slot *slot)
{
	if (slot->fd >= 0)
		(void)close(slot->fd); /* only read from */
	slot->fd = -1;
}

static void file_close(void *self)
{
	struct file_source *f = self;

	if (!f)
		return;
	if (f->open)
		capture_close(&f->capture);
	for (unsigned i = 0; f->slots && i < f->count; i++)
		close_slot(&f->slots[i]);
	interfaces_done(&f->interfaces);
	bpf_free(f->bpf);
	free(f->slots);
	free(f);
}

static void note_problem(struct file_source *f, const struct err *problem)
{
	if (f->problems++ == 0)
		f->first = *problem;
}

static int open_current(struct file_source *f, struct err *err)
{
	const struct slot *slot = &f->slots[f->current];
	struct capture_setup setup = {
		.name = slot->name,
		.fd = slot->fd,
		.window_bytes = INPUT_WINDOW,
		.interfaces = &f->interfaces,
		.counters = &f->counters,
	};
	int r = capture_open(&setup, &f->capture, err);

	f->open = r == 0;
	return r;
}

static void leave_current(struct file_source *f)
{
	if (f->open) {
		f->any_sound |= f->capture.sound;
		capture_close(&f->capture);
	}
	f->open = false;
	close_slot(&f->slots[f->current]);
	f->current++;
}

static enum source_status finish(const struct file_source *f, struct err *err)
{
	int code = f->any_sound ? EXIT_PARTIAL : EXIT_NO_INPUT;

	if (f->stopped) {
		(void)err_set(err, f->first.exit_code, "%s", f->first.text);
		return SOURCE_DAMAGED;
	}
	if (!f->problems)
		return SOURCE_END;
	if (f->problems == 1)
		(void)err_set(err, code, "%s", f->first.text);
	else
		(void)err_set(err, code, "%.400s; %u more damaged file%s",
			f->first.text, f->problems - 1, f->problems == 2 ? "" : "s");
	return SOURCE_DAMAGED;
}

static enum source_status stop(
	struct file_source *f, const struct err *why, struct err *err)
{
	f->first = *why;
	f->stopped = true;
	while (f->current < f->count)
		leave_current(f);
	return finish(f, err);
}

static enum source_status file_next(void *self, uint64_t now_ns, struct frame *frames,
	unsigned *out_count, struct err *err)
{
	struct file_source *f = self;
	struct err problem = {0};
	enum source_status status;

	(void)now_ns;
	while (f->current < f->count) {
		if (!f->open && open_current(f, &problem) < 0)
			status = SOURCE_DAMAGED;
		else
			status = capture_next(
				&f->capture, frames, FRAME_BATCH, out_count, &problem);
		if (status == SOURCE_IDLE)
			return status;
		if (status == SOURCE_FRAMES) {
			if (f->bpf &&
				bpf_apply(f->bpf, frames, *out_count, &problem) < 0)
				return stop(f, &problem, err);
			return status;
		}
		if (status == SOURCE_DAMAGED)
			note_problem(f, &problem);
		leave_current(f);
	}
	return finish(f, err);
}

static unsigned file_interfaces(void *self, const struct source_interface **out)
{
	struct file_source *f = self;

	*out = f->interfaces.list;
	return f->interfaces.count;
}

static void file_counters(void *self, struct source_counters *out)
{
	struct file_source *f = self;

	*out = f->counters;
}

static unsigned file_fds(void *self, int *out, unsigned most)
{
	struct file_source *f = self;

	if (!f->open || f->capture.input.regular || !most)
		return 0;
	out[0] = f->slots[f->current].fd;
	return 1;
}

static uint64_t file_due(void *self)
{
	(void)self;
	return UINT64_MAX;
}

static const struct source_ops file_ops = {
	.next = file_next,
	.interfaces = file_interfaces,
	.counters = file_counters,
	.fds = file_fds,
	.due_ns = file_due,
	.close = file_close,
};

/* What the first packet of a regular file says; -errno only for a bad filter. */
static int probe(struct file_source *f, struct slot *slot, struct err *err)
{
	struct interfaces interfaces = {0};
	struct source_counters counters = {0};
	struct capture_setup setup = {
		.name = slot->name,
		.fd = slot->fd,
		.window_bytes = PROBE_WINDOW,
		.interfaces = &interfaces,
		.counters = &counters,
	};
	struct frame frame;
	struct capture capture;
	unsigned count = 0;
	int r = 0;

	if (capture_open(&setup, &capture, NULL) < 0)
		return 0; /* reading it will fail again, and say so */
	if (capture_next(&capture, &frame, 1, &count, NULL) == SOURCE_FRAMES)
		slot->first_ns = frame.ts_ns;
	if (f->bpf && interfaces.count)
		r = bpf_prepare(f->bpf,
			count ? frame.linktype : interfaces.list[0].linktype, err);
	capture_close(&capture);
	interfaces_done(&interfaces);
	return r;
}

static bool is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static int earlier_first(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	if (x->first_ns != y->first_ns)
		return x->first_ns > y->first_ns ? 1 : -1;
	return x->given > y->given ? 1 : -1;
}

static int prepare(struct file_source *f, struct err *err)
{
	for (unsigned i = 0; i < f->count; i++) {
		struct slot *slot = &f->slots[i];
		int r = 0;

		if (is_regular(slot->fd))
			r = probe(f, slot, err);
		else
			slot->first_ns = UINT64_MAX;
		if (r < 0)
			return r;
	}
	qsort(f->slots, f->count, sizeof(*f->slots), earlier_first);
	return 0;
}

static struct file_source *new_source(
	const struct source_file *files, unsigned count, const char *bpf)
{
	struct file_source *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->slots = calloc(count ? count : 1, sizeof(*f->slots));
	f->bpf = bpf ? bpf_new(bpf) : NULL;
	if (!f->slots || bpf && !f->bpf) {
		file_close(f);
		return NULL;
	}
	for (unsigned i = 0; i < count; i++)
		f->slots[i] = (struct slot){
			.name = files[i].name, .fd = files[i].fd, .given = i};
	f->count = count;
	return f;
}

int file_source_open(const struct source_file *files, unsigned count, const char *bpf,
	struct source *out, struct err *err)
{
	struct file_source *f = new_source(files, count, bpf);
	int r;

	if (!f) {
		for (unsigned i = 0; i < count; i++)
			(void)close(files[i].fd); /* only read from */
		(void)err_set(err, EXIT_NO_INPUT, "out of memory");
		return -ENOMEM;
	}
	r = prepare(f, err);
	if (r < 0) {
		file_close(f);
		return r;
	}
	*out = (struct source){&file_ops, f};
	return 0;
}
