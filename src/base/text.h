/* text — hostile bytes made printable, and how wide they are. */
#ifndef KONN_BASE_TEXT_H
#define KONN_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Reads one UTF-8 sequence. Returns its length and writes the code point; 0 for an
 * invalid one (overlong, surrogate, > U+10FFFF, cut) or at len 0.
 */
size_t text_utf8(const char *bytes, size_t len, uint32_t *out);

/*
 * True for what may reach a terminal as it is: no C0/C1 control, no DEL, no bidi
 * control or other format character (U+061C, U+200B–200F, U+2028–202E, U+2060–206F,
 * U+FEFF, U+FFF9–FFFB, U+E0000–E007F), no noncharacter.
 */
int text_printable(uint32_t code_point);

/* Columns of a terminal that a printable code point takes: 0 (combining), 1 or 2. */
int text_width(uint32_t code_point);

/*
 * Adds `bytes` with everything that is not printable, and each invalid byte, as \xNN
 * (one \xNN a byte). A backslash itself becomes \x5c, so the result says exactly what
 * came in.
 */
void text_clean(struct buf *out, const char *bytes, size_t len);

/* Columns of cleaned text. */
size_t text_columns(const char *bytes, size_t len);

/* Length of the longest prefix of whole characters that is at most `columns` wide. */
size_t text_fit(const char *bytes, size_t len, size_t columns);

/* Levenshtein distance of two names (each cut at 32 bytes), for "did you mean". */
unsigned text_distance(const char *a, const char *b);

#endif
