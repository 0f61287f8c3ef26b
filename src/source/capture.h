/* capture — one capture file of any format and compression, read from its descriptor.
 */
#ifndef KONN_SOURCE_CAPTURE_H
#define KONN_SOURCE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "source/input.h"
#include "source/pcapfile.h"
#include "source/pcapng.h"

enum capture_format {
	CAPTURE_UNKNOWN, /* not enough was read yet */
	CAPTURE_PCAP,
	CAPTURE_PCAPNG,
};

struct capture {
	struct input input;
	const char *name; /* borrowed */
	struct pcapfile pcap;
	struct pcapng pcapng;
	uint64_t packets; /* handed out so far */
	uint8_t format;
	bool sound; /* the file's header was read: it is a capture */
};

/* `interfaces` and `counters` are borrowed until capture_close. `fd` stays the
 * caller's. */
struct capture_setup {
	const char *name;
	int fd;
	size_t window_bytes;
	struct interfaces *interfaces;
	struct source_counters *counters;
};

int capture_open(
	const struct capture_setup *setup, struct capture *out, struct err *err);
void capture_close(struct capture *c); /* zeroed is fine */

/*
 * As source_ops.next, for one file: at most `most` frames. After SOURCE_END and
 * SOURCE_DAMAGED it must not be called again.
 */
enum source_status capture_next(struct capture *c, struct frame *frames, unsigned most,
	unsigned *out_count, struct err *err);

#endif
