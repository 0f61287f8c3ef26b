#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sys/socket.h>

#include "diag_make.h"

static bool same_address(
	const struct socket_fact *f, const struct addr *a, const char *text)
{
	struct addr expected;
	enum family family;

	assert_true(addr_parse(text, strlen(text), &expected, &family));
	return f->family == family && addr_equal(a, &expected);
}

static void requests(void **state)
{
	struct sockets_query q = {FAMILY_V6, PROTO_UDP, SOCKETS_TCP | SOCKETS_MEMORY,
		SOCKETS_STATE(TCP_LISTEN) | SOCKETS_STATE(TCP_SYN_RECEIVED)};
	uint8_t bytes[SOCKETS_REQUEST_BYTES];
	struct nlmsghdr h;
	struct inet_diag_req_v2 ask;

	(void)state;
	sockets_message_request(&q, 99, bytes);
	memcpy(&h, bytes, sizeof(h));
	memcpy(&ask, bytes + sizeof(h), sizeof(ask));
	assert_int_equal(h.nlmsg_len, 72);
	assert_int_equal(h.nlmsg_type, 20);
	assert_int_equal(h.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
	assert_int_equal(h.nlmsg_seq, 99);
	assert_int_equal(ask.sdiag_family, AF_INET6);
	assert_int_equal(ask.sdiag_protocol, IPPROTO_UDP);
	assert_int_equal(ask.idiag_states, 1 << 10 | 1 << 3);
	assert_int_equal(ask.idiag_ext,
		1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_SKMEMINFO - 1));
	q = sockets_tables[0];
	sockets_message_request(&q, 1, bytes);
	memcpy(&ask, bytes + sizeof(h), sizeof(ask));
	assert_int_equal(ask.sdiag_family, AF_INET);
	assert_int_equal(ask.idiag_states, 0xffe); /* 1 to 11 */
}

