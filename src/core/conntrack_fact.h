/*
 * conntrack_fact — what the kernel's connection tracking says of one entry at one
 * moment.
 *
 * An entry is one connection that passes or ends here. `orig` is the tuple of who
 * opened it, as its packets come in; `reply` is the tuple of the answers, as they come
 * in. Without NAT reply is orig turned round; with NAT the differences are what is
 * translated:
 *
 *   orig   10.0.0.2:40000 → 203.0.113.1:80      the client's packets before translation
 *   reply  10.9.9.9:8080  → 198.51.100.7:40000  the server's packets before translation
 *   so DNAT 203.0.113.1:80 ⇒ 10.9.9.9:8080, SNAT 10.0.0.2 ⇒ 198.51.100.7
 */
#ifndef KONN_CORE_CONNTRACK_FACT_H
#define KONN_CORE_CONNTRACK_FACT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/proto.h"

#define CONNTRACK_HELPER_BYTES 16 /* NF_CT_HELPER_NAME_LEN, with the NUL */

enum conntrack_kind {
	CONNTRACK_LISTED, /* by a dump */
	CONNTRACK_NEW,    /* events, in the order in which they happened */
	CONNTRACK_UPDATE,
	CONNTRACK_DESTROY, /* with the last counters, where there are any */
};

/*
 * Which fields of a fact are there. What is missing was not told: a row keeps what it
 * knew. NEW and UPDATE never carry counters (ctnetlink_conntrack_event), so these come
 * with the next dump.
 */
enum conntrack_has {
	CONNTRACK_HAS_PORTS = 1 << 0, /* src_port, dst_port of both tuples */
	CONNTRACK_HAS_ICMP = 1 << 1,  /* icmp_* of both tuples (ICMP and ICMPv6) */
	CONNTRACK_HAS_STATUS = 1 << 2,
	CONNTRACK_HAS_STATE = 1 << 3,   /* TCP, SCTP, DCCP only */
	CONNTRACK_HAS_TIMEOUT = 1 << 4, /* not while a flow table has taken it over */
	CONNTRACK_HAS_MARK = 1 << 5,
	CONNTRACK_HAS_ORIG_COUNTERS =
		1 << 6, /* neither of an entry that was made while */
	CONNTRACK_HAS_REPLY_COUNTERS = 1 << 7, /* nf_conntrack_acct was 0 */
	CONNTRACK_HAS_ID = 1 << 8,
	CONNTRACK_HAS_HELPER = 1 << 9,
	CONNTRACK_HAS_START = 1 << 10, /* made while nf_conntrack_timestamp was 1 */
	CONNTRACK_HAS_STOP = 1 << 11,  /* the same, and DESTROY only */
	CONNTRACK_HAS_EVENT_TIME = 1 << 12, /* events of young kernels, the same */
};

/* Bits of `status` (IPS_* of linux/netfilter/nf_conntrack_common.h, unchanged). */
enum conntrack_status_bit {
	CONNTRACK_EXPECTED = 1 << 0, /* foreseen by a helper: an FTP data connection */
	CONNTRACK_SEEN_REPLY = 1 << 1,
	CONNTRACK_ASSURED = 1 << 2, /* survives a full table */
	CONNTRACK_CONFIRMED = 1 << 3,
	CONNTRACK_SRC_NAT = 1 << 4, /* source translated on the way out of orig */
	CONNTRACK_DST_NAT = 1 << 5,
	CONNTRACK_SEQ_ADJUST = 1 << 6,
	CONNTRACK_SRC_NAT_DONE = 1 << 7, /* NAT has decided; set without NAT too */
	CONNTRACK_DST_NAT_DONE = 1 << 8,
	CONNTRACK_DYING = 1 << 9,
	CONNTRACK_FIXED_TIMEOUT = 1 << 10,
	CONNTRACK_TEMPLATE = 1 << 11,
	CONNTRACK_NAT_CLASH = 1 << 12,
	CONNTRACK_HELPER = 1 << 13, /* a helper was attached by a rule */
	CONNTRACK_OFFLOAD = 1 << 14,
	CONNTRACK_HW_OFFLOAD = 1 << 15,
};
#define CONNTRACK_STATUS_BITS 16

