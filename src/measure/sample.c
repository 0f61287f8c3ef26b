#include "measure/sample.h"

#include <assert.h>
#include <stddef.h>

struct text {
	const char *name, *help;
};

static const struct text kinds[SAMPLE_COUNT] = {
#define SAMPLE(name_, help_) [SAMPLE_##name_] = {#name_, help_},
#include "measure/sample.def"
#undef SAMPLE
};

static const struct text reasons[REASON_COUNT] = {
#define REASON(name_, help_) [REASON_##name_] = {#name_, help_},
#include "measure/sample_reason.def"
#undef REASON
};

const char *sample_kind_name(enum sample_kind kind)
{
	assert(kind < SAMPLE_COUNT);
	return kinds[kind].name;
}

const char *sample_kind_help(enum sample_kind kind)
{
	assert(kind < SAMPLE_COUNT);
	return kinds[kind].help;
}

const char *sample_reason_name(enum sample_reason reason)
{
	assert(reason < REASON_COUNT);
	return reasons[reason].name;
}

const char *sample_reason_help(enum sample_reason reason)
{
	assert(reason < REASON_COUNT);
	return reasons[reason].help;
}
