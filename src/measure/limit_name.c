#include "measure/limit.h"

struct text {
	const char *name, *help;
};

static const struct text texts[LIMIT_COUNT] = {
#define LIMIT(name_, help_) [LIMIT_##name_] = {#name_, help_},
#include "measure/limit.def"
#undef LIMIT
};

const char *limit_name(enum limit limit)
{
	return texts[limit].name;
}

const char *limit_help(enum limit limit)
{
	return texts[limit].help;
}
