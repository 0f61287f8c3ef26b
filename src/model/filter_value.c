#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "model/filter_parser.h"
#include "model/home.h"

#define PERCENT_PPM 10000
#define SECOND_NS   1000000000ull

bool value_port(const struct parser *p, const char *text, size_t len, uint16_t *out)
{
	uint64_t number;

	if (len && *text == ':') {
		text++;
		len--;
	}
	if (num_parse_u64(text, len, &number)) {
		*out = (uint16_t)number;
		return number <= UINT16_MAX;
	}
	return p->services && services_find(p->services, text, len, out);
}

static bool parse_port(struct parser *p, const struct word *w, struct filter_op *op)
{
	uint16_t port;
	uint64_t number;

	if (value_port(p, w->text, w->len, &port)) {
		op->number = port;
		return true;
	}
	if (num_parse_u64(w->text, w->len, &number))
		return parser_fail(p, w->at, "a port is at most 65535");
	return parser_fail(p, w->at,
		"'%s' is no port: give a number or a service's name", w->text);
}

/* Mbit, Mbps, Mb/s: what stands behind a rate's prefix changes nothing, as it counts
 * bits. */
static uint32_t without_unit(const struct word *w)
{
	static const char *const units[] = {"bit/s", "bits", "bit", "bps", "b/s"};

	for (unsigned i = 0; i < sizeof(units) / sizeof(*units); i++) {
		uint32_t len = (uint32_t)strlen(units[i]);

		if (w->len > len && filter_text_equal(w->text + w->len - len, len,
					    units[i], len, false))
			return w->len - len;
	}
	return w->len;
}

static bool parse_scaled(
	struct parser *p, enum type type, const struct word *w, struct filter_op *op)
{
	uint32_t len = type == TYPE_BPS ? without_unit(w) : w->len;

	if (num_parse_scaled(w->text, len, &op->number))
		return true;
	return parser_fail(p, w->at, "'%s' is no number%s", w->text,
		type == TYPE_BPS ? " of bits a second: 500, 64K, 1.5M"
				 : ": 7, 1.5k, 10Mi");
}

/* Kept in ns, so that `rtt > 1.5us` is exact. */
static bool parse_duration(
	struct parser *p, enum type type, const struct word *w, struct filter_op *op)
{
	uint64_t unit = type == TYPE_US ? 1000 : type == TYPE_MS ? 1000000 : 1;

	op->scale = unit;
	if (num_parse_duration(
		    w->text, w->len, type == TYPE_NS ? SECOND_NS : unit, &op->number))
		return true;
	return parser_fail(p, w->at,
		"'%s' is no duration: 250us, 40ms, 1.5s, 5m, 2h, 1d", w->text);
}

/* `2%`, `0.5%`, or millionths. */
static bool parse_share(struct parser *p, const struct word *w, struct filter_op *op)
{
	bool percent = w->len && w->text[w->len - 1] == '%';
	uint32_t len = w->len - percent;

	if (strspn(w->text, "0123456789.") == len &&
		num_parse_duration(
			w->text, len, percent ? PERCENT_PPM : 1, &op->number))
		return true;
	return parser_fail(
		p, w->at, "'%s' is no share: 2%%, 0.5%%, or millionths", w->text);
}

/* Days since 1970-01-01 (Gregorian): years begin in March, so that leap days come last.
 */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
	unsigned shifted = (month + 9) % 12;

	year -= month <= 2;
	return year * 365 + year / 4 - year / 100 + year / 400 +
	       (int64_t)(shifted * 153 + 2) / 5 + day - 1 - 719468;
}

/* `digits` digits at *at, then `after` (NUL: nothing). */
static bool digits(const char **at, unsigned digits, char after, unsigned *out)
{
	uint64_t number;

	if (strnlen(*at, digits) < digits || !num_parse_u64(*at, digits, &number))
		return false;
	*at += digits;
	if (after && *(*at)++ != after)
		return false;
	*out = (unsigned)number;
	return true;
}