static void a_connection(void **state)
{
	struct inet_diag_msg s = diag_socket("10.1.2.3", 40000, "192.0.2.1", 443);
	struct tcp_info info = {
		.tcpi_state = 1, .tcpi_rtt = 25000, .tcpi_snd_cwnd = 12};
	uint32_t memory[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, mark = 0xabcd;
	uint64_t cgroup = 0x100000001;
	struct diag_datagram m = {.len = 0};
	struct socket_fact f;

	(void)state;
	s.idiag_timer = 1;
	s.idiag_expires = 230;
	s.idiag_retrans = 2;
	s.id.idiag_if = 3;
	diag_whole(&m, &s);
	diag_attribute(&m, INET_DIAG_INFO, &info, sizeof(info));
	diag_attribute(&m, INET_DIAG_SKMEMINFO, memory, sizeof(memory));
	diag_attribute(&m, INET_DIAG_CONG, "cubic", 6);
	diag_attribute(&m, INET_DIAG_MARK, &mark, 4);
	diag_attribute(&m, INET_DIAG_CGROUP_ID, &cgroup, 8);
	diag_attribute(&m, 999, memory, sizeof(memory)); /* of the future */
	f = diag_fact(&m, PROTO_TCP);
	assert_int_equal(f.cookie, 0x511223344);
	assert_true(same_address(&f, &f.local, "10.1.2.3"));
	assert_true(same_address(&f, &f.peer, "192.0.2.1"));
	assert_int_equal(f.local_port, 40000);
	assert_int_equal(f.peer_port, 443);
	assert_int_equal(f.ifindex, 3);
	assert_int_equal(f.state, TCP_ESTABLISHED);
	assert_false(f.mapped || f.died);
	assert_true(socket_has(&f, SOCKET_QUEUES) && socket_has(&f, SOCKET_PEER));
	assert_int_equal(f.recv_q, 10);
	assert_int_equal(f.send_q, 20);
	assert_true(socket_has(&f, SOCKET_TIMER));
	assert_int_equal(f.timer, SOCKET_TIMER_RETRANSMIT);
	assert_int_equal(f.timer_ms, 230);
	assert_int_equal(f.retransmits, 2);
	assert_true(socket_has(&f, SOCKET_UID) && f.uid == 1000);
	assert_true(socket_has(&f, SOCKET_INODE) && f.inode == 4711);
	assert_true(socket_has(&f, SOCKET_RTT) && f.tcp.rtt_us == 25000);
	assert_true(socket_has(&f, SOCKET_TCP) && f.tcp.snd_cwnd_segs == 12);
	assert_true(socket_has(&f, SOCKET_DROPS) && f.memory.drops == 9);
	assert_int_equal(f.memory.recv_most, 2);
	assert_true(socket_has(&f, SOCKET_CONGESTION));
	assert_string_equal(f.congestion, "cubic");
	assert_true(socket_has(&f, SOCKET_MARK) && f.mark == 0xabcd);
	assert_true(socket_has(&f, SOCKET_CGROUP) && f.cgroup == cgroup);
	assert_false(socket_has(&f, SOCKET_BACKLOG) || socket_has(&f, SOCKET_V6ONLY));
}

/* What each field is called in the system's own header. */
static void names_of_tcp_info(void **state)
{
	(void)state;
#define SAME(ours_, kernels_) \
	assert_int_equal(offsetof(struct socket_tcp, ours_), \
		offsetof(struct tcp_info, kernels_))
	SAME(ca_state, tcpi_ca_state);
	SAME(retransmits, tcpi_retransmits);
	SAME(probes, tcpi_probes);
	SAME(backoff, tcpi_backoff);
	SAME(options, tcpi_options);
	SAME(rto_us, tcpi_rto);
	SAME(snd_mss_bytes, tcpi_snd_mss);
	SAME(unacked_segs, tcpi_unacked);
	SAME(lost_segs, tcpi_lost);
	SAME(last_data_sent_ms, tcpi_last_data_sent);
	SAME(last_data_recv_ms, tcpi_last_data_recv);
	SAME(last_ack_recv_ms, tcpi_last_ack_recv);
	SAME(rcv_ssthresh_bytes, tcpi_rcv_ssthresh);
	SAME(rtt_us, tcpi_rtt);
	SAME(snd_ssthresh_segs, tcpi_snd_ssthresh);
	SAME(rcv_rtt_us, tcpi_rcv_rtt);
	SAME(total_retrans_segs, tcpi_total_retrans);
	SAME(max_pacing_bytes_s, tcpi_max_pacing_rate);
	SAME(bytes_received, tcpi_bytes_received);
	SAME(segs_out, tcpi_segs_out);
	SAME(min_rtt_us, tcpi_min_rtt);
	SAME(data_segs_out, tcpi_data_segs_out);
	SAME(delivery_bytes_s, tcpi_delivery_rate);
	SAME(sndbuf_limited_us, tcpi_sndbuf_limited);
	SAME(delivered_ce_segs, tcpi_delivered_ce);
	SAME(bytes_retrans, tcpi_bytes_retrans);
	SAME(reord_seen, tcpi_reord_seen);
	SAME(rcv_out_of_order_segs, tcpi_rcv_ooopack);
	SAME(snd_wnd_bytes, tcpi_snd_wnd);
#undef SAME
}

static uint64_t bits_of_length(size_t len)
{
	struct inet_diag_msg s = diag_socket("10.1.2.3", 1, "10.1.2.4", 2);
	struct diag_datagram m = {.len = 0};
	uint8_t ones[400];

	memset(ones, 1, sizeof(ones)); /* everything was measured */
	diag_whole(&m, &s);
	diag_attribute(&m, INET_DIAG_INFO, ones, len);
	return diag_fact(&m, PROTO_TCP).has >> SOCKET_TCP;
}

/* Lengths of struct tcp_info in releases of Linux, and what each brought. */
static void older_and_newer_kernels(void **state)
{
	static const struct {
		size_t len;
		enum socket_has newest;
	} releases[] = {
		{104, SOCKET_LAST},         /* 2.6 */
		{120, SOCKET_MAX_PACING},   /* 3.15 */
		{136, SOCKET_BYTES},        /* 4.1 */
		{144, SOCKET_SEGS},         /* 4.2 */
		{160, SOCKET_DATA_SEGS},    /* 4.6 */
		{168, SOCKET_DELIVERY},     /* 4.9 */
		{192, SOCKET_LIMITED},      /* 4.10 */
		{200, SOCKET_DELIVERED},    /* 4.18 */
		{224, SOCKET_REORDER},      /* 4.19 */
		{232, SOCKET_SND_WND},      /* 5.4 */
		{240, SOCKET_RCV_WND},      /* 6.2 */
		{248, SOCKET_RTO_TOTALS},   /* 6.7 */
		{280, SOCKET_ACCURATE_ECN}, /* 6.18 */
		{400, SOCKET_ACCURATE_ECN}, /* later */
	};
	uint64_t before = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++)
		assert_int_equal(bits_of_length(releases[i].len),
			(2ull << (releases[i].newest - SOCKET_TCP)) - 1);
	for (size_t len = 0; len < 300; len++) {
		uint64_t bits = bits_of_length(len);

		assert_int_equal(bits & before, before);
		assert_true(len >= 104 || bits == 0);
		before = bits;
	}
}

