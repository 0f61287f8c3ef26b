#include "source/sockets_message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cur.h"

#define TCP_END(field_) \
	(offsetof(struct socket_tcp, field_) + sizeof(((struct socket_tcp *)0)->field_))
#define SSTHRESH_INFINITE 0x7fffffffu /* TCP_INFINITE_SSTHRESH in net/tcp.h */

const struct sockets_query sockets_tables[SOCKETS_TABLES] = {
	{FAMILY_V4, PROTO_TCP, SOCKETS_ALL_DETAILS, SOCKETS_EVERY_STATE},
	{FAMILY_V6, PROTO_TCP, SOCKETS_ALL_DETAILS, SOCKETS_EVERY_STATE},
	{FAMILY_V4, PROTO_UDP, SOCKETS_ALL_DETAILS, SOCKETS_EVERY_STATE},
	{FAMILY_V6, PROTO_UDP, SOCKETS_ALL_DETAILS, SOCKETS_EVERY_STATE},
};

/* include/net/tcp_states.h; 13 is bound, but neither connected nor listening. */
static const uint8_t states[] = {
	[1] = TCP_ESTABLISHED,
	[2] = TCP_SYN_SENT,
	[3] = TCP_SYN_RECEIVED,
	[4] = TCP_FIN_WAIT_1,
	[5] = TCP_FIN_WAIT_2,
	[6] = TCP_TIME_WAIT,
	[7] = TCP_CLOSED,
	[8] = TCP_CLOSE_WAIT,
	[9] = TCP_LAST_ACK,
	[10] = TCP_LISTEN,
	[11] = TCP_CLOSING,
	[12] = TCP_SYN_RECEIVED,
	[13] = TCP_CLOSED,
};

/* The kernel turns the bit of SYN-RECEIVED into that of its requests as well. */
#define STATES_ASKED 11

/* ---- request ---- */

static uint8_t extensions(uint8_t details)
{
	uint8_t bits = 0;

	if (details & SOCKETS_TCP)
		bits |= 1 << (INET_DIAG_INFO - 1);
	if (details & SOCKETS_CONGESTION)
		bits |= 1 << (INET_DIAG_CONG - 1) | 1 << (INET_DIAG_VEGASINFO - 1);
	if (details & SOCKETS_MEMORY)
		bits |= 1 << (INET_DIAG_SKMEMINFO - 1);
	if (details & SOCKETS_TOS)
		bits |= 1 << (INET_DIAG_TOS - 1) | 1 << (INET_DIAG_TCLASS - 1);
	return bits;
}

void sockets_message_request(const struct sockets_query *query, uint32_t serial,
	uint8_t out[SOCKETS_REQUEST_BYTES])
{
	struct nlmsghdr header = {
		.nlmsg_len = SOCKETS_REQUEST_BYTES,
		.nlmsg_type = SOCK_DIAG_BY_FAMILY,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.nlmsg_seq = serial,
	};
	struct inet_diag_req_v2 ask = {
		.sdiag_family = query->family == FAMILY_V6 ? AF_INET6 : AF_INET,
		.sdiag_protocol = query->proto,
		.idiag_ext = extensions(query->details),
	};

	_Static_assert(sizeof(header) + sizeof(ask) == SOCKETS_REQUEST_BYTES, "");
	for (unsigned i = 1; i <= STATES_ASKED; i++)
		if (query->states & SOCKETS_STATE(states[i]))
			ask.idiag_states |= 1u << i;
	memcpy(out, &header, sizeof(header));
	memcpy(out + sizeof(header), &ask, sizeof(ask));
}

/* ---- addresses ---- */

static bool is_any(const struct addr *a)
{
	static const struct addr any = {{0}};

	return addr_equal(a, &any);
}

static bool is_mapped(const struct addr *a)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(a->b, prefix, sizeof(prefix)) == 0;
}

/* 0.0.0.0 and ::ffff:0.0.0.0 are the same here. */
static void map(struct addr *a)
{
	if (is_any(a))
		*a = addr_v4((const uint8_t[4]){0});
}

