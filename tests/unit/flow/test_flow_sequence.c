/* Sequence numbers: bytes missed and filled, wrap, windows; ports that are used again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "rig.h"

#define OPEN ">S <SA >A "

struct gap {
	const char *script;
	unsigned missed[2]; /* client, server */
	const char *history;
};

static const struct gap gaps[] = {
	{OPEN ">A100 <A", {0, 0}, "ShADa"},
	{OPEN ">A100 x>500 >A100 <A", {500, 0}, "ShADGa"},
	{OPEN "x<700 >A", {0, 700}, "ShAg"},
	/* filled late, by what was captured out of order, or was lost and sent again */
	{OPEN ">A100 x>500 >A100 >A500@-600", {0, 0}, "ShADG"},
	{OPEN ">A100 x>500 >A100 >A200@-600", {300, 0}, "ShADG"},
	{OPEN ">A100 x>500 >A100 >A200@-600 >A300@-400", {0, 0}, "ShADG"},
	{OPEN ">A100 x>500 >A100 >A200@-300 >A300@-600", {0, 0}, "ShADG"},
	/* one segment that overlaps both ends of the gap */
	{OPEN ">A100 x>500 >A100 >A700@-700", {0, 0}, "ShADG"},
	/* what was seen before fills nothing */
	{OPEN ">A600 x>500 >A100 >A500@-1200", {500, 0}, "ShADGT"},
	{OPEN ">A600 x>500 >A100 >A500@-600 >A500@-600", {0, 0}, "ShADGT"},
	{OPEN "x<700 >A <A700@-700", {0, 0}, "ShAgd"},
	{OPEN ">A100 x>50 >A100 x>60 >A100 >A50@-310", {60, 0}, "ShADG"},
	/* repeats and keeps alive: nothing is missing */
	{OPEN ">A100 >A100@-100", {0, 0}, "ShADT"},
	{OPEN ">A100 >A200@-100", {0, 0}, "ShAD"},
	{OPEN ">A@-1 <A >A@-1 <A", {0, 0}, "ShAa"},
	/* the FIN is no byte of the stream that could be missing and stay so */
	{OPEN "x<1 >A <FA@-1 >A", {0, 0}, "ShAgf"},
	/* a jump of nonsense: not acknowledged by anybody, not even possible */
	{OPEN ">A#2000000000", {0, 0}, "ShA"},
	{"<SA x<90 >A", {0, 90}, "^hAg"},
	{">A100 x>40 >A100", {40, 0}, "DG"},
	{">A100 >A100 >A100@-100", {0, 0}, "DT"},
	{">A100 >A100w0", {0, 0}, "DW"},
	{">Aw0 >A100", {0, 0}, "AWD"},
	{">A >A100 >A100@50 >A50@-150", {0, 0}, "ADG"},
};

static bool gap_is(const struct gap *g, bool full, uint32_t isn)
{
	struct rig *r = rig_new(NULL);
	const struct flow *f = &r->row[0];
	bool right;

	if (full)
		rig_only_full(r);
	r->talk.next[0] = isn;
	r->talk.next[1] = isn * 3;
	rig_play(r, g->script);
	rig_end(r);
	right = r->missed[0][0] == g->missed[0] && r->missed[0][1] == g->missed[1] &&
		strcmp(f->history, g->history) == 0;
	if (!right)
		print_message("# \"%s\"%s isn %u: missed %llu %llu, %s\n", g->script,
			full ? " (full)" : "", isn, (unsigned long long)r->missed[0][0],
			(unsigned long long)r->missed[0][1], f->history);
	rig_free(r);
	return right;
}

static void missed_bytes(void **state)
{
	static const uint32_t isns[] = {1000, UINT32_MAX, UINT32_MAX - 150,
		UINT32_MAX - 700, INT32_MAX - 300, 0};
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
		for (size_t n = 0; n < sizeof(isns) / sizeof(isns[0]); n++) {
			wrong += !gap_is(&gaps[i], false, isns[n]);
			wrong += !gap_is(&gaps[i], true, isns[n]);
		}
	assert_int_equal(wrong, 0);
}

/* Twenty gigabytes: the numbers wrap four times. */
static void long_transfers_wrap(void **state)
{
	struct rig *r = rig_new(NULL);

	(void)state;
	rig_play(r, OPEN);
	for (unsigned i = 0; i < 320; i++) {
		rig_play(r, "<A60000000 >A");
		rig_play(r, i % 32 ? "" : "x<1000 ");
	}
	rig_play(r, "<FA >FA <A");
	rig_end(r);
	assert_int_equal(r->rows, 1);
	assert_string_equal(flow_conn_state(&r->row[0]), "SF");
	assert_int_equal(r->row[0].side[1].payload_bytes, 320ull * 60000000);
	assert_int_equal(r->missed[0][1], 10000);
	rig_free(r);
}

