/* source — where frames come from: capture files or live interfaces, batch by batch. */
#ifndef KONN_SOURCE_SOURCE_H
#define KONN_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/frame.h"

struct source_interface {
	char name[64];     /* cleaned; "" when the file does not name it */
	uint32_t ifindex;  /* live only, else 0 */
	uint16_t linktype; /* LINKTYPE_* */
	bool up;           /* live only */
};

/* Counted by the source itself; the engine adds them to the summary. 64 bits, ever
 * growing. */
struct source_counters {
	uint64_t ring_drops; /* live: the ring was full; pcapng: isb_osdrop, else ifdrop
			      */
	uint64_t interface_drops; /* live: rx_missed/dropped of the device since the
				     start */
	uint64_t gaps; /* live: times nothing was read for long (SIGSTOP, suspend) */
};

enum source_status {
	SOURCE_FRAMES,  /* `count` frames are there; more may follow at once */
	SOURCE_IDLE,    /* nothing now; wait on `fds`, and no longer than `due_ns` */
	SOURCE_END,     /* files: all of them were read whole */
	SOURCE_DAMAGED, /* files: all read, but something was broken: err says what
			   (exit 1/66) */
};

/*
 * One kind of source. The object behind `self` is private to its file. `next` hands out
 * at most FRAME_BATCH frames whose bytes are borrowed until the next call; `now_ns` is
 * CLOCK_REALTIME, read before the call (live only; files take no notice).
 */
struct source_ops {
	enum source_status (*next)(void *self, uint64_t now_ns, struct frame *frames,
		unsigned *out_count, struct err *err);
	/* Interfaces seen so far; the list only grows (pcapng, hot-plug). */
	unsigned (*interfaces)(void *self, const struct source_interface **out);
	void (*counters)(void *self, struct source_counters *out);
	/* Live: descriptors to wait on; returns how many were written (<= most). */
	unsigned (*fds)(void *self, int *out, unsigned most);
	/*
	 * After SOURCE_IDLE: when (CLOCK_REALTIME) to call `next` again though nothing
	 * became readable; UINT64_MAX: no need to.
	 */
	uint64_t (*due_ns)(void *self);
	void (*close)(void *self);
};

struct source {
	const struct source_ops *ops;
	void *self; /* owned */
};

/*
 * Opens capture files that the caller opened itself (so that reading needs no
 * privilege). They are read one after the other in the order of their first packet's
 * time; `fd` is taken over. Compressed ones (gz zst xz lz4 bz2) are recognised by
 * content. `bpf` is a tcpdump expression or NULL; frames that it refuses come with
 * `filtered` set. A file that cannot be read at all is reported at the end like damage
 * (the others are read first).
 */
struct source_file {
	int fd;
	const char *name; /* borrowed until close; "-" for stdin */
};
int file_source_open(const struct source_file *files, unsigned count, const char *bpf,
	struct source *out, struct err *err);

/*
 * Checks a tcpdump expression for Ethernet. Where the place of the fault can be found,
 * the message is followed by two more lines, each after a '\n': the expression and a
 * caret below.
 */
int bpf_check(const char *expression, struct err *err);

#endif
