#include "base/num.h"

#include <string.h>
#include <time.h>

#include "base/put.h"

#define NS_PER_SECOND 1000000000u

struct unit {
	const char *name;
	uint64_t factor;
};

bool num_parse_u64(const char *text, size_t len, uint64_t *out)
{
	uint64_t value = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)((unsigned char)text[i] - '0');

		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, digit, &value))
			return false;
	}
	*out = value;
	return true;
}

static size_t digits_of(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

/* The decimal number at the start of a text: its parts, and where its unit begins. */
struct decimal {
	const char *fraction;
	size_t fraction_len, end;
	uint64_t whole;
};

static bool decimal_read(const char *text, size_t len, struct decimal *out)
{
	struct decimal d = {.end = digits_of(text, len)};

	if (!num_parse_u64(text, d.end, &d.whole))
		return false;
	if (d.end < len && text[d.end] == '.') {
		d.fraction = text + d.end + 1;
		d.fraction_len = digits_of(d.fraction, len - d.end - 1);
		if (d.fraction_len == 0)
			return false;
		d.end += 1 + d.fraction_len;
	}
	*out = d;
	return true;
}

/* Rounds down. Dividing from the last digit on is exact: ⌊(⌊x⌋ + n) / 10⌋ = ⌊(x + n) /
 * 10⌋. */
static bool decimal_scale(const struct decimal *d, uint64_t factor, uint64_t *out)
{
	uint64_t part = 0, whole;

	for (size_t i = d->fraction_len; i > 0; i--)
		part = (part + (uint64_t)(d->fraction[i - 1] - '0') * factor) / 10;
	if (__builtin_mul_overflow(d->whole, factor, &whole) ||
		__builtin_add_overflow(whole, part, &whole))
		return false;
	*out = whole;
	return true;
}

/* Factor of K M G T, Ki…; eats what it knows of *text, 1 when there is no prefix. */
static uint64_t prefix_factor(const char **text, size_t *len)
{
	static const char prefixes[] = "kmgt";
	uint64_t factor = 1, base = 1000;
	size_t eaten = 1, at = 0;

	if (*len == 0)
		return 1;
	while (prefixes[at] && prefixes[at] != (**text | 0x20))
		at++;
	if (!prefixes[at])
		return 1;
	if (*len > 1 && ((*text)[1] | 0x20) == 'i') {
		base = 1024;
		eaten = 2;
	}
	for (size_t i = 0; i <= at; i++)
		factor *= base;
	*text += eaten;
	*len -= eaten;
	return factor;
}

bool num_parse_scaled(const char *text, size_t len, uint64_t *out)
{
	struct decimal d;
	uint64_t factor;

	if (!decimal_read(text, len, &d))
		return false;
	text += d.end;
	len -= d.end;
	factor = prefix_factor(&text, &len);
	if (len > 1 || (len == 1 && (*text | 0x20) != 'b'))
		return false;
	return decimal_scale(&d, factor, out);
}

bool num_parse_duration(
	const char *text, size_t len, uint64_t bare_unit_ns, uint64_t *out)
{
	static const struct unit units[] = {
		{"ns", 1},
		{"us", 1000},
		{"ms", 1000000},
		{"s", NS_PER_SECOND},
		{"m", 60ull * NS_PER_SECOND},
		{"h", 3600ull * NS_PER_SECOND},
		{"d", 86400ull * NS_PER_SECOND},
	};
	struct decimal d;

	if (!decimal_read(text, len, &d))
		return false;
	text += d.end;
	len -= d.end;
	if (len == 0)
		return bare_unit_ns && decimal_scale(&d, bare_unit_ns, out);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strlen(units[i].name) == len &&
			memcmp(units[i].name, text, len) == 0)
			return decimal_scale(&d, units[i].factor, out);
	return false;
}

/* value / unit with one decimal below 10, rounded; false when it rounds up to `limit`.
 */
static bool short_scaled(struct buf *out, uint64_t value, uint64_t unit, uint64_t limit)
{
	uint64_t whole = value / unit, rest = value % unit;
	uint64_t tenths = whole * 10 + (rest * 10 + unit / 2) / unit;

	if (whole < 10 && tenths < 100) {
		buf_char(out, (char)('0' + tenths / 10));
		buf_char(out, '.');
		buf_char(out, (char)('0' + tenths % 10));
		return true;
	}
	whole += rest >= unit - unit / 2;
	if (whole >= limit)
		return false;
	buf_u64(out, whole);
	return true;
}

void num_short(struct buf *out, uint64_t value, unsigned base)
{
	const char *prefixes = base == 1000 ? "kMGTPE" : "KMGTPE";
	uint64_t unit = base;
	unsigned at = 0;

	if (value < base) {
		buf_u64(out, value);
		return;
	}
	while (value / unit >= base) {
		unit *= base;
		at++;
	}
	if (!short_scaled(out, value, unit, base)) {
		buf_str(out, "1.0");
		at++;
	}
	buf_char(out, prefixes[at]);
}