static void read_addresses(
	struct socket_fact *f, const struct inet_diag_sockid *id, uint8_t af)
{
	const uint8_t *local = (const uint8_t *)id->idiag_src,
		      *peer = (const uint8_t *)id->idiag_dst;

	f->local_port = ntohs(id->idiag_sport);
	f->peer_port = ntohs(id->idiag_dport);
	f->ifindex = id->idiag_if;
	f->cookie = (uint64_t)id->idiag_cookie[1] << 32 | id->idiag_cookie[0];
	f->family = af == AF_INET ? FAMILY_V4 : FAMILY_V6;
	f->local = af == AF_INET ? addr_v4(local) : addr_v6(local);
	f->peer = af == AF_INET ? addr_v4(peer) : addr_v6(peer);
	if (f->peer_port || !(is_any(&f->peer) || (af == AF_INET && !id->idiag_dst[0])))
		f->has |= SOCKET_HAS(SOCKET_PEER);
	if (af == AF_INET || !(is_mapped(&f->local) || is_mapped(&f->peer)))
		return;
	/* One side may be unset: bound but not connected, or a connect that failed. */
	if ((is_mapped(&f->local) || is_any(&f->local)) &&
		(is_mapped(&f->peer) || is_any(&f->peer))) {
		f->family = FAMILY_V4;
		f->mapped = true;
		map(&f->local);
		map(&f->peer);
	}
}

/* ---- attributes ---- */

static void read_tcp(struct socket_fact *f, const uint8_t *bytes, size_t len)
{
	static const struct {
		uint16_t end;
		uint8_t bit;
	} parts[] = {
		{TCP_END(total_retrans_segs), SOCKET_TCP},
		{TCP_END(pacing_bytes_s), SOCKET_PACING},
		{TCP_END(max_pacing_bytes_s), SOCKET_MAX_PACING},
		{TCP_END(bytes_received), SOCKET_BYTES},
		{TCP_END(segs_in), SOCKET_SEGS},
		{TCP_END(notsent_bytes), SOCKET_NOTSENT},
		{TCP_END(min_rtt_us), SOCKET_MIN_RTT},
		{TCP_END(data_segs_out), SOCKET_DATA_SEGS},
		{TCP_END(delivery_bytes_s), SOCKET_DELIVERY},
		{TCP_END(sndbuf_limited_us), SOCKET_LIMITED},
		{TCP_END(delivered_ce_segs), SOCKET_DELIVERED},
		{TCP_END(bytes_retrans), SOCKET_BYTES_SENT},
		{TCP_END(reord_seen), SOCKET_REORDER},
		{TCP_END(rcv_out_of_order_segs), SOCKET_OUT_OF_ORDER},
		{TCP_END(snd_wnd_bytes), SOCKET_SND_WND},
		{TCP_END(rehash), SOCKET_RCV_WND},
		{TCP_END(rto_total_ms), SOCKET_RTO_TOTALS},
		{TCP_END(accecn_opt_seen), SOCKET_ACCURATE_ECN},
	};

	if (len > sizeof(f->tcp))
		len = sizeof(f->tcp);
	memcpy(&f->tcp, bytes, len);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && parts[i].end <= len;
		i++)
		f->has |= SOCKET_HAS(parts[i].bit);
}

static void read_memory(struct socket_fact *f, const uint8_t *bytes, size_t len)
{
	if (len < offsetof(struct socket_memory, drops))
		return;
	f->has |= SOCKET_HAS(SOCKET_MEMORY);
	if (len >= sizeof(f->memory))
		f->has |= SOCKET_HAS(SOCKET_DROPS); /* Linux 4.7 */
	memcpy(&f->memory, bytes, len < sizeof(f->memory) ? len : sizeof(f->memory));
}