static void nothing_was_measured(void **state)
{
	struct inet_diag_msg s = diag_socket("10.1.2.3", 1, "10.1.2.4", 2);
	struct socket_tcp t = {.snd_ssthresh_segs = 0x7fffffff,
		.pacing_bytes_s = UINT64_MAX,
		.max_pacing_bytes_s = UINT64_MAX,
		.min_rtt_us = UINT32_MAX,
		.last_data_recv_ms = 4000000};
	const uint64_t unknown = SOCKET_HAS(SOCKET_RTT) | SOCKET_HAS(SOCKET_RCV_RTT) |
				 SOCKET_HAS(SOCKET_SSTHRESH) | SOCKET_HAS(SOCKET_LAST) |
				 SOCKET_HAS(SOCKET_PACING) |
				 SOCKET_HAS(SOCKET_MAX_PACING) |
				 SOCKET_HAS(SOCKET_MIN_RTT) |
				 SOCKET_HAS(SOCKET_DELIVERY);
	struct diag_datagram m = {.len = 0};
	struct socket_fact f;

	(void)state;
	s.idiag_state = 2;
	diag_whole(&m, &s);
	diag_attribute(&m, INET_DIAG_INFO, &t, sizeof(t));
	f = diag_fact(&m, PROTO_TCP);
	assert_int_equal(f.state, TCP_SYN_SENT);
	assert_int_equal(f.has & unknown, 0);
	assert_true(socket_has(&f, SOCKET_TCP) && socket_has(&f, SOCKET_BYTES));
}

