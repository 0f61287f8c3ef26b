/* How connections open and end: TCP states, Zeek's conn_state and history, events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "flow/history.h"
#include "rig.h"

#define OPEN ">S <SA >A "

struct course {
	const char *script;
	const char *conn_state, *history;
	enum tcp_state orig, resp;
	const char
		*events; /* a o c r f t: attempt, open, close, reset, refuse, timeout */
};

static const struct course opening[] = {
	{">S", "S0", "S", TCP_SYN_SENT, TCP_STATE_NONE, "a"},
	{">S t1000 >S@-1 t2000 >S@-1", "S0", "S", TCP_SYN_SENT, TCP_STATE_NONE, "a"},
	{">S <SA", "S1", "Sh", TCP_SYN_SENT, TCP_SYN_RECEIVED, "a"},
	{">S <SA t1000 <SA@-1", "S1", "Sh", TCP_SYN_SENT, TCP_SYN_RECEIVED, "a"},
	{OPEN, "S1", "ShA", TCP_ESTABLISHED, TCP_ESTABLISHED, "ao"},
	{">S <SA t1000 <SA@-1 >A", "S1", "ShA", TCP_ESTABLISHED, TCP_ESTABLISHED, "ao"},
	{">S t1000 >S@-1 <SA >A100", "S1", "ShD", TCP_ESTABLISHED, TCP_ESTABLISHED,
		"ao"},
	/* data with the SYN (RFC 7413), acknowledged or not */
	{">S100 <SA >A", "S1", "SDhA", TCP_ESTABLISHED, TCP_ESTABLISHED, "ao"},
	/* an answer to nothing that was sent */
	{">S <SA >A#99999999", "S1", "ShA", TCP_SYN_SENT, TCP_SYN_RECEIVED, "a"},
	/* simultaneous open, RFC 9293 figure 7 */
	{">S <S", "S1", "Ss", TCP_SYN_SENT, TCP_SYN_SENT, "a"},
	{">S <S >SA@-1 <SA@-1", "S1", "SsHh", TCP_SYN_RECEIVED, TCP_SYN_RECEIVED, "a"},
	{">S <S >SA@-1 <SA@-1 >A", "S1", "SsHhA", TCP_ESTABLISHED, TCP_ESTABLISHED,
		"ao"},
	/* the start was not seen, or not all of it */
	{"<SA >A", "S1", "^hA", TCP_ESTABLISHED, TCP_ESTABLISHED, "o"},
	{">A100 <A", "OTH", "Da", TCP_ESTABLISHED, TCP_ESTABLISHED, "o"},
	{"<A100 >A", "OTH", "^dA", TCP_ESTABLISHED, TCP_ESTABLISHED, "o"},
	{">A100 >A >A100", "OTH", "DA", TCP_ESTABLISHED, TCP_ESTABLISHED, ""},
	/* one direction only: nobody may have answered */
	{">S >A >A100", "S0", "SAD", TCP_ESTABLISHED, TCP_STATE_NONE, "a"},
};