/* Modules bring their own names; only the end of the name ends the text. */
static void read_congestion(struct socket_fact *f, const uint8_t *bytes, size_t len)
{
	size_t i = 0;

	for (; i < len && i < sizeof(f->congestion) - 1 && bytes[i]; i++)
		f->congestion[i] = bytes[i] > ' ' && bytes[i] < 0x7f ? (char)bytes[i]
								     : '?';
	if (i)
		f->has |= SOCKET_HAS(SOCKET_CONGESTION);
}

/* An algorithm that has not begun, or was switched off, says zeros or the largest
 * number.
 */
static void read_bbr(struct socket_fact *f, const uint8_t *bytes, size_t len)
{
	struct tcp_bbr_info info = {0};

	if (len >= sizeof(info))
		memcpy(&info, bytes, sizeof(info));
	f->cc.bbr.bytes_s = (uint64_t)info.bbr_bw_hi << 32 | info.bbr_bw_lo;
	f->cc.bbr.min_rtt_us = info.bbr_min_rtt;
	f->cc.bbr.pacing_gain = info.bbr_pacing_gain;
	f->cc.bbr.cwnd_gain = info.bbr_cwnd_gain;
	if (f->cc.bbr.bytes_s && info.bbr_min_rtt != UINT32_MAX)
		f->has |= SOCKET_HAS(SOCKET_BBR);
}

static void read_vegas(struct socket_fact *f, const uint8_t *bytes, size_t len)
{
	_Static_assert(sizeof(f->cc.vegas) == sizeof(struct tcpvegas_info), "");
	if (len < sizeof(f->cc.vegas))
		return;
	memcpy(&f->cc.vegas, bytes, sizeof(f->cc.vegas));
	if (f->cc.vegas.enabled && f->cc.vegas.rtt_us != INT32_MAX &&
		f->cc.vegas.min_rtt_us != INT32_MAX)
		f->has |= SOCKET_HAS(SOCKET_VEGAS);
}

static void read_dctcp(struct socket_fact *f, const uint8_t *bytes, size_t len)
{
	_Static_assert(sizeof(f->cc.dctcp) == sizeof(struct tcp_dctcp_info), "");
	if (len < sizeof(f->cc.dctcp))
		return;
	memcpy(&f->cc.dctcp, bytes, sizeof(f->cc.dctcp));
	if (f->cc.dctcp.enabled)
		f->has |= SOCKET_HAS(SOCKET_DCTCP);
}

/* A field of the attribute's beginning; nothing when it is too short. */
static void read_field(struct socket_fact *f, enum socket_has bit, void *field,
	size_t size, struct cur c)
{
	if (cur_left(&c) < size)
		return;
	cur_copy(&c, field, size);
	f->has |= SOCKET_HAS(bit);
}

static void read_attribute(
	struct socket_fact *f, unsigned type, struct cur c, uint8_t *proto)
{
	size_t len = cur_left(&c);
	uint8_t v6only = 0;

	switch (type) {
	case INET_DIAG_INFO: read_tcp(f, c.at, len); break;
	case INET_DIAG_SKMEMINFO: read_memory(f, c.at, len); break;
	case INET_DIAG_CONG: read_congestion(f, c.at, len); break;
	case INET_DIAG_BBRINFO: read_bbr(f, c.at, len); break;
	case INET_DIAG_VEGASINFO: read_vegas(f, c.at, len); break;
	case INET_DIAG_DCTCPINFO: read_dctcp(f, c.at, len); break;
	case INET_DIAG_PROTOCOL: *proto = cur_u8(&c); break;
	case INET_DIAG_SHUTDOWN:
		read_field(f, SOCKET_SHUTDOWN, &f->shutdown, 1, c);
		break;
	case INET_DIAG_TOS: read_field(f, SOCKET_TOS, &f->tos, 1, c); break;
	case INET_DIAG_TCLASS: read_field(f, SOCKET_TCLASS, &f->tclass, 1, c); break;
	case INET_DIAG_SKV6ONLY:
		read_field(f, SOCKET_V6ONLY, &v6only, 1, c);
		f->v6only = v6only != 0;
		break;
	case INET_DIAG_MARK: read_field(f, SOCKET_MARK, &f->mark, 4, c); break;
	case INET_DIAG_CGROUP_ID: read_field(f, SOCKET_CGROUP, &f->cgroup, 8, c); break;
	default: break;
	}
}

