#include "base/num.h"
#include "core/proto.h"
#include "view/encode.h"
#include "view/view.h"

#define LOCAL_COLUMNS 26 /* YYYY-MM-DD HH:MM:SS.uuuuuu */
#define CLOCK_AT      11 /* where HH:MM:SS begins in it */
#define CLOCK_COLUMNS 8

static uint64_t times(uint64_t value, uint64_t factor)
{
	uint64_t product;

	return __builtin_mul_overflow(value, factor, &product) ? UINT64_MAX : product;
}

static unsigned digits_of(uint64_t value)
{
	unsigned digits = 1;

	while (value >= 10) {
		value /= 10;
		digits++;
	}
	return digits;
}

static void add_list(struct buf *out, const struct value *v)
{
	for (size_t at = 0; at < v->str.len;) {
		bool more = at > 0;
		struct encode_item item = encode_next(v->str.ptr, v->str.len, &at);

		if (more)
			buf_char(out, ',');
		encode_text(out, item.ptr, item.len);
	}
}

static void add_port(struct buf *out, uint16_t port, const struct view_style *style)
{
	const char *name = NULL;

	if (!style->numeric && style->services) {
		name = services_name(style->services, PROTO_TCP, port);
		if (!name)
			name = services_name(style->services, PROTO_UDP, port);
	}
	if (name)
		buf_str(out, name);
	else
		buf_u64(out, port);
}

/* Exact as long as it fits: 12 packets are 12, a million in five columns is 1.0M. */
static void add_count(struct buf *out, const struct column *c, uint64_t count)
{
	if (digits_of(count) <= c->width)
		buf_u64(out, count);
	else
		num_short(out, count, 1000);
}

static void add_rate(struct buf *out, uint64_t bps, const struct view_style *style)
{
	if (style->bits) {
		num_short(out, bps, 1000);
		buf_char(out, 'b');
	} else {
		num_short(out, bps / 8, style->si ? 1000 : 1024);
	}
}

/* On a screen a narrow column gets the time of day, with as many decimals as fit. */
static void add_time(struct buf *out, const struct column *c, uint64_t ns,
	const struct view_style *style)
{
	struct buf text = {0};
	unsigned len;

	if (style->epoch) {
		buf_u64(out, ns / 1000);
		return;
	}
	if (style->width == 0 || c->width >= LOCAL_COLUMNS) {
		num_local(out, ns);
		return;
	}
	num_local(&text, ns);
	len = c->width > CLOCK_COLUMNS + 1 ? c->width : CLOCK_COLUMNS;
	if (text.len == LOCAL_COLUMNS) {
		unsigned most = LOCAL_COLUMNS - CLOCK_AT;

		buf_add(out, text.data + CLOCK_AT, len < most ? len : most);
	}
	out->oom |= text.oom;
	buf_done(&text);
}

/* Percent in at most five columns: 0% <0.1% 0.4% 12% 100%. */
static void add_share(struct buf *out, uint64_t ppm)
{
	if (ppm == 0)
		buf_str(out, "0%");
	else if (ppm < 500)
		buf_str(out, "<0.1%");
	else if (ppm < 99500)
		buf_fmt(out, "%.1f%%", (double)ppm / 10000);
	else
		buf_fmt(out, "%.0f%%", (double)ppm / 10000);
}

void view_cell(struct buf *out, const struct column *c, const struct value *v,
	const struct view_style *style)
{
	if (!v->present) {
		buf_char(out, '-');
		return;
	}
	switch (c->type) {
	case TYPE_STR: encode_text(out, v->str.ptr, v->str.len); break;
	case TYPE_LIST: add_list(out, v); break;
	case TYPE_ADDR: addr_format(out, &v->addr, v->family); break;
	case TYPE_PORT: add_port(out, (uint16_t)v->num, style); break;
	case TYPE_COUNT: add_count(out, c, v->num); break;
	case TYPE_ID: buf_u64(out, v->num); break;
	case TYPE_BYTES: num_short(out, v->num, style->si ? 1000 : 1024); break;
	case TYPE_BPS: add_rate(out, v->num, style); break;
	case TYPE_PPM: add_share(out, v->num); break;
	case TYPE_US: num_short_ns(out, times(v->num, 1000)); break;
	case TYPE_MS: num_short_ns(out, times(v->num, 1000000)); break;
	case TYPE_NS: num_short_ns(out, v->num); break;
	case TYPE_TIME: add_time(out, c, v->num, style); break;
	}
}