/* Whole units, rounded down: an age of 59 minutes is not yet an hour. */
static void short_long_time(struct buf *out, uint64_t seconds)
{
	static const struct {
		uint64_t below, factor;
		char name;
	} steps[] = {
		{100, 1, 's'},
		{100 * 60, 60, 'm'},
		{100 * 3600, 3600, 'h'},
		{10000ull * 86400, 86400, 'd'},
		{UINT64_MAX, 365 * 86400, 'y'},
	};
	unsigned i = 0;

	while (seconds >= steps[i].below)
		i++;
	buf_u64(out, seconds / steps[i].factor);
	buf_char(out, steps[i].name);
}

void num_short_ns(struct buf *out, uint64_t ns)
{
	static const struct unit units[] = {{"us", 1000}, {"ms", 1000000}};

	if (ns == 0) {
		buf_str(out, "0s");
		return;
	}
	if (ns < 1000) {
		buf_u64(out, ns);
		buf_str(out, "ns");
		return;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (ns >= 1000 * units[i].factor)
			continue;
		if (short_scaled(out, ns, units[i].factor, 1000)) {
			buf_str(out, units[i].name);
			return;
		}
		ns = 1000 * units[i].factor; /* 999.6 us is 1.0 ms */
	}
	if (ns / NS_PER_SECOND >= 10) {
		short_long_time(out, ns / NS_PER_SECOND);
		return;
	}
	(void)short_scaled(
		out, ns, NS_PER_SECOND, UINT64_MAX); /* no limit to round up to */
	buf_char(out, 's');
}

static char *put_time(char *at, unsigned seconds_of_day)
{
	at = put_pair(at, seconds_of_day / 3600);
	*at++ = ':';
	at = put_pair(at, seconds_of_day / 60 % 60);
	*at++ = ':';
	return put_pair(at, seconds_of_day % 60);
}

static char *put_date(char *at, unsigned year, unsigned month, unsigned day)
{
	at = put_pair(at, year / 100 % 100);
	at = put_pair(at, year % 100);
	*at++ = '-';
	at = put_pair(at, month);
	*at++ = '-';
	return put_pair(at, day);
}

/*
 * Gregorian date of a day since 1970-01-01. Years are counted from March, so that the
 * leap day is the last one and 153 days are five months; 719468 days lie between
 * 0000-03-01 and 1970.
 */
static char *put_civil(char *at, uint64_t days)
{
	uint64_t shifted = days + 719468;
	unsigned era = (unsigned)(shifted / 146097);
	unsigned of_era = (unsigned)(shifted % 146097);
	unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) /
			365;
	unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * of_year + 2) / 153; /* 0: March */
	unsigned day = of_year - (153 * month + 2) / 5 + 1;

	year += era * 400 + (month >= 10);
	return put_date(at, year, month >= 10 ? month - 9 : month + 3, day);
}

char *num_put_utc(char *at, uint64_t epoch_ns)
{
	uint64_t seconds = epoch_ns / NS_PER_SECOND;

	at = put_civil(at, seconds / 86400);
	*at++ = 'T';
	at = put_time(at, (unsigned)(seconds % 86400));
	*at++ = '.';
	at = put_nine(at, (uint32_t)(epoch_ns % NS_PER_SECOND));
	*at++ = 'Z';
	return at;
}

void num_local(struct buf *out, uint64_t epoch_ns)
{
	time_t seconds = (time_t)(epoch_ns / NS_PER_SECOND);
	char text[32], *at;
	struct tm tm;

	if (!localtime_r(&seconds, &tm))
		return; /* only years beyond int fail; 64 bits of ns end in 2554 */
	at = put_date(text, (unsigned)tm.tm_year + 1900, (unsigned)tm.tm_mon + 1,
		(unsigned)tm.tm_mday);
	*at++ = ' ';
	at = put_time(at, (unsigned)tm.tm_hour * 3600 + (unsigned)tm.tm_min * 60 +
				  (unsigned)tm.tm_sec);
	*at++ = '.';
	at = put_nine(at, (uint32_t)(epoch_ns % NS_PER_SECOND)) - 3;
	buf_add(out, text, (size_t)(at - text));
}

char *num_put_seconds(char *at, uint64_t ns)
{
	uint32_t rest = (uint32_t)(ns % NS_PER_SECOND);

	at = put_u64(at, ns / NS_PER_SECOND);
	if (rest == 0)
		return at;
	*at++ = '.';
	at = put_nine(at, rest);
	while (at[-1] == '0')
		at--;
	return at;
}