struct window {
	const char *script;
	unsigned client, server;
};

static void windows_are_scaled(void **state)
{
	static const struct window cases[] = {
		{">Ss7w500 <SAs2w600", 500, 600}, /* never those of a SYN */
		{">Ss7 <SAs2 >Aw10 <Aw20", 10 << 7, 20 << 2},
		{">Ss7 <SA >Aw10 <Aw20", 10, 20}, /* both must offer it */
		{">S <SAs2 >Aw10 <Aw20", 10, 20},
		{">Ss0 <SAs14 >Aw10 <Aw65535", 10, 65535u << 14},
		{"<SAs2 >Aw10 <Aw20", 10, 20}, /* the other's was not seen */
		{">Aw10 <Aw20", 10, 20},
		{">Ss7 t1000 >S@-1 <SAs2 >Aw10 <Aw20", 10 << 7,
			20 << 2}, /* it got the first */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned full = 0; full < 2; full++) {
			struct rig *r = rig_new(NULL);

			if (full)
				rig_only_full(r);
			rig_play(r, cases[i].script);
			rig_end(r);
			assert_int_equal(r->row[0].side[0].window, cases[i].client);
			assert_int_equal(r->row[0].side[1].window, cases[i].server);
			rig_free(r);
		}
}

struct reuse {
	const char *script;
	const char *rows; /* conn_state of each, in the order in which they ended */
};

static const struct reuse reuses[] = {
	/* new numbers: a new connection, whatever became of the old one */
	{OPEN ">FA <FA >A t100 >S@100000 <SA@900000 >A", "SF S1"},
	{OPEN "<R >S@5000", "RSTR S0"},
	{OPEN ">A100 >S@-5000", "S1 S0"},
	{">S t1000 >S@77", "S0 S0"},
	{">S <SA t1000 >S@77 <SA@900", "S1 S1"},
	{">S <RA t1000 >S@77 <RA", "REJ REJ"},
	{">A100 <A >S", "OTH S0"},
	{"<SA >S@100 <SA@10", "OTH S1"},
	{OPEN "t7500000 >A", "S1 OTH"}, /* idle for over two hours */
	/* the client's ports served before, or the server's SYN was not captured */
	{OPEN ">FA <FA >A <S@7777 >SA@7777", "SF S1"},
	{OPEN ">FA <FA >A <SA@7777 >A", "SF S1"},
	{OPEN "<R <SA@7777", "RSTR OTH"},
	/* none: repeated, late, or both sides at once */
	{">S t1000 >S@-1 t3000 >S@-1", "S0"},
	{">S <SA t1000 >S@-1 <SA@-1 >A", "S1"},
	{"<SA >S@-1 >A", "S1"},
	{"<SA >S@-1", "S1"},
	{">S <S >SA@-1 <SA@-1", "S1"},
	{OPEN ">S@-1", "S1"},
	{OPEN ">A100 <SA@-1", "S1"},
	{OPEN "<SA@5000", "S1"}, /* of nobody, while it lives */
	/* leftovers within the linger time, each of which prolongs it */
	{OPEN ">FA <FA >A t4000 <FA@-1 t4000 <FA@-1 t4000 >A", "SF"},
	{OPEN "<R t4000 >A100 t4000 >A100@-100", "RSTR"},
	{OPEN ">FA <FA >A t5001 <FA@-1", "SF OTH"},
};

static bool reused(const struct reuse *u, bool full)
{
	struct rig *r = rig_new(NULL);
	char found[64] = "";
	bool right;

	if (full)
		rig_only_full(r);
	rig_play(r, u->script);
	rig_end(r);
	for (unsigned n = 0; n < r->rows && n < 5; n++) {
		strncat(found, n ? " " : "", 2);
		strncat(found, flow_conn_state(&r->row[n]), 8);
	}
	right = strcmp(found, u->rows) == 0;
	if (!right)
		print_message("# \"%s\"%s: wanted %s, found %s\n", u->script,
			full ? " (full)" : "", u->rows, found);
	rig_free(r);
	return right;
}

static void ports_are_used_again(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(reuses) / sizeof(reuses[0]); i++) {
		wrong += !reused(&reuses[i], false);
		wrong += !reused(&reuses[i], true);
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missed_bytes),
		cmocka_unit_test(long_transfers_wrap),
		cmocka_unit_test(windows_are_scaled),
		cmocka_unit_test(ports_are_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
