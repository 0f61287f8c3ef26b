#include "core/packet.h"

#include <assert.h>
#include <stddef.h>

static const char *const malformed_names[MALFORMED_COUNT] = {
	[MALFORMED_NONE] = "none",
#define MALFORMED(name_, help_) [MALFORMED_##name_] = #name_,
#include "core/malformed.def"
#undef MALFORMED
};

static const char *const malformed_helps[MALFORMED_COUNT] = {
	[MALFORMED_NONE] = "",
#define MALFORMED(name_, help_) [MALFORMED_##name_] = help_,
#include "core/malformed.def"
#undef MALFORMED
};

static const char *const tunnel_names[TUNNEL_COUNT] = {
	[TUNNEL_NONE] = "none",
	[TUNNEL_IPIP] = "ipip",
	[TUNNEL_6IN4] = "6in4",
	[TUNNEL_4IN6] = "4in6",
	[TUNNEL_IP6IP6] = "ip6ip6",
	[TUNNEL_GRE] = "gre",
	[TUNNEL_ERSPAN] = "erspan",
	[TUNNEL_VXLAN] = "vxlan",
	[TUNNEL_GENEVE] = "geneve",
	[TUNNEL_GTPU] = "gtp",
	[TUNNEL_TEREDO] = "teredo",
	[TUNNEL_AYIYA] = "ayiya",
};

const char *malformed_name(enum malformed m)
{
	assert(m < MALFORMED_COUNT);
	return malformed_names[m];
}

const char *malformed_help(enum malformed m)
{
	assert(m < MALFORMED_COUNT);
	return malformed_helps[m];
}

const char *tunnel_name(enum tunnel_kind kind)
{
	assert(kind < TUNNEL_COUNT);
	return tunnel_names[kind];
}
