/* proto — names of IP protocols and of TCP's states (RFC 9293 §3.3.2). */
#ifndef KONN_CORE_PROTO_H
#define KONN_CORE_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROTO_ICMP = 1,
	PROTO_IGMP = 2,
	PROTO_IPIP = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_IPV6 = 41,
	PROTO_GRE = 47,
	PROTO_ESP = 50,
	PROTO_AH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
};

enum tcp_state {
	TCP_STATE_NONE, /* not known */
	TCP_CLOSED,
	TCP_LISTEN,
	TCP_SYN_SENT,
	TCP_SYN_RECEIVED,
	TCP_ESTABLISHED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSE_WAIT,
	TCP_CLOSING,
	TCP_LAST_ACK,
	TCP_TIME_WAIT,
	TCP_STATE_COUNT,
};

/* "SYN-SENT" and so on, as RFC 9293 writes them; NULL for TCP_STATE_NONE. */
const char *tcp_state_name(enum tcp_state state);

/* The name of an IP protocol; NULL when it has none here (print the number then). */
const char *proto_name(uint8_t number);

/* "tcp", "icmp6" (also ipv6-icmp)…; case ignored; false for an unknown name. */
bool proto_find(const char *name, size_t len, uint8_t *out);

#endif
