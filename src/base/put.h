/* put — whole numbers at a place that has room; each returns where its text ends. */
#ifndef KONN_BASE_PUT_H
#define KONN_BASE_PUT_H

#include <stdint.h>
#include <string.h>

#define PUT_U64_MOST 20 /* bytes of the longest number */

extern const char put_pairs[200]; /* 00 01 … 99 */

/* A number below 10. */
static inline char *put_digit(char *at, unsigned value)
{
	*at = (char)('0' + value);
	return at + 1;
}

/* Two digits of a number below 100. */
static inline char *put_pair(char *at, unsigned value)
{
	memcpy(at, put_pairs + (size_t)2 * value, 2);
	return at + 2;
}

/* Two digits or more. */
char *put_long(char *at, uint64_t value);

/* In decimal. Most numbers of a row are below 10. */
static inline char *put_u64(char *at, uint64_t value)
{
	return value < 10 ? put_digit(at, (unsigned)value) : put_long(at, value);
}

/* Exactly nine digits: a number below 10^9. */
char *put_nine(char *at, uint32_t value);

#endif