struct conntrack_tuple {
	struct addr src, dst;
	uint16_t src_port, dst_port; /* host order; GRE: the call's two keys */
	uint16_t icmp_id;            /* host order */
	uint8_t icmp_type, icmp_code;
	uint8_t proto;  /* IP protocol number */
	uint8_t family; /* enum family */
	/*
	 * The same in both tuples, or only one of them is not 0 (a zone of one
	 * direction). 0 is the zone of everything that no rule put elsewhere, hence
	 * always known.
	 */
	uint16_t zone;
};

/* IP packets and bytes, headers included; 64 bits, never wrapped by the kernel. */
struct conntrack_counters {
	uint64_t packets, bytes;
};

struct conntrack_fact {
	uint64_t netns; /* inode number of the namespace, as given to the reader */
	struct conntrack_tuple orig, reply;
	uint32_t has;        /* bits of enum conntrack_has */
	uint32_t generation; /* of the dump that began last; see source/conntrack.h */
	uint8_t kind;        /* enum conntrack_kind */
	uint8_t state; /* TCP, SCTP or DCCP conntrack state; conntrack_state_name() */
	uint8_t dccp_role; /* 0: orig is the client, 1: the server; with DCCP's state */
	uint8_t tcp_wscale[2]; /* with TCP's state: of orig's and of reply's sender */
	char helper[CONNTRACK_HELPER_BYTES]; /* "ftp"; only printable ASCII */
	uint32_t status;                     /* bits of enum conntrack_status_bit */
	uint32_t mark;
	/*
	 * A hash of the entry's place in memory and its tuple (nf_ct_get_id): the same
	 * as long as it lives, but a later entry with the same tuple may get it again,
	 * and two entries may share one. (netns, zones, orig, id) names an entry among
	 * those alive.
	 */
	uint32_t id;
	uint32_t timeout_s; /* seconds until it is forgotten, if no packet comes */
	struct conntrack_counters counters[2]; /* of orig's packets, of reply's */
	uint64_t start_ns, stop_ns, event_ns;  /* CLOCK_REALTIME */
};
_Static_assert(sizeof(struct conntrack_fact) <= 256, "copied once for each entry");

enum conntrack_nat {
	CONNTRACK_NAT_NONE = 0,
	CONNTRACK_NAT_SRC =
		1, /* reply.dst is not orig.src (address, port or ICMP id) */
	CONNTRACK_NAT_DST = 2, /* reply.src is not orig.dst */
};

/*
 * What is really translated, from the tuples: bits of enum conntrack_nat. The status
 * bits say only that a rule looked at it (a masquerade that changes nothing sets none
 * of both).
 */
unsigned conntrack_nat(const struct conntrack_fact *fact);

/*
 * The key under which packets and sockets of this tuple are known (ports 0 but for
 * those of TCP, UDP and the like; ICMP echo: its id in both; scope 0). Returns the
 * direction of src → dst, as tuple_order does. `has` is the fact's.
 */
unsigned conntrack_key(
	const struct conntrack_tuple *t, uint32_t has, struct tuple *out);

/* As conntrack(8) prints it: "SYN_SENT2"; NULL for a protocol or number without a name.
 */
const char *conntrack_state_name(uint8_t proto, uint8_t state);

/*
 * The RFC 9293 name that says the same; TCP_STATE_NONE where there is none. Conntrack
 * has one state for both ends, told of the end that is further behind: CLOSE_WAIT is
 * that of the end that has yet to close, FIN_WAIT that of the end that closed.
 */
enum tcp_state conntrack_tcp_state(uint8_t state);

/* "seen_reply"; `bit` < CONNTRACK_STATUS_BITS is a number, not a mask. */
const char *conntrack_status_name(unsigned bit);

#endif
