#include "app/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "core/proto.h"

/* SSH_CONNECTION: client address, client port, server address, server port. */
bool own_session(struct tuple *out)
{
	const char *text = getenv("SSH_CONNECTION");
	char word[4][64];
	uint64_t port[2];
	struct addr a, b;
	enum family fa, fb;

	if (!text || sscanf(text, "%63s %63s %63s %63s", word[0], word[1], word[2],
			     word[3]) != 4)
		return false;
	if (!addr_parse(word[0], strlen(word[0]), &a, &fa) ||
		!addr_parse(word[2], strlen(word[2]), &b, &fb) ||
		!num_parse_u64(word[1], strlen(word[1]), &port[0]) ||
		!num_parse_u64(word[3], strlen(word[3]), &port[1]) || fa != fb)
		return false;
	*out = (struct tuple){.proto = PROTO_TCP, .family = (uint8_t)fa};
	(void)tuple_order(out, &a, (uint16_t)port[0], &b, (uint16_t)port[1]);
	return true;
}