/* False when their lengths contradict each other. */
static bool read_attributes(struct socket_fact *f, struct cur *c, uint8_t *proto)
{
	while (cur_left(c) >= sizeof(struct nlattr)) {
		struct nlattr head;
		const uint8_t *body;
		size_t len;

		cur_copy(c, &head, sizeof(head));
		if (head.nla_len < sizeof(head))
			return false;
		len = head.nla_len - sizeof(head);
		body = cur_take(c, len);
		if (!body)
			return false;
		read_attribute(
			f, head.nla_type & NLA_TYPE_MASK, cur_of(body, len), proto);
		len = (NLA_ALIGNTO - len % NLA_ALIGNTO) % NLA_ALIGNTO;
		cur_skip(c, len < cur_left(c) ? len : cur_left(c));
	}
	return cur_left(c) == 0;
}

/* ---- what the figures mean ---- */

/* A socket of its own, not what is left of one or the request for one. */
static bool is_whole(const struct socket_fact *f)
{
	return socket_has(f, SOCKET_SHUTDOWN);
}

/* Takes away what the kernel fills in without having measured it. */
static void judge_tcp(struct socket_fact *f)
{
	const struct socket_tcp *t = &f->tcp;
	uint64_t none = 0;

	if (t->rtt_us == 0)
		none |= SOCKET_HAS(SOCKET_RTT);
	if (t->rcv_rtt_us == 0)
		none |= SOCKET_HAS(SOCKET_RCV_RTT);
	if (t->snd_ssthresh_segs >= SSTHRESH_INFINITE)
		none |= SOCKET_HAS(SOCKET_SSTHRESH);
	/* Before the handshake these count from a time long before the socket. */
	if (f->state == TCP_SYN_SENT || (f->died && t->rtt_us == 0))
		none |= SOCKET_HAS(SOCKET_LAST);
	if (t->pacing_bytes_s == UINT64_MAX)
		none |= SOCKET_HAS(SOCKET_PACING);
	if (t->max_pacing_bytes_s == UINT64_MAX)
		none |= SOCKET_HAS(SOCKET_MAX_PACING);
	if (t->min_rtt_us == UINT32_MAX || t->min_rtt_us == 0)
		none |= SOCKET_HAS(SOCKET_MIN_RTT);
	if (t->delivery_bytes_s == 0)
		none |= SOCKET_HAS(SOCKET_DELIVERY);
	f->has |= SOCKET_HAS(SOCKET_RTT) | SOCKET_HAS(SOCKET_RCV_RTT) |
		  SOCKET_HAS(SOCKET_SSTHRESH) | SOCKET_HAS(SOCKET_LAST);
	f->has &= ~none;
}

static void read_queues(struct socket_fact *f, const struct inet_diag_msg *m)
{
	if (f->died || !is_whole(f))
		return;
	if (f->state == TCP_LISTEN && f->proto == PROTO_TCP) {
		f->has |= SOCKET_HAS(SOCKET_BACKLOG);
		f->backlog = m->idiag_rqueue;
		f->backlog_most = m->idiag_wqueue;
		return;
	}
	f->has |= SOCKET_HAS(SOCKET_QUEUES);
	f->recv_q = m->idiag_rqueue;
	f->send_q = m->idiag_wqueue;
}

