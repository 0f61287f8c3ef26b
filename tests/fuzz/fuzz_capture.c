/*
 * Capture readers: any bytes as a file or, by the first byte, through a pipe in two
 * pieces and with a filter. Whatever comes out must keep the contract of source.h.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/source.h"

#define PIPE_BYTES 60000 /* fits into a pipe without a reader */
#define MOST_CALLS 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { /* bits of the first byte */
	BY_PIPE = 1,
	WITH_FILTER = 2,
};

struct totals {
	uint64_t packets, touched;
	enum source_status status;
};

static void put(int fd, const uint8_t *data, size_t len)
{
	if (write(fd, data, len) != (ssize_t)len)
		abort();
}

static uint64_t check_frame(const struct source *source, const struct frame *f)
{
	const struct source_interface *list;
	unsigned count = source->ops->interfaces(source->self, &list);
	uint64_t sum = 0;

	assert(f->interface < count);
	assert(f->dir <= FRAME_DIR_OUT);
	for (uint32_t i = 0; i < f->caplen; i++)
		sum += f->bytes[i]; /* the sanitizer looks */
	return sum;
}

/* Everything that is there now; returns at SOURCE_IDLE too. */
static void drain(const struct source *source, struct totals *t)
{
	struct frame frames[FRAME_BATCH];
	struct err err = {0};
	unsigned count;

	for (unsigned calls = 0; calls < MOST_CALLS; calls++) {
		count = 0;
		t->status = source->ops->next(source->self, 0, frames, &count, &err);
		if (t->status != SOURCE_FRAMES)
			break;
		assert(count > 0 && count <= FRAME_BATCH);
		t->packets += count;
		for (unsigned i = 0; i < count; i++)
			t->touched += check_frame(source, &frames[i]);
	}
	if (t->status == SOURCE_DAMAGED)
		assert(err.exit_code && err.text[0]);
}

static bool open_source(int fd, bool filter, struct source *out)
{
	struct source_file file = {fd, "fuzz"};
	struct err err = {0};

	if (file_source_open(&file, 1, filter ? "tcp port 80" : NULL, out, &err) == 0)
		return true;
	assert(err.exit_code == EXIT_USAGE);
	return false;
}

static void by_file(const uint8_t *data, size_t size, bool filter)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct totals t = {0};
	struct source source;

	if (fd < 0)
		abort();
	put(fd, data, size);
	(void)lseek(fd, 0, SEEK_SET);
	if (!open_source(fd, filter, &source))
		return;
	drain(&source, &t);
	assert(t.status == SOURCE_END || t.status == SOURCE_DAMAGED);
	source.ops->close(source.self);
}

static void by_pipe(const uint8_t *data, size_t size, bool filter)
{
	size_t half = size / 2;
	struct totals t = {0};
	struct source source;
	int ends[2];

	if (size > PIPE_BYTES || pipe(ends) < 0)
		return;
	if (open_source(ends[0], filter, &source)) {
		put(ends[1], data, half);
		drain(&source, &t);
		if (t.status == SOURCE_IDLE)
			put(ends[1], data + half, size - half);
		close(ends[1]);
		drain(&source, &t);
		assert(t.status == SOURCE_END || t.status == SOURCE_DAMAGED);
		source.ops->close(source.self);
	}
}

/* Other compressions than gzip may wait for the rest of a block, which never comes
 * here. */
static bool may_wait(const uint8_t *data, size_t size)
{
	static const uint8_t firsts[] = {0x28, 0xfd, 0x04, 'B'};

	return size && memchr(firsts, data[0], sizeof(firsts));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & BY_PIPE && !may_wait(data + 1, size - 1))
		by_pipe(data + 1, size - 1, data[0] & WITH_FILTER);
	else
		by_file(data + 1, size - 1, data[0] & WITH_FILTER);
	return 0;
}
