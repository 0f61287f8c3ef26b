#include "source/inflate.h"

#include <archive.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/gunzip.h"

/* no less: the window that was read before must fit */
#define CHUNK_BYTES INPUT_WINDOW

struct inflate {
	struct gunzip *gunzip;   /* owned; NULL: not gzip */
	struct archive *archive; /* owned; NULL: gzip */
	struct input *raw;       /* borrowed */
	const uint8_t *block; /* unpacked, borrowed from archive until its next read */
	size_t block_len;
	size_t first_len; /* bytes of chunk that were read before us */
	const char *name;
	bool opened, ended;
	uint8_t chunk[CHUNK_BYTES];
};

static const struct {
	const char *name;
	uint8_t len, magic[INFLATE_MAGIC];
} kinds[] = {
	{"gzip", 3, {0x1f, 0x8b, 8}},
	{"zstd", 4, {0x28, 0xb5, 0x2f, 0xfd}},
	{"xz", 6, {0xfd, '7', 'z', 'X', 'Z', 0}},
	{"lz4", 4, {0x04, 0x22, 0x4d, 0x18}},
	{"bzip2", 3, {'B', 'Z', 'h'}},
};

const char *inflate_detect(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (len >= kinds[i].len && !memcmp(bytes, kinds[i].magic, kinds[i].len))
			return kinds[i].name;
	return NULL;
}

static la_ssize_t on_read(struct archive *archive, void *ctx, const void **out)
{
	struct inflate *f = ctx;
	size_t len = f->first_len;
	enum input_status status;

	*out = f->chunk;
	if (len) {
		f->first_len = 0;
		return (la_ssize_t)len;
	}
	status = input_read_raw(f->raw, f->chunk, sizeof(f->chunk), INPUT_WAIT, &len);
	if (status == INPUT_READY)
		return (la_ssize_t)len;
	if (status == INPUT_END)
		return 0;
	archive_set_error(archive, errno, "%s", strerror(errno));
	return -1;
}

static bool configure(struct archive *a)
{
	return archive_read_support_filter_bzip2(a) == ARCHIVE_OK &&
	       archive_read_support_filter_xz(a) == ARCHIVE_OK &&
	       archive_read_support_filter_lz4(a) == ARCHIVE_OK &&
	       archive_read_support_filter_zstd(a) == ARCHIVE_OK &&
	       archive_read_support_format_raw(a) == ARCHIVE_OK &&
	       archive_read_support_format_empty(a) == ARCHIVE_OK;
}

struct inflate *inflate_new(
	struct input *raw, const uint8_t *bytes, size_t len, struct err *err)
{
	struct inflate *f = len > CHUNK_BYTES ? NULL : malloc(sizeof(*f));

	if (!f)
		goto fail;
	*f = (struct inflate){.raw = raw, .first_len = len};
	memcpy(f->chunk, bytes, len);
	f->name = inflate_detect(bytes, len);
	if (f->name == kinds[0].name)
		f->gunzip = gunzip_new(raw, bytes, len);
	else
		f->archive = archive_read_new();
	if (f->gunzip || f->archive && configure(f->archive))
		return f;
fail:
	inflate_free(f);
	(void)err_set(err, EXIT_NO_INPUT, "cannot unpack: out of memory");
	return NULL;
}

void inflate_free(struct inflate *f)
{
	if (!f)
		return;
	gunzip_free(f->gunzip);
	(void)archive_read_free(f->archive); /* nothing is written that could fail */
	free(f);
}

static enum input_status damaged(const struct inflate *f, struct err *err)
{
	const char *why = archive_error_string(f->archive);

	(void)err_set(err, EXIT_PARTIAL, "%s data damaged before byte %llu: %s",
		f->name ? f->name : "compressed",
		(unsigned long long)f->raw->read_bytes, why ? why : "unknown reason");
	return INPUT_BROKEN;
}

/* Opening reads already, so it waits until the first bytes are asked for. */
static int open_archive(struct inflate *f)
{
	struct archive_entry *entry;
	int r;

	f->opened = true;
	r = archive_read_open(f->archive, f, NULL, on_read, NULL);
	return r == ARCHIVE_OK ? archive_read_next_header(f->archive, &entry) : r;
}

enum input_status inflate_read(
	struct inflate *f, uint8_t *out, size_t room, size_t *out_len, struct err *err)
{
	const void *block = NULL;
	la_int64_t offset;
	size_t len = 0;
	int r = ARCHIVE_OK;

	if (f->gunzip)
		return gunzip_read(f->gunzip, out, room, out_len, err);
	if (f->ended)
		return INPUT_END;
	if (!f->block_len && !f->first_len && !input_readable(f->raw))
		return INPUT_IDLE;
	if (!f->opened)
		r = open_archive(f);
	while (r == ARCHIVE_OK && !f->block_len) {
		r = archive_read_data_block(f->archive, &block, &len, &offset);
		f->block = block;
		f->block_len = r == ARCHIVE_OK ? len : 0;
	}
	if (r != ARCHIVE_OK) {
		f->ended = true;
		return r == ARCHIVE_EOF ? INPUT_END : damaged(f, err);
	}
	len = f->block_len < room ? f->block_len : room;
	memcpy(out, f->block, len);
	f->block += len;
	f->block_len -= len;
	*out_len = len;
	return INPUT_READY;
}
