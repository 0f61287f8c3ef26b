#include "core/proto.h"

#include <string.h>
#include <strings.h>

static const char *const state_names[TCP_STATE_COUNT] = {
	[TCP_CLOSED] = "CLOSED",
	[TCP_LISTEN] = "LISTEN",
	[TCP_SYN_SENT] = "SYN-SENT",
	[TCP_SYN_RECEIVED] = "SYN-RECEIVED",
	[TCP_ESTABLISHED] = "ESTABLISHED",
	[TCP_FIN_WAIT_1] = "FIN-WAIT-1",
	[TCP_FIN_WAIT_2] = "FIN-WAIT-2",
	[TCP_CLOSE_WAIT] = "CLOSE-WAIT",
	[TCP_CLOSING] = "CLOSING",
	[TCP_LAST_ACK] = "LAST-ACK",
	[TCP_TIME_WAIT] = "TIME-WAIT",
};

static const char *const proto_names[256] = {
#define PROTO(number_, name_) [number_] = (name_),
#include "core/proto.def"
#undef PROTO
};

const char *tcp_state_name(enum tcp_state state)
{
	return state < TCP_STATE_COUNT ? state_names[state] : NULL;
}

const char *proto_name(uint8_t number)
{
	return proto_names[number];
}

bool proto_find(const char *name, size_t len, uint8_t *out)
{
	if ((len == 9 && strncasecmp(name, "ipv6-icmp", len) == 0) ||
		(len == 6 && strncasecmp(name, "icmpv6", len) == 0)) {
		*out = PROTO_ICMPV6;
		return true;
	}
	for (unsigned i = 0; i < 256; i++) {
		const char *known = proto_names[i];

		if (known && strlen(known) == len &&
			strncasecmp(name, known, len) == 0) {
			*out = (uint8_t)i;
			return true;
		}
	}
	return false;
}
