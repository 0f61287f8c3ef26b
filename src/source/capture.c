#include "source/capture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "source/inflate.h"

int capture_open(
	const struct capture_setup *setup, struct capture *out, struct err *err)
{
	int r;

	*out = (struct capture){
		.name = setup->name,
		.pcapng = {.interfaces = setup->interfaces,
			.counters = setup->counters},
	};
	r = input_open(&out->input, setup->fd, setup->window_bytes);
	if (r < 0)
		return err_set(err, EXIT_NO_INPUT, "%s: %s", setup->name, strerror(-r));
	return 0;
}

void capture_close(struct capture *c)
{
	input_close(&c->input);
	pcapng_done(&c->pcapng);
}

/* "NAME: what"; the code says whether anything of the file is usable. */
static enum source_status damaged(
	const struct capture *c, struct err *err, const char *what)
{
	(void)err_set(err, c->sound ? EXIT_PARTIAL : EXIT_NO_INPUT, "%s: %s%s", c->name,
		what, c->input.inflate ? " (unpacked)" : "");
	return SOURCE_DAMAGED;
}

static enum source_status unreadable(
	const struct capture *c, struct err *err, const struct err *cause)
{
	unsigned long long at = input_offset(&c->input) + c->input.end - c->input.at;
	int code = c->sound ? EXIT_PARTIAL : EXIT_NO_INPUT;

	if (!c->sound)
		(void)err_set(err, code, "%s: %s", c->name, cause->text);
	else if (c->input.inflate)
		(void)err_set(err, code, "%s: %s, after packet %llu", c->name,
			cause->text, (unsigned long long)c->packets);
	else
		(void)err_set(err, code, "%s: %s at byte %llu, after packet %llu",
			c->name, cause->text, at, (unsigned long long)c->packets);
	return SOURCE_DAMAGED;
}

static enum source_status cut(const struct capture *c, bool in_packet, struct err *err)
{
	unsigned long long end = input_offset(&c->input) + c->input.end - c->input.at;
	unsigned long long packets = c->packets;
	char what[96];

	if (!end)
		(void)snprintf(what, sizeof(what), "empty file, no capture");
	else if (!c->sound)
		(void)snprintf(
			what, sizeof(what), "cut in the file header at byte %llu", end);
	else if (in_packet)
		(void)snprintf(what, sizeof(what), "cut in packet %llu at byte %llu",
			packets + 1, end);
	else
		(void)snprintf(what, sizeof(what), "cut after packet %llu at byte %llu",
			packets, end);
	return damaged(c, err, what);
}

static enum source_status wrong(const struct capture *c, bool in_packet,
	const struct err *fault, struct err *err)
{
	unsigned long long at = input_offset(&c->input), packets = c->packets;
	char what[256];

	if (!c->sound)
		(void)snprintf(what, sizeof(what), "%.160s", fault->text);
	else if (in_packet)
		(void)snprintf(what, sizeof(what), "packet %llu at byte %llu: %.160s",
			packets + 1, at, fault->text);
	else
		(void)snprintf(what, sizeof(what),
			"byte %llu, after packet %llu: %.160s", at, packets,
			fault->text);
	return damaged(c, err, what);
}

/* What a failed input_want means here; `in_packet` for where a file was cut. */
static enum source_status stopped(const struct capture *c, enum input_status status,
	bool in_packet, const struct err *cause, struct err *err)
{
	switch (status) {
	case INPUT_IDLE: return SOURCE_IDLE;
	case INPUT_BROKEN: return unreadable(c, err, cause);
	case INPUT_READY:
	case INPUT_END: break;
	}
	if (c->sound && c->input.at == c->input.end)
		return SOURCE_END;
	return cut(c, in_packet, err);
}

static enum source_status not_capture(const struct capture *c, struct err *err)
{
	struct cur in = input_unread(&c->input);
	char what[96] = "not a capture file (it begins with";
	size_t used = strlen(what), shown = cur_left(&in) < 4 ? cur_left(&in) : 4;

	for (size_t i = 0; i < shown; i++)
		used += (size_t)snprintf(
			what + used, sizeof(what) - used, " %02x", cur_u8(&in));
	(void)snprintf(what + used, sizeof(what) - used, ")");
	return damaged(c, err, what);
}

/* Looks at the first bytes, unpacking as needed. SOURCE_FRAMES: the format is known. */
static enum source_status recognise(struct capture *c, struct err *err)
{
	struct err cause = {0};
	enum input_status status;
	struct cur in;

	for (;;) {
		status = input_want(&c->input, INFLATE_MAGIC, &cause);
		in = input_unread(&c->input);
		if (status == INPUT_IDLE || status == INPUT_BROKEN || cur_left(&in) < 4)
			return stopped(c, status, false, &cause, err);
		if (c->input.inflate || !inflate_detect(in.at, cur_left(&in)))
			break;
		if (input_unpack(&c->input, &cause) < 0)
			return unreadable(c, err, &cause);
	}
	if (pcapfile_detect(in.at))
		c->format = CAPTURE_PCAP;
	else if (pcapng_detect(in.at))
		c->format = CAPTURE_PCAPNG;
	else
		return not_capture(c, err);
	return SOURCE_FRAMES;
}

static enum source_status begin_pcap(struct capture *c, struct err *err)
{
	struct err cause = {0};
	enum input_status status = input_want(&c->input, PCAPFILE_HEADER_BYTES, &cause);
	struct cur in = input_unread(&c->input);

	if (status != INPUT_READY)
		return stopped(c, status, false, &cause, err);
	if (pcapfile_begin(&c->pcap, &in, c->pcapng.interfaces, &cause) < 0)
		return damaged(c, err, cause.text);
	input_advance(&c->input, &in);
	c->sound = true;
	return SOURCE_FRAMES;
}

static void scan_once(struct capture *c, struct scan *s)
{
	s->in = input_unread(&c->input);
	s->want = 0;
	if (c->format == CAPTURE_PCAP) {
		pcapfile_scan(&c->pcap, s);
	} else {
		pcapng_scan(&c->pcapng, s);
		c->sound = c->pcapng.section;
	}
	input_advance(&c->input, &s->in);
}

enum source_status capture_next(struct capture *c, struct frame *frames, unsigned most,
	unsigned *out_count, struct err *err)
{
	struct scan s = {.frames = frames, .most = most};
	struct err cause = {0};
	enum source_status status = SOURCE_FRAMES;
	enum input_status input;

	if (c->format == CAPTURE_UNKNOWN)
		status = recognise(c, err);
	if (status == SOURCE_FRAMES && c->format == CAPTURE_PCAP && !c->sound)
		status = begin_pcap(c, err);
	if (status != SOURCE_FRAMES)
		return status;
	for (;;) {
		scan_once(c, &s);
		if (s.count) { /* a fault comes again with the next call */
			*out_count = s.count;
			c->packets += s.count;
			return SOURCE_FRAMES;
		}
		if (s.fault.exit_code)
			return wrong(c, s.in_packet, &s.fault, err);
		input = input_want(&c->input, s.want, &cause);
		if (input != INPUT_READY)
			return stopped(c, input, s.in_packet, &cause, err);
	}
}