static void mapped_addresses(void **state)
{
	static const struct {
		const char *local, *peer, *told_local, *told_peer;
		uint16_t peer_port;
		bool mapped, connected;
	} cases[] = {
		{"::ffff:10.0.0.1", "::ffff:10.0.0.2", "10.0.0.1", "10.0.0.2", 9, true,
			true},
		{"::ffff:10.0.0.1", "::", "10.0.0.1", "0.0.0.0", 0, true, false},
		{"::ffff:0.0.0.0", "::", "0.0.0.0", "0.0.0.0", 0, true, false},
		{"::", "::ffff:10.0.0.2", "0.0.0.0", "10.0.0.2", 0, true, true},
		{"::", "::", "::", "::", 0, false, false},
		{"2001:db8::1", "2001:db8::2", "2001:db8::1", "2001:db8::2", 9, false,
			true},
		{"10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2", 9, false, true},
		{"10.0.0.1", "0.0.0.0", "10.0.0.1", "0.0.0.0", 0, false, false},
		/* Contradicts itself: told as it is. */
		{"::ffff:10.0.0.1", "2001:db8::2", "::ffff:10.0.0.1", "2001:db8::2", 9,
			false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct inet_diag_msg s = diag_socket(
			cases[i].local, 7, cases[i].peer, cases[i].peer_port);
		struct diag_datagram m = {.len = 0};
		struct socket_fact f;
		struct addr a;
		enum family family;

		diag_whole(&m, &s);
		f = diag_fact(&m, PROTO_UDP);
		assert_int_equal(f.mapped, cases[i].mapped);
		assert_int_equal(socket_has(&f, SOCKET_PEER), cases[i].connected);
		assert_int_equal(f.family == FAMILY_V4,
			cases[i].mapped || !strchr(cases[i].local, ':'));
		assert_true(addr_parse(
			cases[i].told_local, strlen(cases[i].told_local), &a, &family));
		assert_true(addr_equal(&a, &f.local));
		assert_true(addr_parse(
			cases[i].told_peer, strlen(cases[i].told_peer), &a, &family));
		assert_true(addr_equal(&a, &f.peer));
	}
}

static void listening(void **state)
{
	struct inet_diag_msg s = diag_socket("::", 80, "::", 0);
	struct tcp_info info = {.tcpi_state = 10, .tcpi_snd_cwnd = 10};
	const uint8_t only = 1;
	struct diag_datagram m = {.len = 0};
	struct socket_fact f;

	(void)state;
	s.idiag_state = 10;
	s.idiag_uid = 0;
	diag_whole(&m, &s);
	diag_attribute(&m, INET_DIAG_INFO, &info, sizeof(info));
	diag_attribute(&m, INET_DIAG_SKV6ONLY, &only, 1);
	f = diag_fact(&m, PROTO_TCP);
	assert_int_equal(f.state, TCP_LISTEN);
	assert_true(socket_has(&f, SOCKET_BACKLOG));
	assert_int_equal(f.backlog, 10);
	assert_int_equal(f.backlog_most, 20);
	assert_true(socket_has(&f, SOCKET_V6ONLY) && f.v6only);
	assert_true(socket_has(&f, SOCKET_UID) && f.uid == 0); /* it has an owner */
	assert_int_equal(f.has >> SOCKET_TCP, 0);
	assert_false(socket_has(&f, SOCKET_QUEUES) || socket_has(&f, SOCKET_PEER));
}

/* TIME-WAIT and requests are not sockets: zeros mean nothing there. */
static void remains_and_requests(void **state)
{
	static const uint8_t kernels[] = {6, 5, 3, 12};
	static const enum tcp_state states[] = {
		TCP_TIME_WAIT, TCP_FIN_WAIT_2, TCP_SYN_RECEIVED, TCP_SYN_RECEIVED};

	(void)state;
	for (size_t i = 0; i < sizeof(kernels); i++) {
		struct inet_diag_msg s = diag_socket("10.1.2.3", 1, "10.1.2.4", 2);
		struct diag_datagram m = {.len = 0};
		struct socket_fact f;

		s.idiag_state = kernels[i];
		s.idiag_uid = s.idiag_inode = s.idiag_rqueue = s.idiag_wqueue = 0;
		diag_message(&m, &s, DIAG_SERIAL);
		f = diag_fact(&m, PROTO_TCP);
		assert_int_equal(f.state, states[i]);
		assert_int_equal(
			f.has, SOCKET_HAS(SOCKET_PEER) | SOCKET_HAS(SOCKET_TIMER));
	}
}

/* Closed by its program, still sending: newer kernels know whose it was. */
static void orphans(void **state)
{
	struct inet_diag_msg s = diag_socket("10.1.2.3", 1, "10.1.2.4", 2);
	struct diag_datagram m = {.len = 0};
	struct socket_fact f;

	(void)state;
	s.idiag_state = 4;
	s.idiag_inode = 0;
	diag_whole(&m, &s);
	f = diag_fact(&m, PROTO_TCP);
	assert_true(socket_has(&f, SOCKET_UID) && f.uid == 1000);
	assert_true(socket_has(&f, SOCKET_QUEUES) && f.send_q == 20);
	assert_false(socket_has(&f, SOCKET_INODE));
	m.len = 0;
	s.idiag_uid = 0;
	diag_whole(&m, &s);
	f = diag_fact(&m, PROTO_TCP);
	assert_false(socket_has(&f, SOCKET_UID));
}

static void unknown_states_and_dirty_names(void **state)
{
	struct inet_diag_msg s = diag_socket("10.1.2.3", 1, "10.1.2.4", 2);
	const char dirty[] = "a\x1b[2J\xff b\nccccccccccccccc";
	struct diag_datagram m = {.len = 0};
	struct socket_fact f;

	(void)state;
	s.idiag_state = 200;
	diag_whole(&m, &s);
	diag_attribute(&m, INET_DIAG_CONG, dirty, sizeof(dirty));
	f = diag_fact(&m, PROTO_TCP);
	assert_int_equal(f.state, TCP_STATE_NONE);
	assert_string_equal(f.congestion, "a?[2J??b?cccccc");
}

static void inner_figures(void **state)
{
	struct inet_diag_msg s = diag_socket("10.1.2.3", 1, "10.1.2.4", 2);
	struct tcp_bbr_info bbr = {5, 1, 300, 739, 256};
	struct tcpvegas_info vegas = {1, 3, 200, 100};
	struct tcp_dctcp_info dctcp = {1, 0, 1024, 7, 8};
	struct diag_datagram m = {.len = 0};
	struct socket_fact f;

	(void)state;
	diag_whole(&m, &s);
	diag_attribute(&m, INET_DIAG_BBRINFO, &bbr, sizeof(bbr));
	f = diag_fact(&m, PROTO_TCP);
	assert_true(socket_has(&f, SOCKET_BBR));
	assert_int_equal(f.cc.bbr.bytes_s, 0x100000005);
	assert_int_equal(f.cc.bbr.cwnd_gain, 256);
	m.len = 0;
	bbr.bbr_min_rtt = UINT32_MAX;
	diag_whole(&m, &s);
	diag_attribute(&m, INET_DIAG_BBRINFO, &bbr, sizeof(bbr));
	f = diag_fact(&m, PROTO_TCP);
	assert_false(socket_has(&f, SOCKET_BBR));
	m.len = 0;
	diag_whole(&m, &s);
	diag_attribute(&m, INET_DIAG_VEGASINFO, &vegas, sizeof(vegas));
	f = diag_fact(&m, PROTO_TCP);
	assert_true(socket_has(&f, SOCKET_VEGAS) && f.cc.vegas.min_rtt_us == 100);
	m.len = 0;
	diag_whole(&m, &s);
	diag_attribute(&m, INET_DIAG_DCTCPINFO, &dctcp, sizeof(dctcp));
	f = diag_fact(&m, PROTO_TCP);
	assert_true(socket_has(&f, SOCKET_DCTCP) && f.cc.dctcp.total_bytes == 8);
}

static void deaths(void **state)
{
	struct inet_diag_msg s = diag_socket("10.1.2.3", 1, "10.1.2.4", 2);
	struct tcp_info info = {.tcpi_rtt = 5};
	const uint8_t tcp = IPPROTO_TCP;
	struct sockets_parser p = {0};
	struct diag_told t = {0};
	struct diag_datagram m = {.len = 0};
	struct socket_fact f;

	(void)state;
	s.idiag_uid = s.idiag_inode = 0;
	diag_message(&m, &s, 0);
	diag_attribute(&m, INET_DIAG_PROTOCOL, &tcp, 1);
	diag_attribute(&m, INET_DIAG_INFO, &info, sizeof(info));
	f = diag_fact(&m, 0);
	assert_true(f.died);
	assert_int_equal(f.proto, PROTO_TCP);
	assert_int_equal(f.state, TCP_CLOSED);
	assert_true(socket_has(&f, SOCKET_RTT) && socket_has(&f, SOCKET_LAST));
	assert_false(socket_has(&f, SOCKET_QUEUES) || socket_has(&f, SOCKET_TIMER) ||
		     socket_has(&f, SOCKET_UID) || socket_has(&f, SOCKET_INODE));
	m.len = 0;
	diag_message(&m, &s, 0); /* of which protocol? */
	assert_int_equal(diag_parse(&p, m.bytes, m.len, &t), 1);
	assert_int_equal(t.count, 0);
	assert_int_equal(p.status.malformed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(a_connection),
		cmocka_unit_test(names_of_tcp_info),
		cmocka_unit_test(older_and_newer_kernels),
		cmocka_unit_test(nothing_was_measured),
		cmocka_unit_test(mapped_addresses),
		cmocka_unit_test(listening),
		cmocka_unit_test(remains_and_requests),
		cmocka_unit_test(orphans),
		cmocka_unit_test(unknown_states_and_dirty_names),
		cmocka_unit_test(inner_figures),
		cmocka_unit_test(deaths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
