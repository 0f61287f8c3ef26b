/* prefetch — asks for cache lines that will be written soon. */
#ifndef KONN_BASE_PREFETCH_H
#define KONN_BASE_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

#define PREFETCH_LINE 64

/*
 * Those of [at, at + bytes). The empty assembly is there because gcc 12 takes a
 * function that only prefetches for one without effect, and drops the calls.
 */
static inline void prefetch_lines(const void *at, size_t bytes)
{
#pragma GCC unroll 8
	for (size_t i = 0; i < bytes; i += PREFETCH_LINE)
		__builtin_prefetch((const uint8_t *)at + i, 1);
	__asm__ volatile("");
}

#endif
