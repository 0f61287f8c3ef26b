#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "model/home.h"
#include "sample.h"

static struct buf scratch;

static int done(void **state)
{
	(void)state;
	buf_done(&scratch);
	return 0;
}

static const char *interface_name(void *ctx, uint16_t interface)
{
	static const char *const names[] = {"eth0", "eth1", "lo"};

	(void)ctx;
	return interface < 3 ? names[interface] : NULL;
}

static struct value get(const struct flow *f, struct home *home, const char *key)
{
	struct row_world world = {.has_home = home != NULL,
		.home = home,
		.interface_name = interface_name};
	struct row r = {.flow = f,
		.world = &world,
		.now_ns = SAMPLE_START_NS + 10 * SAMPLE_SECOND,
		.scratch = &scratch};
	int column = column_find(key, strlen(key));

	assert_true(column >= 0);
	return column_at((unsigned)column)->get(&r);
}

/* Text of a column; items of lists are joined by |; "-" when absent. */
static const char *text(const struct flow *f, struct home *home, const char *key)
{
	struct value v = get(f, home, key);
	static char out[256];

	if (!v.present)
		return "-";
	assert_true(v.str.len < sizeof(out));
	memcpy(out, v.str.ptr, v.str.len);
	out[v.str.len] = '\0';
	for (uint32_t i = 0; i < v.str.len; i++)
		if (!out[i])
			out[i] = '|';
	return out;
}

static void assert_number(const struct flow *f, const char *key, uint64_t expected)
{
	struct value v = get(f, NULL, key);

	assert_true(v.present);
	assert_int_equal(v.num, expected);
}

static void assert_absent(const struct flow *f, const char *key)
{
	if (get(f, NULL, key).present)
		fail_msg("%s should be absent", key);
}

static void table_is_sound(void **state)
{
	(void)state;
	for (unsigned i = 0; i < column_count(); i++) {
		const struct column *c = column_at(i);

		assert_int_equal(column_find(c->key, strlen(c->key)), i);
		assert_true(c->width > 0 && c->priority <= 99);
		assert_true(strlen(c->help) > 5 && strlen(c->title) > 0);
		assert_non_null(type_name(c->type));
		for (const char *p = c->key; *p; p++)
			assert_non_null(
				strchr("abcdefghijklmnopqrstuvwxyz0123456789_.", *p));
	}
	assert_int_equal(column_find("nonsense", 8), -1);
	assert_string_equal(column_nearest("servise", 7), "service");
}

/* The default table: what has a single-digit priority fits into 80 columns. */
static void default_table_fits(void **state)
{
	unsigned width = 0;

	(void)state;
	for (unsigned i = 0; i < column_count(); i++)
		if (column_at(i)->priority < 5)
			width += column_at(i)->width + 1u;
	assert_in_range(width, 60, 81);
}

/* No column invents a value when nothing is known, and none needs a scratch. */
static void empty_row_is_absent(void **state)
{
	struct flow f = sample_flow(PROTO_TCP, "10.0.0.1", 1, "10.0.0.2", 2);
	struct row_world world = {.has_home = false};
	struct row empty = {.world = &world}, poor = {.flow = &f, .world = &world};

	(void)state;
	for (unsigned i = 0; i < column_count(); i++) {
		const struct column *c = column_at(i);

		if (strcmp(c->key, "conns") != 0 && c->get(&empty).present)
			fail_msg("%s has a value without a flow", c->key);
		(void)c->get(&poor); /* must not crash */
	}
}

static void endpoints(void **state)
{
	struct flow v4 = sample_flow(
		PROTO_TCP, "185.60.216.35", 51514, "10.0.0.1", 443);
	struct flow v6 = sample_flow(PROTO_UDP, "2001:db8::1", 53000, "::1", 53);
	struct flow gre = sample_flow(PROTO_GRE, "2001:db8::1", 0, "2001:db8::2", 0);
	struct flow odd = sample_flow(253, "10.0.0.1", 0, "10.0.0.2", 0);

	(void)state;
	assert_string_equal(text(&v4, NULL, "orig"), "185.60.216.35:51514");
	assert_string_equal(text(&v4, NULL, "resp"), "10.0.0.1:443");
	assert_number(&v4, "id.orig_p", 51514);
	assert_string_equal(text(&v6, NULL, "orig"), "[2001:db8::1]:53000");
	assert_string_equal(text(&v6, NULL, "resp"), "[::1]:53");
	assert_string_equal(text(&gre, NULL, "orig"), "2001:db8::1");
	assert_string_equal(text(&gre, NULL, "proto"), "gre");
	assert_string_equal(text(&odd, NULL, "proto"), "253");
	assert_absent(&gre, "id.orig_p");
}

