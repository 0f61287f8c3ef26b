/*
 * flow — one connection as its packets tell it: counters, TCP states, flags, rates.
 *
 * A flow begins as a small record inside the table (half-open TCP, one-way UDP, ICMP,
 * mid-stream TCP) and becomes a struct flow when it proves itself; outside of flow/ one
 * only ever sees a struct flow (a small one is expanded first).
 */
#ifndef KONN_FLOW_FLOW_H
#define KONN_FLOW_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/counters.h"
#include "core/packet.h"
#include "core/proto.h"
#include "flow/rate.h"
#include "flow/wheel.h"
#include "measure/names.h"
#include "measure/talk.h"
#include "measure/tcp_measure.h"

enum flow_fact {               /* bits of flow.facts */
	FLOW_SMALL = 1 << 0,   /* expanded from a small record: see FLOW_HAS_* */
	FLOW_SAW_SYN = 1 << 1, /* of the originator */
	FLOW_SAW_SYNACK = 1 << 2,
	FLOW_ESTABLISHED =
		1 << 3, /* TCP: the handshake's third packet, or data both ways */
	FLOW_MIDSTREAM = 1 << 4, /* TCP whose start was not seen */
	FLOW_REFUSED = 1 << 5,   /* RST answered the SYN, or an ICMP error did */
	FLOW_RESET = 1 << 6,     /* RST after it was established */
	FLOW_CLOSED = 1
		      << 7, /* both FINs acknowledged, or RST: the connection is over */
	FLOW_HAS_DETAILS =
		1 << 8, /* ttl, tos, mac, vlan, tunnel, interface, mss… are known */
	FLOW_NAMED = 1
		     << 9, /* its first bytes were looked at: no more is to be learnt */
	FLOW_TALKS = 1 << 10,   /* DNS, QUIC, ICMP with an identifier: see talk */
	FLOW_FOLLOWS = 1 << 13, /* TCP: it replaced another one on the same ports */
	FLOW_ICMP_ERROR = 1 << 11,
	FLOW_ORIENTED = 1 << 12, /* orig is certain (SYN, SYN-ACK, echo request) */
};

/* Counters of the data that one side sends, and that side's TCP state. 64 B: one line.
 */
struct flow_side {
	uint64_t packets; /* segments that super-packets stand for are counted each */
	uint64_t
		payload_bytes; /* transport payload as seen, retransmissions included */
	uint64_t ip_bytes;
	uint64_t wire_bytes;
	uint32_t seq_next;   /* TCP: highest sequence number sent + 1; see has_seq */
	uint32_t ack;        /* TCP: highest acknowledgement sent */
	uint32_t window;     /* TCP: last advertised, scaled when the scale is known */
	uint32_t last_size;  /* IP bytes of its last packet */
	uint32_t last_seq;   /* TCP: sequence number of its last packet; else its time
				(flow_stamp) */
	uint16_t last_flags; /* TCP flags of its last packet */
	uint16_t last_ip_id; /* of its last packet; 0: none */
	uint16_t mss;        /* from its SYN; 0: not known */
	uint16_t letters;    /* history letters that this side already has */
	uint8_t state;       /* enum tcp_state */
	uint8_t ttl;         /* of its first packet; 0: not known */
	uint8_t wscale : 4;  /* valid when has_wscale; at most 14 */
	bool has_seq : 1, has_ack : 1, has_window : 1, has_wscale : 1;
	bool fin_seen : 1, fin_acked : 1, syn_seen : 1, rst_seen : 1;
	bool detailed : 1; /* its flow_detail was filled in from a packet */
};
_Static_assert(sizeof(struct flow_side) == 64, "one cache line a direction");

struct flow_detail {      /* of one side */
	uint64_t ecn_ce;  /* packets marked CE */
	uint32_t isn;     /* valid when syn_seen */
	uint32_t fin_seq; /* sequence number right after its FIN; valid when fin_seen */
	uint32_t syns;    /* SYNs (or SYN-ACKs) sent, repeated ones too */
	uint8_t mac[6];
	uint8_t tos;  /* valid when the side is `detailed` */
	bool has_mac; /* mac is valid */
};

#define FLOW_HISTORY 24

struct flow {
	/* hot: looked at for each packet; three cache lines */
	_Alignas(64) struct tuple key;
	uint64_t last_ns;
	struct wheel_link link;   /* the table's timing wheel */
	uint16_t facts;           /* enum flow_fact */
	uint8_t orig;             /* direction whose sender opened the connection */
	uint8_t class;            /* which wheel of the table holds it */
	uint32_t rate_second;     /* second that rate[] was rolled to */
	struct flow_side side[2]; /* by direction: 0 is sent by endpoint 0 of key */

	/* cold */
	struct rate rate[2]; /* payload bytes and packets by direction; rolled each
				second */
	uint64_t first_ns;
	uint8_t vlans, tunnels;
	uint8_t evicted;    /* enum evict_class; EVICT_NONE: ended by itself */
	uint16_t interface; /* index into the source's list: the one that counts */
	uint16_t icmp_id;
	uint8_t icmp_type, icmp_code; /* ICMP rows: of the first message */
	bool has_icmp_id;
	uint8_t icmp_error_type, icmp_error_code; /* valid with FLOW_ICMP_ERROR */
	uint8_t service; /* enum service_kind (flow/service.h); 0: not recognised */
	uint16_t vlan[PACKET_VLANS];
	struct tunnel tunnel[PACKET_TUNNELS];
	uint64_t seen_in;           /* bit n: interface n carried it too (n < 64) */
	char history[FLOW_HISTORY]; /* Zeek's letters, NUL-terminated */
	struct flow_detail detail[2];
	uint64_t syn_ns, synack_ns, established_ns; /* first of each; 0: not seen */
	uint64_t copies; /* packets seen again (other interfaces, mirrors), not counted
			    above */
	uint64_t closed_ns;     /* when it was over; 0: it is not */
	uint64_t counted_ns[2]; /* per direction: last packet that counted */
	uint16_t carrier[2];    /* per direction: the one whose packets count
				   (packet.carrier) */
	struct names names;
	struct tcp_measure *tcp; /* owned; NULL: no TCP, or a small record */
	struct talk *talk;       /* owned; NULL: nothing is measured */
	uint32_t talk_number;    /* of *talk in POOL_TALK */
};

#define FLOW_HOT_BYTES offsetof(struct flow, rate)

/* A time in steps of 1,024 ns; wraps after an hour. */
static inline uint32_t flow_stamp(uint64_t ns)
{
	return (uint32_t)(ns >> 10);
}

/* The side that opened the connection, and the other. */
static inline const struct flow_side *flow_orig(const struct flow *f)
{
	return &f->side[f->orig];
}

static inline const struct flow_side *flow_resp(const struct flow *f)
{
	return &f->side[!f->orig];
}

/* Zeek's conn_state: S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH; TCP and UDP.
 */
const char *flow_conn_state(const struct flow *f);

/*
 * Deterministic identity: SipHash of (key, first_ns) under `key` (files: a fixed one;
 * live: made from the boot id).
 */
uint64_t flow_uid(const struct flow *f, const struct hash_key *key);

#endif
