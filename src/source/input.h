/*
 * input — the bytes of one open file as a window that only moves forward.
 *
 * Regular files are read in big chunks. Everything else (pipes, sockets, terminals) is
 * asked by poll(2) first, so a quiet writer never blocks the reader: it gets
 * INPUT_IDLE.
 */
#ifndef KONN_SOURCE_INPUT_H
#define KONN_SOURCE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cur.h"
#include "base/err.h"

#define INPUT_WINDOW ((size_t)128 << 10) /* half of a small second-level cache */

struct inflate;

enum input_status {
	INPUT_READY,
	INPUT_IDLE,   /* nothing there now; poll the descriptor */
	INPUT_END,    /* the file ended before that many bytes */
	INPUT_BROKEN, /* read error or bad compressed data: err says what */
};

struct input {
	uint8_t *window;     /* owned */
	size_t cap, at, end; /* unread: window[at..end) */
	uint64_t base;       /* offset of window[0] in the (unpacked) bytes */
	uint64_t read_bytes; /* taken from fd so far */
	uint64_t start;      /* regular files: offset of the first byte in the file */
	struct inflate *inflate; /* owned; NULL: bytes are taken as they are */
	int fd;                  /* borrowed */
	bool regular, eof;
};

/* `window_bytes` is what one read takes; the window grows when a record needs more. */
int input_open(struct input *in, int fd, size_t window_bytes);
void input_close(struct input *in); /* leaves fd open */

/*
 * Makes at least `want` bytes unread. Pointers into the window are void afterwards,
 * whatever it returns. After INPUT_END and INPUT_BROKEN the bytes left over are still
 * there.
 */
enum input_status input_want(struct input *in, size_t want, struct err *err);

static inline struct cur input_unread(const struct input *in)
{
	return cur_of(in->window + in->at, in->end - in->at);
}

/* Moves on to where the cursor from input_unread stands. */
static inline void input_advance(struct input *in, const struct cur *c)
{
	in->at = (size_t)(c->at - in->window);
}

static inline uint64_t input_offset(const struct input *in)
{
	return in->base + in->at;
}

/* From here on all bytes, the unread ones included, go through libarchive's filters. */
int input_unpack(struct input *in, struct err *err);

enum input_wait {
	INPUT_NO_WAIT,
	INPUT_WAIT, /* block until there is something */
};

/* One read(2) of the raw file, for those who unpack. */
enum input_status input_read_raw(struct input *in, void *out, size_t most,
	enum input_wait wait, size_t *out_len);

/* False: reading now would block. */
bool input_readable(const struct input *in);

#endif
