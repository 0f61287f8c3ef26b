#include "core/owner_fact.h"

#include <stddef.h>

static const char *const via_names[OWNER_VIA_COUNT] = {
#define OWNER_VIA(name_, help_) [OWNER_VIA_##name_] = #name_,
#include "core/owner_via.def"
#undef OWNER_VIA
};

static const char *const confidence_names[OWNER_CONFIDENCE_COUNT] = {
#define OWNER_CONFIDENCE(name_, help_) [OWNER_CONFIDENCE_##name_] = #name_,
#include "core/owner_confidence.def"
#undef OWNER_CONFIDENCE
};

static const char *const reason_names[OWNER_REASON_COUNT] = {
#define OWNER_REASON(name_, help_) [OWNER_REASON_##name_] = #name_,
#include "core/owner_reason.def"
#undef OWNER_REASON
};

static const char *const reason_helps[OWNER_REASON_COUNT] = {
#define OWNER_REASON(name_, help_) [OWNER_REASON_##name_] = help_,
#include "core/owner_reason.def"
#undef OWNER_REASON
};

static const char *const container_names[CONTAINER_COUNT] = {
#define CONTAINER(name_, help_) [CONTAINER_##name_] = #name_,
#include "core/container.def"
#undef CONTAINER
};

const char *owner_via_name(enum owner_via via)
{
	return via < OWNER_VIA_COUNT ? via_names[via] : NULL;
}

const char *owner_confidence_name(enum owner_confidence confidence)
{
	return confidence < OWNER_CONFIDENCE_COUNT ? confidence_names[confidence]
						   : NULL;
}

const char *owner_reason_name(enum owner_reason reason)
{
	return reason < OWNER_REASON_COUNT ? reason_names[reason] : NULL;
}

const char *owner_reason_help(enum owner_reason reason)
{
	return reason < OWNER_REASON_COUNT ? reason_helps[reason] : NULL;
}

const char *container_name(enum container container)
{
	return container < CONTAINER_COUNT ? container_names[container] : NULL;
}
