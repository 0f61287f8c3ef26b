#include "diag_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

static void tell(void *ctx, const struct socket_fact *fact)
{
	struct diag_told *t = ctx;

	t->count++;
	t->last = *fact;
}

static void put(struct diag_datagram *m, const void *bytes, size_t len)
{
	assert_true(m->len + len <= sizeof(m->bytes));
	memcpy(m->bytes + m->len, bytes, len);
	m->len += len;
}

static void set_length(struct diag_datagram *m)
{
	uint32_t len = (uint32_t)(m->len - m->message);

	memcpy(m->bytes + m->message, &len, sizeof(len));
}

void diag_begin(struct diag_datagram *m, uint16_t type, uint16_t flags, uint32_t serial)
{
	struct nlmsghdr h = {
		.nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = serial};

	m->message = m->len;
	put(m, &h, sizeof(h));
	set_length(m);
}

void diag_body(struct diag_datagram *m, const void *bytes, size_t len)
{
	put(m, bytes, len);
	set_length(m);
}

void diag_attribute(
	struct diag_datagram *m, uint16_t type, const void *bytes, size_t len)
{
	const uint8_t zeros[4] = {0};
	struct nlattr a = {(uint16_t)(sizeof(a) + len), type};

	put(m, &a, sizeof(a));
	put(m, bytes, len);
	put(m, zeros, (4 - len % 4) % 4);
	set_length(m);
}

struct inet_diag_msg diag_socket(
	const char *local, uint16_t port, const char *peer, uint16_t peer_port)
{
	struct inet_diag_msg s = {
		.idiag_family = strchr(local, ':') ? AF_INET6 : AF_INET,
		.idiag_state = 1,
		.id.idiag_sport = htons(port),
		.id.idiag_dport = htons(peer_port),
		.id.idiag_cookie = {0x11223344, 0x5},
		.idiag_rqueue = 10,
		.idiag_wqueue = 20,
		.idiag_uid = 1000,
		.idiag_inode = 4711,
	};

	assert_int_equal(inet_pton(s.idiag_family, local, s.id.idiag_src), 1);
	assert_int_equal(inet_pton(s.idiag_family, peer, s.id.idiag_dst), 1);
	return s;
}

int diag_parse(
	struct sockets_parser *p, const void *bytes, size_t len, struct diag_told *t)
{
	struct sockets_sink sink = {t, tell};
	void *copy = malloc(len ? len : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	r = sockets_message_parse(p, copy, len, &sink);
	free(copy);
	return r;
}

struct socket_fact diag_fact(const struct diag_datagram *m, uint8_t proto)
{
	struct sockets_parser p = {42, proto ? DIAG_SERIAL : 0, proto, {0}};
	struct diag_told t = {0};

	assert_int_equal(diag_parse(&p, m->bytes, m->len, &t), 1);
	assert_int_equal(t.count, 1);
	assert_int_equal(p.status.facts, 1);
	assert_int_equal(p.status.malformed, 0);
	assert_int_equal(t.last.netns, 42);
	assert_int_equal(t.last.proto, proto ? proto : t.last.proto);
	return t.last;
}

void diag_message(
	struct diag_datagram *m, const struct inet_diag_msg *s, uint32_t serial)
{
	diag_begin(m, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, serial);
	diag_body(m, s, sizeof(*s));
}

void diag_whole(struct diag_datagram *m, const struct inet_diag_msg *s)
{
	const uint8_t open = 0;

	diag_message(m, s, DIAG_SERIAL);
	diag_attribute(m, INET_DIAG_SHUTDOWN, &open, 1);
}