static const struct course closing[] = {
	{OPEN ">FA", "S2", "ShAF", TCP_FIN_WAIT_1, TCP_ESTABLISHED, "ao"},
	{OPEN ">FA <A", "S2", "ShAFa", TCP_FIN_WAIT_2, TCP_CLOSE_WAIT, "ao"},
	{OPEN "<FA >A", "S3", "ShAf", TCP_CLOSE_WAIT, TCP_FIN_WAIT_2, "ao"},
	{OPEN ">FA <A <FA", "SF", "ShAFaf", TCP_FIN_WAIT_2, TCP_LAST_ACK, "ao"},
	{OPEN ">FA <A <FA >A", "SF", "ShAFaf", TCP_TIME_WAIT, TCP_CLOSED, "aoc"},
	{OPEN "<FA >A >FA <A", "SF", "ShAfFa", TCP_CLOSED, TCP_TIME_WAIT, "aoc"},
	/* the FIN that acknowledges a FIN */
	{OPEN ">FA <FA", "SF", "ShAFf", TCP_FIN_WAIT_2, TCP_LAST_ACK, "ao"},
	{OPEN ">FA <FA >A", "SF", "ShAFf", TCP_TIME_WAIT, TCP_CLOSED, "aoc"},
	{OPEN "<FA >FA <A", "SF", "ShAfFa", TCP_CLOSED, TCP_TIME_WAIT, "aoc"},
	/* both at once, RFC 9293 figure 13 */
	{OPEN ">FA <FA#-1", "SF", "ShAFf", TCP_FIN_WAIT_1, TCP_FIN_WAIT_1, "ao"},
	{OPEN ">FA <FA#-1 >A <A", "SF", "ShAFfa", TCP_TIME_WAIT, TCP_TIME_WAIT, "aoc"},
	/* half closed, the other side goes on sending */
	{OPEN ">FA <A <A500 >A <A500 >A <FA >A", "SF", "ShAFadf", TCP_TIME_WAIT,
		TCP_CLOSED, "aoc"},
	/* the last data comes with the FIN */
	{OPEN ">FA100 <A <FA300 >A", "SF", "ShADFadf", TCP_TIME_WAIT, TCP_CLOSED,
		"aoc"},
	/* acknowledged in two steps: only the second one covers the FIN */
	{OPEN ">FA100 <A#-1", "S2", "ShADFa", TCP_FIN_WAIT_1, TCP_ESTABLISHED, "ao"},
	/* sent again, and what comes later: TIME-WAIT answers */
	{OPEN ">FA t300 >FA@-1 <A <FA t300 <FA@-1 >A <FA@-1 >A", "SF", "ShAFaf",
		TCP_TIME_WAIT, TCP_CLOSED, "aoc"},
	{OPEN ">FA <FA >A t4000 <FA@-1 t4000 >A", "SF", "ShAFf", TCP_TIME_WAIT,
		TCP_CLOSED, "aoc"},
	/* one direction only */
	{">S >A >A100 >FA", "SH", "SADF", TCP_FIN_WAIT_1, TCP_STATE_NONE, "a"},
	{">S >FA", "SH", "SF", TCP_FIN_WAIT_1, TCP_STATE_NONE, "a"},
	{"<SA <A100 <FA", "SHR", "^hdf", TCP_STATE_NONE, TCP_FIN_WAIT_1, ""},
	/* midstream */
	{">A100 <A >FA <FA >A", "SF", "DaFfA", TCP_TIME_WAIT, TCP_CLOSED, "oc"},
	{">FA <FA >A", "SF", "FfA", TCP_TIME_WAIT, TCP_CLOSED, "oc"},
};

static const struct course resets[] = {
	{">S <RA", "REJ", "Sr", TCP_CLOSED, TCP_CLOSED, "af"},
	{">S t1000 >S@-1 <RA", "REJ", "Sr", TCP_CLOSED, TCP_CLOSED, "af"},
	{">S <RA#1000", "S0", "Sr", TCP_SYN_SENT, TCP_STATE_NONE,
		"a"}, /* not for this SYN */
	{">S >R", "RSTOS0", "SR", TCP_CLOSED, TCP_CLOSED, "ar"},
	{">S <SA >R", "RSTO", "ShR", TCP_CLOSED, TCP_CLOSED, "ar"},
	{">S <SA <R", "RSTR", "Shr", TCP_CLOSED, TCP_CLOSED, "ar"},
	{"<SA <R", "RSTRH", "^hr", TCP_CLOSED, TCP_CLOSED, "r"},
	{OPEN ">RA", "RSTO", "ShAR", TCP_CLOSED, TCP_CLOSED, "aor"},
	{OPEN "<R", "RSTR", "ShAr", TCP_CLOSED, TCP_CLOSED, "aor"},
	{OPEN ">FA <R", "RSTR", "ShAFr", TCP_CLOSED, TCP_CLOSED, "aor"},
	{OPEN ">FA <A >R", "RSTO", "ShAFaR", TCP_CLOSED, TCP_CLOSED, "aor"},
	{OPEN "<FA >A <R", "RSTR", "ShAfr", TCP_CLOSED, TCP_CLOSED, "aor"},
	{OPEN ">FA <FA#-1 >R", "SF", "ShAFfR", TCP_CLOSED, TCP_CLOSED, "aor"},
	{OPEN ">FA <A <FA >R", "SF", "ShAFafR", TCP_CLOSED, TCP_CLOSED, "aor"},
	{OPEN ">FA <FA >A <R", "SF", "ShAFfr", TCP_CLOSED, TCP_CLOSED, "aoc"},
	/* far off the window (RFC 5961 §3): nobody believes it */
	{OPEN "<R@200000", "S1", "ShAr", TCP_ESTABLISHED, TCP_ESTABLISHED, "ao"},
	{OPEN "<R@-200000 >A100", "S1", "ShArD", TCP_ESTABLISHED, TCP_ESTABLISHED,
		"ao"},
	{OPEN "<R@-200000 <R", "RSTR", "ShAr", TCP_CLOSED, TCP_CLOSED, "aor"},
	/* the acknowledgements of a megabyte were not captured */
	{OPEN "<A60000 <A60000 <A60000 <R", "RSTR", "ShAdr", TCP_CLOSED, TCP_CLOSED,
		"aor"},
	/* one direction, midstream, nothing else */
	{">S >A >A100 >R", "RSTOS0", "SADR", TCP_CLOSED, TCP_CLOSED, "ar"},
	{"<SA <A100 <R", "RSTRH", "^hdr", TCP_CLOSED, TCP_CLOSED, "r"},
	{">A100 <A <R", "OTH", "Dar", TCP_CLOSED, TCP_CLOSED, "or"},
	{">R", "OTH", "R", TCP_CLOSED, TCP_CLOSED, ""},
	/* flags that exclude each other */
	{">SF", "SH", "SIF", TCP_FIN_WAIT_1, TCP_STATE_NONE, "a"},
};

