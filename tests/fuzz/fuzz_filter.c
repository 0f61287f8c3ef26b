/*
 * Display filters: any text is compiled, and what compiles is asked about a few rows. A
 * fault must lie inside the text and have a message of one line.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/proto.h"
#include "model/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX 2048
#define ROWS     3

static void make_rows(struct flow rows[ROWS])
{
	static const uint8_t from[4] = {192, 168, 1, 5}, to[4] = {8, 8, 8, 8};
	struct addr v4[2] = {addr_v4(from), addr_v4(to)}, v6 = {{[15] = 1}};

	memset(rows, 0, ROWS * sizeof(*rows));
	rows[0].key.proto = PROTO_TCP;
	rows[0].key.family = FAMILY_V4;
	rows[0].orig = (uint8_t)tuple_order(&rows[0].key, &v4[0], 40000, &v4[1], 443);
	rows[0].facts = FLOW_HAS_DETAILS | FLOW_ICMP_ERROR;
	rows[0].side[0].state = rows[0].side[1].state = TCP_ESTABLISHED;
	rows[0].vlans = 2;
	rows[0].vlan[0] = 5;
	memcpy(rows[0].history, "ShADad", 7);
	rows[1].key.proto = PROTO_ICMPV6;
	rows[1].key.family = FAMILY_V6;
	rows[1].key.addr[0] = rows[1].key.addr[1] = v6;
	rows[2].key.proto = 253;
	rows[2].key.family = FAMILY_V4;
	rows[2].key.addr[0] = rows[2].key.addr[1] = v4[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1];
	struct row_world world = {.has_home = false};
	struct flow rows[ROWS];
	struct buf scratch = {0};
	struct filter *f = NULL;
	struct err err = {0};
	unsigned at = 0;

	if (size > TEXT_MAX)
		size = TEXT_MAX;
	memcpy(text, data, size);
	text[size] = '\0';
	if (filter_compile(text, NULL, &f, &at, &err) < 0) {
		assert(at <= strlen(text) && err.text[0] && !strchr(err.text, '\n'));
		return 0;
	}
	make_rows(rows);
	for (unsigned i = 0; i < ROWS; i++)
		(void)filter_match(f, &(struct row){&rows[i], &world, 1, &scratch});
	(void)filter_match(f, &(struct row){NULL, &world, 1, &scratch});
	(void)filter_need(f);
	filter_free(f);
	buf_done(&scratch);
	return 0;
}
