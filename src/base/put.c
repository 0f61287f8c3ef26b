#include "base/put.h"

const char put_pairs[200] = {"0001020304050607080910111213141516171819"
			     "2021222324252627282930313233343536373839"
			     "4041424344454647484950515253545556575859"
			     "6061626364656667686970717273747576777879"
			     "8081828384858687888990919293949596979899"};

static char *put_four(char *at, uint32_t value)
{
	return put_pair(put_pair(at, value / 100), value % 100);
}

static char *put_eight(char *at, uint32_t value)
{
	return put_four(put_four(at, value / 10000), value % 10000);
}

/* Below 10^4, without zeros in front. */
static char *put_short(char *at, uint32_t value)
{
	uint32_t high = value / 100;

	if (high == 0)
		return value < 10 ? put_digit(at, value) : put_pair(at, value);
	at = high < 10 ? put_digit(at, high) : put_pair(at, high);
	return put_pair(at, value % 100);
}

/* The same below 10^8. */
static char *put_middle(char *at, uint32_t value)
{
	if (value < 10000)
		return put_short(at, value);
	return put_four(put_short(at, value / 10000), value % 10000);
}

char *put_long(char *at, uint64_t value)
{
	uint64_t high = value / 100000000;

	if (high == 0)
		return put_middle(at, (uint32_t)value);
	if (high < 100000000) {
		at = put_middle(at, (uint32_t)high);
	} else {
		at = put_short(at, (uint32_t)(high / 100000000));
		at = put_eight(at, (uint32_t)(high % 100000000));
	}
	return put_eight(at, (uint32_t)(value % 100000000));
}

char *put_nine(char *at, uint32_t value)
{
	*at = (char)('0' + value / 100000000);
	return put_eight(at + 1, value % 100000000);
}