static void add_events(char *out, size_t size, const struct rig *r)
{
	size_t len = strlen(out);

	for (unsigned i = 0; i < r->events && len < size - 1; i++)
		out[len++] = "aocrft"[r->event[i].event];
	out[len] = '\0';
}

static const char *state_name(enum tcp_state state)
{
	const char *name = tcp_state_name(state);

	return name ? name : "-";
}

/* True when it went as wanted; else says how it went. */
static bool goes(const struct course *c, bool full)
{
	struct rig *r = rig_new(NULL);
	const struct flow *f = &r->row[0];
	char wanted[128], found[128];

	if (full)
		rig_only_full(r);
	rig_play(r, c->script);
	rig_end(r);
	assert_int_equal(r->rows, 1);
	assert_int_equal(!!(f->facts & FLOW_CLOSED), f->closed_ns != 0);
	(void)snprintf(found, sizeof(found), "%s %s %s/%s ", flow_conn_state(f),
		f->history, state_name(flow_orig(f)->state),
		state_name(flow_resp(f)->state));
	add_events(found, sizeof(found), r);
	(void)snprintf(wanted, sizeof(wanted), "%s %s %s/%s %s", c->conn_state,
		c->history, state_name(c->orig), state_name(c->resp), c->events);
	rig_free(r);
	if (strcmp(found, wanted) == 0)
		return true;
	print_message("# \"%s\"%s:\n#   wanted %s\n#   found  %s\n", c->script,
		full ? " (full)" : "", wanted, found);
	return false;
}

static void check_all(const struct course *all, size_t count)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < count; i++) {
		wrong += !goes(&all[i], false);
		wrong += !goes(&all[i], true);
	}
	assert_int_equal(wrong, 0);
}

static void connections_open(void **state)
{
	(void)state;
	check_all(opening, sizeof(opening) / sizeof(opening[0]));
}

static void connections_close(void **state)
{
	(void)state;
	check_all(closing, sizeof(closing) / sizeof(closing[0]));
}

static void connections_are_reset(void **state)
{
	(void)state;
	check_all(resets, sizeof(resets) / sizeof(resets[0]));
}

/* Zeek's letters come once a direction, and a full text loses only its end. */
static void history_is_bounded(void **state)
{
	struct flow f = {0};

	(void)state;
	for (unsigned round = 0; round < 3; round++)
		for (unsigned bit = 0; bit < 11; bit++)
			for (unsigned dir = 0; dir < 2; dir++)
				history_add(&f, dir, (enum history_letter)(1u << bit));
	assert_string_equal(f.history, "SsHhAaDdFfRrTtWwGgIi^^");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_open),
		cmocka_unit_test(connections_close),
		cmocka_unit_test(connections_are_reset),
		cmocka_unit_test(history_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
