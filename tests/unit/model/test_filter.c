#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "model/filter.h"
#include "model/home.h"
#include "sample.h"

struct world {
	struct services *services;
	struct home *home;
	struct flow web, dns, ssh6, ping;
	struct tcp_measure measure; /* of web: 3 of 200 segments lost */
	struct buf scratch;
};

static int setup(void **state)
{
	static const char services[] = "http 80/tcp www\nhttps 443/tcp\ndomain 53/udp\n"
				       "ftp-data 20/tcp\nssh 22/tcp\n";
	struct world *w = aligned_alloc(_Alignof(struct world), sizeof(*w));

	assert_non_null(w); /* flows are aligned to cache lines */
	memset(w, 0, sizeof(*w));
	w->services = services_new(services, sizeof(services) - 1);
	w->home = home_new();
	assert_non_null(w->services);
	assert_int_equal(home_parse(w->home, "192.168.0.0/16,2001:db8::/32", NULL), 0);
	w->web = sample_flow(PROTO_TCP, "192.168.1.5", 40000, "93.184.216.34", 443);
	sample_orig(&w->web)->state = TCP_ESTABLISHED;
	sample_resp(&w->web)->state = TCP_ESTABLISHED;
	sample_orig(&w->web)->payload_bytes = 1500;
	sample_resp(&w->web)->payload_bytes = 2000000;
	memcpy(w->web.history, "ShADad", 7);
	w->web.tcp = &w->measure;
	sample_resp(&w->web)->packets = 199;
	w->measure.result[!w->web.orig].loss.before = 1;
	w->measure.result[!w->web.orig].loss.after = 2;
	w->web.vlans = 2;
	w->web.vlan[0] = 5;
	w->web.vlan[1] = 42;
	w->web.last_ns += 2500000000ull;
	w->dns = sample_flow(PROTO_UDP, "192.168.1.5", 5353, "8.8.8.8", 53);
	w->dns.facts |= FLOW_ICMP_ERROR;
	w->dns.icmp_error_type = w->dns.icmp_error_code = 3;
	w->ssh6 = sample_flow(PROTO_TCP, "2001:db9::7", 50022, "2001:db8::22", 22);
	sample_orig(&w->ssh6)->state = TCP_SYN_SENT;
	sample_resp(&w->ssh6)->state = TCP_SYN_RECEIVED;
	w->ping = sample_flow(PROTO_ICMP, "10.1.2.3", 0, "10.9.9.9", 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	services_free(w->services);
	home_free(w->home);
	buf_done(&w->scratch);
	free(w);
	return 0;
}

/* Which of the four rows match, as letters: w d s p. */
static void matches_of(struct world *w, const char *text, bool home, char out[5])
{
	const struct flow *flows[] = {&w->web, &w->dns, &w->ssh6, &w->ping};
	struct row_world world = {.has_home = home, .home = home ? w->home : NULL};
	struct filter *f = NULL;
	struct err err = {0};
	unsigned n = 0;

	if (filter_compile(text, w->services, &f, NULL, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	for (unsigned i = 0; i < 4; i++) {
		struct row r = {flows[i], &world, SAMPLE_START_NS + 10 * SAMPLE_SECOND,
			&w->scratch};

		if (filter_match(f, &r))
			out[n++] = "wdsp"[i];
	}
	out[n] = '\0';
	filter_free(f);
}

struct expectation {
	const char *filter, *rows;
};

static void check(struct world *w, const struct expectation *e, size_t count, bool home)
{
	for (size_t i = 0; i < count; i++) {
		char rows[5];

		matches_of(w, e[i].filter, home, rows);
		if (strcmp(rows, e[i].rows) != 0)
			fail_msg("%s: matches [%s], expected [%s]", e[i].filter, rows,
				e[i].rows);
	}
}

#define CHECK(home_, ...) \
	do { \
		static const struct expectation list_[] = {__VA_ARGS__}; \
		check(*state, list_, sizeof(list_) / sizeof(*list_), home_); \
	} while (0)

static void fields(void **state)
{
	CHECK(false, {"", "wdsp"}, {"  ", "wdsp"}, {"proto = tcp", "ws"},
		{"proto==TCP", "ws"}, {"proto != tcp", "dp"}, {"proto = 17", "d"},
		{"proto != 6", "dp"}, {"proto in (udp, icmp)", "dp"},
		{"proto not in (udp, icmp)", "ws"}, {"bytes > 2M", "w"},
		{"bytes > 1.9Mi", "w"}, {"bytes > 2Mi", ""},
		{"orig_bytes >= 1.5k", "w"}, {"orig_bytes < 1500", "dsp"},
		{"orig_bytes <= 1500", "wdsp"}, {"duration > 2s", "w"},
		{"duration >= 2500ms", "w"}, {"duration > 2500ms", ""},
		{"duration = 2.5", "w"}, {"idle_ms < 8s", "w"}, {"idle_ms = 7500", "w"},
		{"age_ms < 1m", "wdsp"}, {"id.resp_h = 93.184.216.34", "w"},
		{"id.orig_h = 192.168/16", "wd"}, {"id.orig_h != 192.168.0.0/16", "sp"},
		{"id.orig_h ~ ^192\\.", "wd"}, {"id.resp_p = https", "w"},
		{"id.resp_p = :443", "w"}, {"id.resp_p < 100", "ds"},
		{"icmp_error", "d"}, {"not icmp_error", "wsp"},
		{"icmp_error = port-unreachable", "d"}, {"vlan = 42", "w"},
		{"vlan 5", "w"}, {"vlan != 42", ""}, {"vlan ~ ^4", "w"},
		{"orig ~ '^([0-9]+\\.){3}[[:digit:]]+:4[(]?0+$'", "w"},
		{"vlan in (1, 5)", "w"}, {"history = ShADad", "w"},
		{"history = SHADAD", ""}, {"history:Dad", "w"}, {"proto:TC", "ws"},
		{"id.resp_p:443", "w"}, {"id.orig_h:192.168/16", "wd"},
		{"orig ~ '^\\[2001'", "s"}, {"state = syn_sent", "s"},
		{"state = Syn-Sent", "s"}, {"resp_state = syn-recv", "s"},
		{"ts > 2023-11-14T22:13:19Z", "wdsp"},
		{"ts >= 2023-11-14T22:13:20.000000001Z", ""},
		{"ts = 1700000000", "wdsp"}, {"ts < 2023-11-14", ""},
		{"proto eq tcp", "ws"}, {"orig_bytes gt 1K", "w"});
}

static void shares(void **state)
{
	CHECK(false, {"loss_ppm", "w"}, {"loss_ppm = 1.5%", "w"},
		{"loss_ppm > 1.5%", ""}, {"loss_ppm >= 15000", "w"},
		{"loss_ppm < 2%", "w"});
}

static void absent_values(void **state)
{
	CHECK(false, {"state = established", "w"}, {"state != established", "s"},
		{"not state = established", "dsp"}, {"state !~ estab", "s"},
		{"state not in (established)", "s"}, {"id.orig_p >= 0", "wds"},
		{"vlan !~ 9", "w"}, {"orig_mss < 99999", ""});
}

static void logic(void **state)
{
	CHECK(false, {"tcp and not udp", "ws"}, {"tcp or udp and port 53", "wds"},
		{"(tcp or udp) and port 53", "d"}, {"not (tcp or udp)", "p"},
		{"!tcp", "dp"}, {"not not tcp", "ws"}, {"! ! !(tcp)", "dp"},
		{"tcp && port 443 || icmp", "wp"}, {"icmp || tcp && port 443", "wp"},
		{"tcp port 443", "w"},
		{"tcp and (port 22 or not (port 443 and bytes > 1))", "s"},
		{"not (tcp and not (port 22 or port 23))", "dsp"},
		{"TCP AND PORT 443", "w"}, {"((((tcp))))", "ws"},
		{"not tcp and not udp or port 22", "sp"});
}

static void primitives(void **state)
{
	CHECK(false, {"tcp", "ws"}, {"udp", "d"}, {"icmp", "p"}, {"ip", "wdp"},
		{"ip6", "s"}, {"icmp6", ""}, {"arp", ""}, {"proto udp", "d"},
		{"proto 1", "p"}, {"ip proto 6", "w"}, {"gre", ""},
		{"host 8.8.8.8", "d"}, {"src host 192.168.1.5", "wd"},
		{"dst host 192.168.1.5", ""}, {"src 192.168.1.5", "wd"},
		{"net 192.168.1", "wd"}, {"net 10", "p"}, {"net 2001:db8::/32", "s"},
		{"dst net 8/8", "d"}, {"not host 8.8.8.8", "wsp"}, {"port 443", "w"},
		{"src port 443", ""}, {"dst port https", "w"},
		{"port www or https", "w"}, {"port 53 or 22", "ds"},
		{"tcp port 80 or 443 or 22", "ws"}, {"portrange 20-60", "ds"},
		{"src portrange 5000-6000", "d"}, {"dst port ftp-data", ""},
		{"dst :443", "w"}, {"src or dst port 22", "s"},
		{"src and dst net 10/8", "p"},
		{"src 192.168.1.5 or dst port 22", "wds"}, {"host != 8.8.8.8", "wsp"},
		{"port != 443", "ds"}, {"host = 8.8.8.8", "d"},
		{"ip6 host 2001:db8::22", "s"}, {"dst 93.184.216.34:443", "w"},
		{"dst 93.184.216.34:444", ""}, {"dst [2001:db8::22]:22", "s"},
		{"dst 2001:db8::22", "s"}, {"dst != 93.184.216.34:444", "wdsp"});
}

static void socket_words(void **state)
{
	CHECK(true, {"state established", "w"}, {"state connected", "ws"},
		{"state synchronized", "ws"}, {"state bucket", "s"}, {"state big", "w"},
		{"state all", "wdsp"}, {"state syn-recv", "s"},
		{"state established and pport = :443", "w"},
		{"state established pport 443", "w"});
}

static void sides(void **state)
{
	CHECK(true, {"sport = :40000", "w"}, {"dport = :443", "w"},
		{"dport >= 443", "w"}, {"dport > 443", ""}, {"dport < 53", "s"},
		{"dport in (22, :53)", "ds"}, {"dport not in (22, 53)", "w"},
		{"lport 22", "s"}, {"lport = 443", ""}, {"pport 443", "w"},
		{"peer 8/8", "d"}, {"local 8.8.8.8", ""},
		{"local net 2001:db8::/32", "s"}, {"local port 22", "s"},
		{"peer 10.1/16", "p"}, /* neither end is at home: either end */
		{"peer in (8.8.8.8, 10/8)", "dp"}, {"direction = in", "s"},
		{"port = :443", "w"}, {"dport < 0", ""}, {"dport > 65535", ""});
	CHECK(false, {"state synchronized", "w"}, {"peer 192.168/16", "wd"},
		{"local 192.168/16", "wd"}, {"lport 443", "w"},
		{"peer != 192.168/16", "sp"});
}

static void conjunctions(void **state)
{
	static const char *const texts[][3] = {{"tcp", "port 443 or port 22", "ws"},
		{"tcp or udp", "port 443 or port 53", "wd"}, {"", "udp", "d"},
		{"udp", "", "d"}, {"not udp", "not tcp", "p"}};
	struct world *w = *state;
	struct row_world world = {.has_home = false};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const struct flow *flows[] = {&w->web, &w->dns, &w->ssh6, &w->ping};
		struct filter *a, *b;
		char rows[5] = "";
		unsigned n = 0;

		assert_int_equal(filter_compile(texts[i][0], NULL, &a, NULL, NULL), 0);
		assert_int_equal(filter_compile(texts[i][1], NULL, &b, NULL, NULL), 0);
		assert_int_equal(filter_and(a, b), 0);
		for (unsigned j = 0; j < 4; j++)
			if (filter_match(
				    a, &(struct row){flows[j], &world, 0, &w->scratch}))
				rows[n++] = "wdsp"[j];
		filter_free(a);
		assert_string_equal(rows, texts[i][2]);
	}
}

struct fault {
	const char *filter;
	unsigned at;
	const char *says;
};

static void faults(void **state)
{
	static const struct fault list[] = {
		{"prot = tcp", 0, "proto"},
		{"tcp and servise = x", 8, "service"},
		{"tcp and", 7, "expected"},
		{"tcp or or udp", 7, "or"},
		{"(tcp", 0, "not closed"},
		{"tcp)", 3, "no ("},
		{"bytes > many", 8, "number"},
		{"duration > 5x", 11, "duration"},
		{"id.resp_p = 70000", 12, "65535"},
		{"host example.com", 5, "address"},
		{"port nosuchthing", 5, "port"},
		{"proto ~ '('", 8, "regular expression"},
		{"proto ~ 'a{999}{999}'", 8, "repeats"},
		{"proto ~ '(a)\\1'", 8, "back"},
		{"proto ~ a++++++++++++++++++++++++++++++", 8, "repeats"},
		{"proto ~ '(((((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+'", 8,
			"repeats"},
		{"proto ~ id????????", 8, "repeats"},
		{"proto ~ '((a[(])+){99}{99}'", 8, "repeats"},
		{"bytes ~ 5", 8, "searches"},
		{"proto = \"tcp", 8, "not closed"},
		{"state estblished", 6, "ESTABLISHED"},
		{"vlan > 5", 6, "order"},
		{"proto in tcp", 9, "list"},
		{"proto in (tcp", 13, "missing"},
		{"id.orig_h = web-1", 12, "address"},
		{"= 5", 0, "expected"},
		{"ts > yesterday", 5, "time"},
		{"proto 999", 6, "protocol"},
		{"net 10/40", 4, "network"},
		{"port \"a\nb\"", 5, "a b"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(list) / sizeof(*list); i++) {
		struct filter *f = NULL;
		struct err err = {0};
		unsigned at = 999;

		if (filter_compile(list[i].filter, NULL, &f, &at, &err) == 0)
			fail_msg("%s compiles", list[i].filter);
		assert_null(f);
		assert_int_equal(err.exit_code, EXIT_USAGE);
		if (at != list[i].at || !strstr(err.text, list[i].says))
			fail_msg("%s: at %u: %s", list[i].filter, at, err.text);
		assert_null(strchr(err.text, '\n'));
	}
}

static void nesting(void **state)
{
	char text[200];

	(void)state;
	for (unsigned depth = 31; depth <= 34; depth++) {
		struct filter *f = NULL;
		unsigned n = 0;

		for (unsigned i = 0; i < depth; i++)
			text[n++] = '(';
		memcpy(text + n, "tcp", 3);
		n += 3;
		for (unsigned i = 0; i < depth; i++)
			text[n++] = ')';
		text[n] = '\0';
		assert_int_equal(
			filter_compile(text, NULL, &f, NULL, NULL) == 0, depth <= 32);
		filter_free(f);
	}
}

/* Words and rubbish in random order: never a crash, always an answer. */
static void random_texts(void **state)
{
	static const char *const words[] = {"tcp", "and", "or", "not", "(", ")", "port",
		"=", "!=", "~", "in", ",", "80", "10/8", "src", "dst", "host", "state",
		"bytes", ">", "5M", "\"", "'", ":443", "proto", "!", "&&", "||", "vlan",
		"::1", "net", "peer", "orig:x", "established", "\\", "{", "*", "\xff",
		"duration", "9s", "ts", "[", "]", "all", "id.orig_h", "<", "portrange",
		"1-2"};
	struct world *w = *state;
	struct row_world world = {.has_home = true, .home = w->home};
	struct row r = {&w->web, &world, SAMPLE_START_NS, &w->scratch};
	uint64_t seed = 7;
	unsigned good = 0;

	for (unsigned i = 0; i < 30000; i++) {
		struct filter *f = NULL;
		struct err err = {0};
		char text[256] = "";
		unsigned at = 0, count = (unsigned)(sample_random(&seed) >> 40) % 12;

		for (unsigned j = 0; j < count; j++) {
			uint64_t n = sample_random(&seed) >> 32;
			size_t len = strlen(text);

			(void)snprintf(text + len, sizeof(text) - len, "%s%s",
				words[n % (sizeof(words) / sizeof(*words))],
				n >> 20 & 3 ? " " : "");
		}
		if (filter_compile(text, w->services, &f, &at, &err) == 0) {
			(void)filter_match(f, &r);
			filter_free(f);
			good++;
		} else {
			assert_true(at <= strlen(text));
			assert_true(err.text[0] != '\0');
		}
	}
	assert_in_range(good, 300, 29000); /* both ways were tried */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(shares),
		cmocka_unit_test(absent_values),
		cmocka_unit_test(logic),
		cmocka_unit_test(primitives),
		cmocka_unit_test(socket_words),
		cmocka_unit_test(sides),
		cmocka_unit_test(conjunctions),
		cmocka_unit_test(faults),
		cmocka_unit_test(nesting),
		cmocka_unit_test(random_texts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
