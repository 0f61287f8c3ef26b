#include "base/put.h"

const char put_pairs[200] = {"0001020304050607080910111213141516171819"
			     "2021222324252627282930313233343536373839"
			     "4041424344454647484950515253545556575859"
			     "6061626364656667686970717273747576777879"
			     "8081828384858687888990919293949596979899"};

static unsigned digits_of(uint64_t value)
{
	unsigned digits = 1;

	for (; value >= 10000; value /= 10000)
		digits += 4;
	return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

char *put_long(char *at, uint64_t value)
{
	char *end = at + digits_of(value), *to = end;

	for (; value > UINT32_MAX; value /= 100)
		(void)put_pair(to -= 2, (unsigned)(value % 100));
	for (uint32_t rest = (uint32_t)value;; rest /= 100) {
		if (rest < 10) {
			if (to > at)
				*at = (char)('0' + rest);
			return end;
		}
		(void)put_pair(to -= 2, rest % 100);
	}
}

char *put_nine(char *at, uint32_t value)
{
	uint32_t low = value % 10000, high = value / 10000 % 10000;

	*at++ = (char)('0' + value / 100000000);
	at = put_pair(put_pair(at, high / 100), high % 100);
	return put_pair(put_pair(at, low / 100), low % 100);
}
