/*
 * gunzip — gzip data unpacked as far as it goes.
 *
 * libarchive unpacks in blocks of 64 KiB and drops the last one when its end is
 * missing: a small capture that was cut would be empty. zlib, which libarchive uses,
 * hands out what there is, on pipes too.
 */
#ifndef KONN_SOURCE_GUNZIP_H
#define KONN_SOURCE_GUNZIP_H

#include <stddef.h>
#include <stdint.h>

#include "source/input.h"

struct gunzip;

/* As inflate_new; NULL when there is no memory. */
struct gunzip *gunzip_new(struct input *raw, const uint8_t *bytes, size_t len);
void gunzip_free(struct gunzip *g); /* NULL is fine */

/* As inflate_read; never blocks on a pipe. */
enum input_status gunzip_read(
	struct gunzip *g, uint8_t *out, size_t room, size_t *out_len, struct err *err);

#endif
