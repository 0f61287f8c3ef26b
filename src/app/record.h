/* record — fields of the lines that are not connections. */
#ifndef KONN_APP_RECORD_H
#define KONN_APP_RECORD_H

#include <string.h>

#include "view/view.h"

static inline struct record_field record_number(
	const char *key, enum type type, uint64_t number)
{
	return (struct record_field){
		.key = key, .type = type, .value = {.present = true, .num = number}};
}

/* `text` is borrowed and clean. */
static inline struct record_field record_text(const char *key, const char *text)
{
	return (struct record_field){.key = key,
		.type = TYPE_STR,
		.value = {.present = true, .str = {text, (uint32_t)strlen(text)}}};
}

static inline struct record_field record_truth(const char *key, bool truth)
{
	struct record_field f = record_number(key, TYPE_ID, truth);

	f.truth = true;
	return f;
}

#endif
