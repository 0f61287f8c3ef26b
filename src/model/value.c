#include "model/column.h"

#include <assert.h>
#include <string.h>

static const char *const type_names[] = {
	[TYPE_STR] = "text",
	[TYPE_LIST] = "list",
	[TYPE_ADDR] = "address",
	[TYPE_PORT] = "port",
	[TYPE_COUNT] = "count",
	[TYPE_ID] = "number",
	[TYPE_BYTES] = "bytes",
	[TYPE_BPS] = "bits/s",
	[TYPE_PPM] = "ppm",
	[TYPE_US] = "us",
	[TYPE_MS] = "ms",
	[TYPE_NS] = "seconds",
	[TYPE_TIME] = "time",
};

const char *type_name(enum type type)
{
	assert(type < sizeof(type_names) / sizeof(type_names[0]));
	return type_names[type];
}

static int text_compare(const struct value *a, const struct value *b)
{
	uint32_t common = a->str.len < b->str.len ? a->str.len : b->str.len;
	int order = common ? memcmp(a->str.ptr, b->str.ptr, common) : 0;

	if (order)
		return order;
	return (a->str.len > b->str.len) - (a->str.len < b->str.len);
}

int value_compare(enum type type, const struct value *a, const struct value *b)
{
	if (!a->present || !b->present)
		return (int)b->present - (int)a->present;
	switch (type) {
	case TYPE_STR:
	case TYPE_LIST: return text_compare(a, b);
	case TYPE_ADDR:
		if (a->family != b->family)
			return (int)a->family - (int)b->family;
		return memcmp(a->addr.b, b->addr.b, 16);
	default: return (a->num > b->num) - (a->num < b->num);
	}
}
