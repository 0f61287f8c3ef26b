#include "core/conntrack_fact.h"

#include <stddef.h>
#include <string.h>

#define PROTO_DCCP 33
#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))

static bool turned(const struct conntrack_fact *f, const struct addr *a,
	uint16_t a_port, const struct addr *b, uint16_t b_port)
{
	return !addr_equal(a, b) ||
	       ((f->has & CONNTRACK_HAS_PORTS) && a_port != b_port);
}

unsigned conntrack_nat(const struct conntrack_fact *f)
{
	const struct conntrack_tuple *o = &f->orig, *r = &f->reply;
	unsigned nat = CONNTRACK_NAT_NONE;

	if (turned(f, &o->src, o->src_port, &r->dst, r->dst_port))
		nat |= CONNTRACK_NAT_SRC;
	if (turned(f, &o->dst, o->dst_port, &r->src, r->src_port))
		nat |= CONNTRACK_NAT_DST;
	/* An echo's id belongs to the asking end (icmp_unique_tuple). */
	if ((f->has & CONNTRACK_HAS_ICMP) && o->icmp_id != r->icmp_id)
		nat |= CONNTRACK_NAT_SRC;
	return nat;
}

unsigned conntrack_key(const struct conntrack_tuple *t, uint32_t has, struct tuple *out)
{
	bool ports = (has & CONNTRACK_HAS_PORTS) && t->proto != PROTO_GRE;
	uint16_t src_port = ports ? t->src_port : 0, dst_port = ports ? t->dst_port : 0;

	if (has & CONNTRACK_HAS_ICMP)
		src_port = dst_port = t->icmp_id;
	memset(out, 0, sizeof(*out));
	out->proto = t->proto;
	out->family = t->family;
	return tuple_order(out, &t->src, src_port, &t->dst, dst_port);
}

/* enum tcp_conntrack; 9 was LISTEN once and is the second SYN of a simultaneous open.
 */
static const char *const tcp_names[] = {"NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED",
	"FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2"};
static const char *const sctp_names[] = {"NONE", "CLOSED", "COOKIE_WAIT",
	"COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD",
	"SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT", "HEARTBEAT_ACKED"};
static const char *const dccp_names[] = {"NONE", "REQUEST", "RESPOND", "PARTOPEN",
	"OPEN", "CLOSEREQ", "CLOSING", "TIMEWAIT", "IGNORE", "INVALID"};

const char *conntrack_state_name(uint8_t proto, uint8_t state)
{
	switch (proto) {
	case PROTO_TCP: return state < COUNT(tcp_names) ? tcp_names[state] : NULL;
	case PROTO_SCTP: return state < COUNT(sctp_names) ? sctp_names[state] : NULL;
	case PROTO_DCCP: return state < COUNT(dccp_names) ? dccp_names[state] : NULL;
	default: return NULL;
	}
}

enum tcp_state conntrack_tcp_state(uint8_t state)
{
	static const uint8_t states[] = {TCP_STATE_NONE, TCP_SYN_SENT, TCP_SYN_RECEIVED,
		TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_CLOSE_WAIT, TCP_LAST_ACK,
		TCP_TIME_WAIT, TCP_CLOSED, TCP_SYN_SENT};

	_Static_assert(COUNT(states) == COUNT(tcp_names), "one for each state");
	return state < COUNT(states) ? states[state] : TCP_STATE_NONE;
}

const char *conntrack_status_name(unsigned bit)
{
	static const char *const names[CONNTRACK_STATUS_BITS] = {"expected",
		"seen_reply", "assured", "confirmed", "src_nat", "dst_nat",
		"seq_adjust", "src_nat_done", "dst_nat_done", "dying", "fixed_timeout",
		"template", "nat_clash", "helper", "offload", "hw_offload"};

	return bit < COUNT(names) ? names[bit] : NULL;
}
