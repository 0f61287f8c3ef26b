/* prompt — one line of text being typed, as shells and vim edit it. */
#ifndef KONN_VIEW_TUI_PROMPT_H
#define KONN_VIEW_TUI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROMPT_BYTES 512

struct prompt {
	char text[PROMPT_BYTES]; /* UTF-8, NUL-terminated */
	size_t len, at;          /* bytes; the cursor stands before text[at] */
};

enum prompt_edit {
	PROMPT_LEFT,
	PROMPT_RIGHT,
	PROMPT_HOME,
	PROMPT_END,
	PROMPT_BACKSPACE,
	PROMPT_DELETE,
	PROMPT_KILL_WORD, /* back to the start of the word */
	PROMPT_KILL_LINE, /* back to the start */
	PROMPT_KILL_REST,
};

/* Starts with a text (cut if it is too long) and the cursor behind it. */
void prompt_set(struct prompt *p, const char *text);

/* Puts a printable character in; others, and what does not fit, are ignored. */
void prompt_insert(struct prompt *p, uint32_t code_point);
void prompt_edit(struct prompt *p, enum prompt_edit edit);

#endif