static void counters_and_times(void **state)
{
	struct flow f = sample_flow(PROTO_TCP, "10.0.0.2", 40000, "10.0.0.1", 80);

	(void)state;
	sample_orig(&f)->payload_bytes = 100;
	sample_resp(&f)->payload_bytes = 5000;
	sample_orig(&f)->packets = 3;
	sample_resp(&f)->packets = 4;
	f.last_ns += 4 * SAMPLE_SECOND;
	assert_number(&f, "orig_bytes", 100);
	assert_number(&f, "resp_bytes", 5000);
	assert_number(&f, "bytes", 5100);
	assert_number(&f, "pkts", 7);
	assert_number(&f, "duration", 4 * SAMPLE_SECOND);
	assert_number(&f, "idle_ms", 6000);
	assert_number(&f, "age_ms", 10000);
	f.last_ns = f.first_ns - 5; /* packets out of order */
	assert_number(&f, "duration", 0);
}

static void tcp_fields_need_tcp(void **state)
{
	static const char *const keys[] = {"state", "orig_state", "orig_flags",
		"orig_window", "orig_mss", "missed_bytes", "half_open", "icmp_type"};
	struct flow f = sample_flow(PROTO_UDP, "10.0.0.2", 40000, "10.0.0.1", 53);

	(void)state;
	f.side[0].state = f.side[1].state = TCP_ESTABLISHED;
	f.side[0].has_window = f.side[1].has_window = true;
	f.side[0].mss = f.side[1].mss = 1460;
	for (unsigned i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_absent(&f, keys[i]);
}

static void packet_details(void **state)
{
	struct flow f = sample_flow(PROTO_TCP, "10.0.0.2", 40000, "10.0.0.1", 80);
	struct flow_detail *d = &f.detail[f.orig];

	(void)state;
	sample_orig(&f)->last_flags = TCP_SYN | TCP_PSH | TCP_ACK | TCP_FIN;
	assert_string_equal(text(&f, NULL, "orig_flags"), "SPAF");
	assert_string_equal(text(&f, NULL, "resp_flags"), "none");
	*d = (struct flow_detail){
		.mac = {2, 0, 0xab, 1, 2, 255}, .has_mac = true, .tos = 46 << 2 | 1};
	sample_orig(&f)->detailed = true;
	assert_string_equal(text(&f, NULL, "orig_mac"), "02:00:ab:01:02:ff");
	assert_number(&f, "orig_dscp", 46);
	assert_absent(&f, "resp_mac");
	assert_absent(&f, "resp_dscp");
	f.vlans = 2;
	f.vlan[0] = 100;
	f.vlan[1] = 7;
	f.tunnels = 2;
	f.tunnel[0] = (struct tunnel){42, TUNNEL_VXLAN, true};
	f.tunnel[1] = (struct tunnel){0, TUNNEL_IPIP, false};
	assert_string_equal(text(&f, NULL, "vlan"), "100|7|");
	assert_string_equal(text(&f, NULL, "tunnel"), "vxlan:42|ipip|");
	f.interface = 1;
	f.seen_in = 1 << 0 | 1 << 2 | 1 << 9;
	assert_string_equal(text(&f, NULL, "interface"), "eth1");
	assert_string_equal(text(&f, NULL, "seen_in"), "eth0|lo|");
	f.facts &= ~(uint32_t)FLOW_HAS_DETAILS;
	assert_absent(&f, "vlan");
	assert_absent(&f, "interface");
	assert_absent(&f, "orig_mac");
	assert_absent(&f, "missed_bytes");
}

static void icmp_errors(void **state)
{
	struct flow f = sample_flow(PROTO_UDP, "10.0.0.2", 40000, "10.0.0.1", 53);

	(void)state;
	assert_absent(&f, "icmp_error");
	f.facts |= FLOW_ICMP_ERROR;
	f.icmp_error_type = 3;
	f.icmp_error_code = 3;
	assert_string_equal(text(&f, NULL, "icmp_error"), "port_unreachable");
	f.icmp_error_code = 99;
	assert_string_equal(text(&f, NULL, "icmp_error"), "type_3_code_99");
}

static struct home *home_of(const char *nets)
{
	struct home *home = home_new();
	struct err err;

	assert_non_null(home);
	assert_int_equal(home_parse(home, nets, &err), 0);
	return home;
}

static void directions(void **state)
{
	struct flow out = sample_flow(PROTO_TCP, "192.168.1.5", 40000, "8.8.8.8", 443);
	struct flow in = sample_flow(PROTO_TCP, "8.8.8.8", 40000, "192.168.1.5", 22);
	struct flow local = sample_flow(PROTO_TCP, "127.0.0.1", 40000, "127.0.0.1", 22);
	struct flow past = sample_flow(PROTO_TCP, "8.8.8.8", 1, "9.9.9.9", 2);
	struct flow group = sample_flow(PROTO_UDP, "8.8.8.8", 1, "224.0.0.251", 5353);
	struct home *home = home_of("192.168/16,fd00::/8,10.1.2.3");

	(void)state;
	assert_string_equal(text(&out, home, "direction"), "out");
	assert_string_equal(text(&in, home, "direction"), "in");
	assert_string_equal(text(&local, home, "direction"), "local");
	assert_string_equal(text(&past, home, "direction"), "forwarded");
	assert_string_equal(text(&group, home, "direction"), "in");
	assert_string_equal(text(&out, NULL, "direction"), "-");
	assert_int_equal(get(&in, home, "local_p").num, 22);
	assert_int_equal(get(&in, home, "peer_p").num, 40000);
	assert_int_equal(get(&out, home, "local_p").num, 40000);
	assert_false(get(&past, home, "peer_h").present);
	assert_false(get(&past, home, "in_bps").present);
	sample_orig(&in)->state = TCP_FIN_WAIT_1;
	sample_resp(&in)->state = TCP_CLOSE_WAIT;
	assert_string_equal(text(&in, home, "state"), "CLOSE-WAIT");
	assert_string_equal(text(&in, NULL, "state"), "FIN-WAIT-1");
	home_free(home);
}

static void home_texts(void **state)
{
	struct home *home = home_of("10.1.2.3,10/8,2001:db8::/32,::5");
	static const char *const bad[] = {"10", "1.2.3.4.5", "10.0.0.0/33", "::/129",
		"x", "10/", "/8", "300/8", "1..2/8"};
	const struct {
		const char *addr;
		bool in;
	} tries[] = {{"10.200.0.1", true}, {"11.0.0.1", false}, {"2001:db8:1::", true},
		{"2001:db9::", false}, {"::5", true}, {"::6", false}, {"::1", true},
		{"127.5.5.5", true}};

	(void)state;
	for (unsigned i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		enum family family;
		struct addr a;

		assert_true(
			addr_parse(tries[i].addr, strlen(tries[i].addr), &a, &family));
		assert_int_equal(home_has(home, &a, family), tries[i].in);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err err = {0};

		assert_true(home_parse(home, bad[i], &err) < 0);
		assert_int_equal(err.exit_code, EXIT_USAGE);
	}
	home_free(home);
}

/* The baseline that the specification of Community ID publishes. */
static void community_ids(void **state)
{
	struct flow tcp = sample_flow(
		PROTO_TCP, "128.232.110.120", 34855, "66.35.250.204", 80);
	struct flow udp = sample_flow(PROTO_UDP, "192.168.1.52", 54585, "8.8.8.8", 53);
	struct flow icmp = sample_flow(PROTO_ICMP, "192.168.0.89", 0, "192.168.0.1", 0);

	(void)state;
	assert_string_equal(
		text(&tcp, NULL, "community_id"), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
	assert_string_equal(
		text(&udp, NULL, "community_id"), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
	icmp.icmp_type = 8;
	assert_string_equal(
		text(&icmp, NULL, "community_id"), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
	icmp.icmp_type = 0; /* only the answer was seen: the same conversation */
	assert_string_equal(
		text(&icmp, NULL, "community_id"), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
}

static void uids(void **state)
{
	struct flow a = sample_flow(PROTO_TCP, "10.0.0.1", 1, "10.0.0.2", 2), b = a;
	char first[64];

	(void)state;
	(void)snprintf(first, sizeof(first), "%s", text(&a, NULL, "uid"));
	assert_int_equal(strlen(first), 12);
	assert_int_equal(first[0], 'C');
	assert_string_equal(text(&a, NULL, "uid"), first);
	b.first_ns++;
	assert_string_not_equal(text(&b, NULL, "uid"), first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(default_table_fits),
		cmocka_unit_test(empty_row_is_absent),
		cmocka_unit_test(endpoints),
		cmocka_unit_test(counters_and_times),
		cmocka_unit_test(tcp_fields_need_tcp),
		cmocka_unit_test(packet_details),
		cmocka_unit_test(icmp_errors),
		cmocka_unit_test(directions),
		cmocka_unit_test(home_texts),
		cmocka_unit_test(community_ids),
		cmocka_unit_test(uids),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
