#include "link.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_US 1000
#define NS_PER_MS 1000000
#define NS_PER_S  1000000000

enum draw { DRAW_LOSS, DRAW_BURST, DRAW_JITTER, DRAW_REORDER, DRAW_TWICE, DRAW_COUNT };

static const struct {
	const char *name;
	size_t at;
} numbers[] = {
#define NUMBER(name_) \
	{ \
#name_, offsetof(struct link_options, name_) \
	}
	NUMBER(delay_us),
	NUMBER(jitter_us),
	NUMBER(unordered),
	NUMBER(loss),
	NUMBER(acks),
	NUMBER(burst),
	NUMBER(burst_len),
	NUMBER(period),
	NUMBER(reorder),
	NUMBER(reorder_us),
	NUMBER(duplicate),
	NUMBER(rate_bps),
	NUMBER(queue_bytes),
#undef NUMBER
};

/* "3+17+18"; the last entry of the list stays 0. */
static bool read_list(const char *text, uint32_t *list)
{
	unsigned n = 0;
	char *end;

	for (;; text = end + 1) {
		if (n == LINK_LIST - 1)
			return false;
		list[n++] = (uint32_t)strtoul(text, &end, 10);
		if (end == text || (*end && *end != '+'))
			return false;
		if (!*end)
			return true;
	}
}

bool link_option(struct link_options *o, const char *text)
{
	const char *value = strchr(text, '=');
	size_t len = value ? (size_t)(value - text) : 0;
	char *end;

	if (!value++)
		return false;
	if (strncmp(text, "drop=", 5) == 0)
		return read_list(value, o->drop);
	if (strncmp(text, "blackout_ms=", 12) == 0)
		return read_list(value, o->blackout_ms);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strlen(numbers[i].name) != len)
			continue;
		if (strncmp(numbers[i].name, text, len) != 0)
			continue;
		*(double *)(void *)((char *)o + numbers[i].at) = strtod(value, &end);
		return end != value && !*end;
	}
	return false;
}

/* 0 … 1 from the seed, the packet's number and what it is for (splitmix64, public
 * domain).
 */
static double draw(const struct link *l, uint32_t number, enum draw what)
{
	uint64_t z = l->seed +
		     ((uint64_t)number * DRAW_COUNT + what + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	z ^= z >> 31;
	return (double)(z >> 11) / (double)(UINT64_C(1) << 53);
}

static bool is_listed(const uint32_t *list, uint32_t number)
{
	for (unsigned i = 0; list[i]; i++)
		if (list[i] == number)
			return true;
	return false;
}

static bool is_dark(const struct link *l, uint64_t now_ns)
{
	const uint32_t *b = l->options.blackout_ms;
	uint64_t ms = (now_ns - l->first_ns) / NS_PER_MS;

	for (unsigned i = 0; b[i]; i += 2)
		if (ms >= b[i] && ms < b[i] + b[i + 1])
			return true;
	return false;
}

static bool is_lost(struct link *l, const struct wire *w, uint64_t now_ns)
{
	const struct link_options *o = &l->options;

	if (!w->tcp)
		return false;
	if (is_dark(l, now_ns))
		return true;
	if (!w->len) /* SYN, FIN and RST would make other scenarios of it */
		return o->acks > 0 && !(w->flags & 7) &&
		       draw(l, l->packets, DRAW_LOSS) < o->loss;
	if (l->burst_left) {
		l->burst_left--;
		return true;
	}
	if (draw(l, l->packets, DRAW_BURST) < o->burst) {
		l->burst_left = (uint32_t)o->burst_len - 1;
		return true;
	}
	if (is_listed(o->drop, l->payloads))
		return true;
	if (o->period > 0 && l->payloads % (uint32_t)o->period == 0)
		return true;
	return draw(l, l->packets, DRAW_LOSS) < o->loss;
}

/* Puts it at the end of the queue; false: no room. */
static bool enqueue(struct link *l, uint64_t now_ns, uint32_t size, uint64_t *out_ns)
{
	const struct link_options *o = &l->options;
	uint64_t start = l->free_ns > now_ns ? l->free_ns : now_ns;
	double waiting = (double)(start - now_ns) * o->rate_bps / 8 / NS_PER_S;

	*out_ns = now_ns;
	if (o->rate_bps <= 0)
		return true;
	if (o->queue_bytes > 0 && waiting + size > o->queue_bytes)
		return false;
	l->free_ns = start + (uint64_t)(size * 8.0 * NS_PER_S / o->rate_bps);
	*out_ns = l->free_ns;
	return true;
}

struct link_verdict link_enter(
	struct link *l, const struct wire *w, uint64_t now_ns, uint32_t size)
{
	const struct link_options *o = &l->options;
	struct link_verdict v = {0};

	if (!l->first_ns)
		l->first_ns = now_ns;
	l->packets++;
	l->payloads += w->tcp && w->len;
	if (is_lost(l, w, now_ns)) {
		v.fate = LINK_LOSS;
		return v;
	}
	if (!enqueue(l, now_ns, size, &v.out_ns)) {
		v.fate = LINK_QUEUE;
		return v;
	}
	v.out_ns += (uint64_t)(o->delay_us * NS_PER_US);
	v.out_ns += (uint64_t)(o->jitter_us * NS_PER_US *
			       draw(l, l->packets, DRAW_JITTER));
	v.held = w->tcp && w->len && draw(l, l->packets, DRAW_REORDER) < o->reorder;
	v.twice = w->tcp && w->len && draw(l, l->packets, DRAW_TWICE) < o->duplicate;
	if (v.held) {
		v.out_ns += (uint64_t)(o->reorder_us * NS_PER_US);
		return v; /* nobody waits for it */
	}
	if (v.out_ns < l->last_ns && o->unordered <= 0)
		v.out_ns = l->last_ns;
	l->last_ns = v.out_ns;
	return v;
}

bool link_leave(struct link *l, const struct wire *w, uint32_t serial)
{
	uint32_t ports = (uint32_t)w->sport << 16 | w->dport;
	struct link_flow *f = &l->out[(ports ^ ports >> 16) % LINK_FLOWS];
	bool known = f->ports == ports;

	if (!w->tcp || !w->len)
		return false;
	if (known && f->serial > serial)
		return true;
	*f = (struct link_flow){ports, serial};
	return false;
}