static void judge(struct socket_fact *f, const struct inet_diag_msg *m)
{
	const uint64_t tcp_bits = ~(SOCKET_HAS(SOCKET_TCP) - 1);

	read_queues(f, m);
	if (f->proto == PROTO_TCP && !f->died) {
		f->has |= SOCKET_HAS(SOCKET_TIMER);
		f->timer = m->idiag_timer;
		f->timer_ms = m->idiag_expires;
		f->retransmits = m->idiag_retrans;
	}
	if (m->idiag_inode) {
		f->has |= SOCKET_HAS(SOCKET_INODE);
		f->inode = m->idiag_inode;
	}
	/* Without a descriptor older kernels say 0 whoever it was. */
	if (m->idiag_uid || m->idiag_inode) {
		f->has |= SOCKET_HAS(SOCKET_UID);
		f->uid = m->idiag_uid;
	}
	/* What only listened has the listener's figures there, or nothing but zeros. */
	if (!socket_has(f, SOCKET_TCP) || !socket_has(f, SOCKET_PEER))
		f->has &= ~tcp_bits;
	else
		judge_tcp(f);
}

static bool read_socket(
	const struct sockets_parser *p, struct cur *c, struct socket_fact *f)
{
	struct inet_diag_msg m;
	uint8_t proto = 0;

	cur_copy(c, &m, sizeof(m));
	if (c->bad || (m.idiag_family != AF_INET && m.idiag_family != AF_INET6))
		return false;
	f->netns = p->netns;
	f->died = p->proto == 0;
	if (f->died) /* which the kernel says of streams only */
		f->state = TCP_CLOSED;
	else if (m.idiag_state < sizeof(states))
		f->state = states[m.idiag_state];
	read_addresses(f, &m.id, m.idiag_family);
	if (!read_attributes(f, c, &proto))
		return false;
	f->proto = p->proto ? p->proto : proto;
	if (f->proto == 0)
		return false;
	judge(f, &m);
	return true;
}

/* ---- messages ---- */

/* Errors that would read as "nothing came yet" or as success are none of the kernel's.
 */
static int refusal(struct cur *c)
{
	int32_t error = 0;

	cur_copy(c, &error, sizeof(error));
	return error < 0 && error != -EAGAIN ? error : -EPROTO;
}

static int end_of_dump(struct cur *c)
{
	int32_t error = 0;

	if (cur_left(c) >= sizeof(error))
		cur_copy(c, &error, sizeof(error));
	return error < 0 && error != -EAGAIN ? error : 0;
}

static int read_message(struct sockets_parser *p, const struct nlmsghdr *header,
	struct cur *c, const struct sockets_sink *sink)
{
	struct socket_fact fact = {0};

	if (header->nlmsg_seq != p->serial)
		return 1;
	if (header->nlmsg_flags & NLM_F_DUMP_INTR)
		p->status.interrupted++;
	switch (header->nlmsg_type) {
	case NLMSG_OVERRUN: p->status.overruns++; return 1;
	case NLMSG_ERROR: return p->proto ? refusal(c) : 1;
	case NLMSG_DONE: return p->proto ? end_of_dump(c) : 1;
	case SOCK_DIAG_BY_FAMILY: break;
	default: return 1;
	}
	if (!read_socket(p, c, &fact)) {
		p->status.malformed++;
		return 1;
	}
	p->status.facts++;
	sink->tell(sink->ctx, &fact);
	return 1;
}

int sockets_message_parse(struct sockets_parser *parser, const void *bytes, size_t len,
	const struct sockets_sink *sink)
{
	struct cur c = cur_of(bytes, len);
	int r = 1;

	while (r > 0 && cur_left(&c) > 0) {
		struct nlmsghdr header;
		struct cur body;
		size_t body_len;

		cur_copy(&c, &header, sizeof(header));
		body_len = header.nlmsg_len - sizeof(header);
		if (c.bad || header.nlmsg_len < sizeof(header) ||
			body_len > cur_left(&c)) {
			parser->status.malformed++;
			return 1;
		}
		body = cur_of(cur_take(&c, body_len), body_len);
		r = read_message(parser, &header, &body, sink);
		body_len = NLMSG_ALIGN(body_len) - body_len;
		cur_skip(&c, body_len < cur_left(&c) ? body_len : cur_left(&c));
	}
	return r;
}
