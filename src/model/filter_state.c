#include <string.h>

#include "core/proto.h"
#include "model/filter_parser.h"
#include "base/text.h"

struct state_name {
	const char *name;
	enum tcp_state state;
};

/* Names of ss and conntrack beside RFC 9293's own. */
static const struct state_name others[] = {
	{"syn-recv", TCP_SYN_RECEIVED},
	{"listening", TCP_LISTEN},
	{"unconnected", TCP_CLOSED},
	{"close", TCP_CLOSED},
	{"fin-wait1", TCP_FIN_WAIT_1},
	{"fin-wait2", TCP_FIN_WAIT_2},
};

/* ss's names for several states: those in `states`, or all but them. */
struct state_set {
	const char *name;
	bool except;
	enum tcp_state states[4]; /* ends at TCP_STATE_NONE */
};

static const struct state_set sets[] = {
	{"all", true, {TCP_STATE_NONE}},
	{"connected", true, {TCP_LISTEN, TCP_CLOSED}},
	{"synchronized", true, {TCP_LISTEN, TCP_CLOSED, TCP_SYN_SENT}},
	{"bucket", false, {TCP_TIME_WAIT, TCP_SYN_RECEIVED}},
	{"big", true, {TCP_TIME_WAIT, TCP_SYN_RECEIVED}},
};

const char *state_find(const char *text, size_t len)
{
	for (unsigned i = TCP_STATE_NONE + 1; i < TCP_STATE_COUNT; i++) {
		const char *name = tcp_state_name(i);

		if (filter_text_equal(text, len, name, strlen(name), false))
			return name;
	}
	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++) {
		const char *name = others[i].name;

		if (filter_text_equal(text, len, name, strlen(name), false))
			return tcp_state_name(others[i].state);
	}
	return NULL;
}

static const char *nearest(const char *text)
{
	const char *best = "ESTABLISHED";
	unsigned best_distance = UINT32_MAX;
	char upper[FILTER_TEXT_MAX];
	size_t i;

	for (i = 0; text[i]; i++)
		upper[i] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 32)
							    : text[i];
	upper[i] = '\0';
	for (unsigned state = TCP_STATE_NONE + 1; state < TCP_STATE_COUNT; state++) {
		unsigned distance = text_distance(upper, tcp_state_name(state));

		if (distance < best_distance) {
			best_distance = distance;
			best = tcp_state_name(state);
		}
	}
	return best;
}

static struct word word_of(const char *text, size_t at)
{
	struct word w = {.at = at, .len = (uint32_t)strlen(text)};

	memcpy(w.text, text, w.len + 1);
	return w;
}

/* One test a state; `except`: the first that is equal decides, and there must be a
 * state. */
static bool emit_set(
	struct parser *p, unsigned column, const struct state_set *set, size_t at)
{
	uint32_t jumps[4];
	unsigned n = 0;

	for (; n < 4 && set->states[n]; n++) {
		struct word w = word_of(tcp_state_name(set->states[n]), at);

		if (!field_equals(p, column, &w) ||
			!parser_jump(p, FILTER_IF, &jumps[n]))
			return false;
	}
	for (unsigned i = 0; i < n; i++)
		parser_land(p, jumps[i]);
	if (!set->except)
		return true;
	if (!parser_emit(p, &(struct filter_op){.code = FILTER_NOT}) ||
		!parser_jump(p, FILTER_UNLESS, &jumps[0]) || !field_present(p, column))
		return false;
	parser_land(p, jumps[0]);
	return true;
}

bool state_primitive(struct parser *p)
{
	unsigned column = (unsigned)column_find("state", 5);
	struct word w;

	if (!lex_value(p, &w))
		return false;
	for (unsigned i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		const char *name = sets[i].name;

		if (!filter_text_equal(w.text, w.len, name, strlen(name), false))
			continue;
		if (sets[i].states[0])
			return emit_set(p, column, &sets[i], w.at);
		return parser_emit(
			p, &(struct filter_op){.code = FILTER_CONST, .number = 1});
	}
	if (!state_find(w.text, w.len))
		return parser_fail(p, w.at,
			"no state is called '%s'; the nearest is %s", w.text,
			nearest(w.text));
	return field_equals(p, column, &w);
}
