/* num — numbers with units, to and from text. */
#ifndef KONN_BASE_NUM_H
#define KONN_BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Whole strings only; false on anything else (sign, blank, overflow). */
bool num_parse_u64(const char *text, size_t len, uint64_t *out);

/*
 * A count, decimal fraction allowed, with K M G T (10^3…) or Ki Mi Gi Ti (2^10…), case
 * of the prefix ignored, and an optional trailing B or b that changes nothing.
 */
bool num_parse_scaled(const char *text, size_t len, uint64_t *out);

/*
 * A duration into nanoseconds: ns us ms s m h d (m = minutes), fraction allowed. A bare
 * number counts in `bare_unit_ns` (0: refused).
 */
bool num_parse_duration(
	const char *text, size_t len, uint64_t bare_unit_ns, uint64_t *out);

/*
 * At most four significant characters and a prefix: 0 7 999 1.2k 84k 412M 1.1G. `base`
 * is 1000 or 1024 (then Ki is written K, as iftop and ls -h do). Never longer than 5.
 */
void num_short(struct buf *out, uint64_t value, unsigned base);

/* 350us 4.2ms 23ms 1.4s 12s 5m 3h 12d: at most 5 characters. */
void num_short_ns(struct buf *out, uint64_t ns);

/*
 * Those that begin with num_put_ write at a place that has room for NUM_PUT_MOST bytes,
 * and return where the text ends.
 */
#define NUM_PUT_MOST 30

/* YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ (RFC 3339, always 9 decimals). */
char *num_put_utc(char *at, uint64_t epoch_ns);

/* Seconds with 9 decimals at most, trailing zeros cut: 12, 0.25, 1.000000001. */
char *num_put_seconds(char *at, uint64_t ns);

/* YYYY-MM-DD HH:MM:SS.uuuuuu in the local zone (TZ was read before the lock-down). */
void num_local(struct buf *out, uint64_t epoch_ns);

#endif