/* HH:MM[:SS[.fraction]][Z] */
static bool clock_of(const char *at, uint64_t *out_ns)
{
	unsigned hour, minute;
	uint64_t seconds_ns = 0;
	size_t len;

	if (!digits(&at, 2, ':', &hour) || !digits(&at, 2, '\0', &minute) ||
		hour > 23 || minute > 59)
		return false;
	len = strlen(at);
	if (len && (at[len - 1] == 'Z' || at[len - 1] == 'z'))
		len--;
	if (len &&
		(*at != ':' || at[len - 1] < '0' || at[len - 1] > '9' ||
			!num_parse_duration(at + 1, len - 1, SECOND_NS, &seconds_ns)))
		return false;
	*out_ns = (hour * 60 + minute) * 60 * SECOND_NS + seconds_ns;
	return seconds_ns < 61 * SECOND_NS;
}

static bool parse_time(struct parser *p, const struct word *w, struct filter_op *op)
{
	const char *at = w->text;
	unsigned year, month, day;
	uint64_t clock_ns = 0;

	if (strspn(at, "0123456789.") == w->len &&
		num_parse_duration(at, w->len, SECOND_NS, &op->number))
		return true;
	if (!digits(&at, 4, '-', &year) || !digits(&at, 2, '-', &month) ||
		!digits(&at, 2, '\0', &day) || year < 1970 || year > 2500 ||
		month < 1 || month > 12 || day < 1 || day > 31)
		goto bad;
	if (*at && ((*at != 'T' && *at != 't' && *at != ' ') ||
			   !clock_of(at + 1, &clock_ns)))
		goto bad;
	op->number = (uint64_t)days_of(year, month, day) * 86400 * SECOND_NS + clock_ns;
	return true;
bad:
	return parser_fail(p, w->at,
		"'%s' is no time: 2024-05-31T14:02:00Z, 2024-05-31, or seconds since "
		"1970",
		w->text);
}

static bool parse_address(struct parser *p, const struct word *w, struct filter_op *op)
{
	op->code = FILTER_ADDRESS;
	if (home_parse_net(w->text, w->len, false, &op->net))
		return true;
	return parser_fail(p, w->at,
		"'%s' is no address: names cannot be looked up in a filter", w->text);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* A socket's own word: TCP knows no such state. */
static bool is_unconnected(const struct column *column, const struct word *w)
{
	return ends_with(column->key, "socket_state") && word_is(w, "unconnected");
}

/* Other names of a state (syn-recv) are taken for it in every column of states. */
static bool parse_text(struct parser *p, const struct column *column,
	const struct word *w, struct filter_op *op)
{
	const char *text = w->text;

	op->code = FILTER_TEXT;
	op->exact = column->exact;
	if (!column->exact && ends_with(column->key, "state") &&
		!is_unconnected(column, w) && state_find(text, w->len))
		text = state_find(text, w->len);
	op->len = (uint32_t)strlen(text);
	op->text = strdup(text);
	if (!op->text)
		p->oom = true;
	return op->text;
}

bool value_parse(struct parser *p, const struct column *column, const struct word *w,
	struct filter_op *op)
{
	op->code = FILTER_NUMBER;
	op->scale = 1;
	switch (column->type) {
	case TYPE_STR:
	case TYPE_LIST: return parse_text(p, column, w, op);
	case TYPE_ADDR: return parse_address(p, w, op);
	case TYPE_PORT: return parse_port(p, w, op);
	case TYPE_COUNT:
	case TYPE_ID:
	case TYPE_BYTES:
	case TYPE_BPS: return parse_scaled(p, column->type, w, op);
	case TYPE_PPM: return parse_share(p, w, op);
	case TYPE_US:
	case TYPE_MS:
	case TYPE_NS: return parse_duration(p, column->type, w, op);
	case TYPE_TIME: return parse_time(p, w, op);
	}
	return false;
}
