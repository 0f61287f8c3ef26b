#include "source/gunzip.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define GZIP_ONLY (16 + MAX_WBITS) /* inflateInit2: check header and trailer */
#define GZIP_ID1  0x1f

struct gunzip {
	z_stream z;
	struct input *raw; /* borrowed */
	bool between;      /* a member ended; another may follow (RFC 1952 §2.2) */
	bool more;         /* zlib holds output that had no room */
	bool failed, ended;
	uint8_t chunk[INPUT_WINDOW];
};

struct gunzip *gunzip_new(struct input *raw, const uint8_t *bytes, size_t len)
{
	struct gunzip *g = len > sizeof(g->chunk) ? NULL : malloc(sizeof(*g));

	if (!g)
		return NULL;
	memset(g, 0, offsetof(struct gunzip, chunk));
	g->raw = raw;
	memcpy(g->chunk, bytes, len);
	g->z.next_in = g->chunk;
	g->z.avail_in = (uInt)len;
	if (inflateInit2(&g->z, GZIP_ONLY) != Z_OK) {
		free(g);
		return NULL;
	}
	return g;
}

void gunzip_free(struct gunzip *g)
{
	if (!g)
		return;
	(void)inflateEnd(&g->z); /* reading: nothing can be lost */
	free(g);
}

static enum input_status damaged(
	const struct gunzip *g, const char *why, struct err *err)
{
	(void)err_set(err, EXIT_PARTIAL, "gzip data %s at byte %llu", why,
		(unsigned long long)(g->raw->read_bytes - g->z.avail_in));
	return INPUT_BROKEN;
}

/* Compressed bytes for zlib. INPUT_END: between members, so the file ends well. */
static enum input_status refill(struct gunzip *g, struct err *err)
{
	size_t len = 0;
	enum input_status status = input_read_raw(
		g->raw, g->chunk, sizeof(g->chunk), INPUT_NO_WAIT, &len);

	if (status == INPUT_BROKEN)
		return damaged(g, "cannot be read", err);
	if (status == INPUT_END && !g->between)
		return damaged(g, "cut", err);
	g->z.next_in = g->chunk;
	g->z.avail_in = (uInt)len;
	return status;
}

/* One call of zlib; returns how many bytes came out. */
static size_t unpack(struct gunzip *g, uint8_t *out, size_t room)
{
	int r;

	g->between = false;
	g->z.next_out = out;
	g->z.avail_out = (uInt)room;
	r = inflate(&g->z, Z_NO_FLUSH);
	g->more = g->z.avail_out == 0;
	if (r == Z_STREAM_END) {
		g->between = true;
		g->more = false;
		g->failed = inflateReset(&g->z) != Z_OK;
	} else if (r != Z_OK && r != Z_BUF_ERROR) {
		g->failed = true;
	}
	return room - g->z.avail_out;
}

enum input_status gunzip_read(
	struct gunzip *g, uint8_t *out, size_t room, size_t *out_len, struct err *err)
{
	enum input_status status;

	while (!g->ended && !g->failed) {
		if (!g->z.avail_in && !g->more) {
			status = refill(g, err);
			g->ended = status == INPUT_END;
			if (status != INPUT_READY)
				return status;
		}
		/* what follows the last member and is none is padding, as for gzip(1)
		 */
		if (g->between && *g->z.next_in != GZIP_ID1) {
			g->ended = true;
			break;
		}
		*out_len = unpack(g, out, room);
		if (*out_len)
			return INPUT_READY;
	}
	return g->failed ? damaged(g, "damaged", err) : INPUT_END;
}
