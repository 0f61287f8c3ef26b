/* Datagrams of rtnetlink about interfaces, from any bytes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/links_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tell(void *ctx, const struct link_fact *fact)
{
	(void)ctx;
	assert(fact->ifindex);
	assert(fact->mac_len <= LINK_MAC_BYTES);
	assert(memchr(fact->name, 0, sizeof(fact->name)));
	assert(memchr(fact->kind, 0, sizeof(fact->kind)));
	assert(memchr(fact->master_kind, 0, sizeof(fact->master_kind)));
	assert(!(fact->has & LINK_HAS_NAME) == !fact->name[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct links_sink sink = {NULL, tell};
	struct links_parser parser = {0};
	uint8_t *copy = malloc(size + 1); /* aligned, as a receive buffer is */
	int r;

	assert(copy);
	memcpy(copy, data, size);
	r = links_message_parse(&parser, copy, size, &sink);
	assert(r <= 1 && r >= -4095);
	links_parser_done(&parser);
	free(copy);
	return 0;
}
