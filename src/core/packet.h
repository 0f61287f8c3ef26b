/* packet — what decoding found in a frame: the innermost connection, its measures. */
#ifndef KONN_CORE_PACKET_H
#define KONN_CORE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"

enum malformed {
	MALFORMED_NONE,
#define MALFORMED(name_, help_) MALFORMED_##name_,
#include "core/malformed.def"
#undef MALFORMED
	MALFORMED_COUNT,
};

const char *malformed_name(enum malformed m);
const char *malformed_help(enum malformed m);

/*
 * The one bucket of the packet:
 * packets = parsed + Σ malformed + Σ unsupported + filtered.
 */
enum outcome {
	OUTCOME_PARSED,
	OUTCOME_MALFORMED,   /* why is in packet.malformed */
	OUTCOME_UNSUPPORTED, /* the link type is not known */
	OUTCOME_FILTERED,
};

enum packet_kind {
	PACKET_OTHER_LINK, /* parsed, but no IP: no flow (LLDP, STP, IPX…) */
	PACKET_ARP,        /* ARP and RARP: no flow */
	PACKET_TCP,
	PACKET_UDP,
	PACKET_ICMP, /* echo, timestamp, mask, and anything that quotes no packet */
	PACKET_ICMP_ERROR, /* key, dir: of the packet it quotes */
	PACKET_OTHER_IP,   /* by address pair and protocol */
	PACKET_FRAGMENT,   /* later fragment whose first one is not known: no flow */
};

enum { /* as in the header's 13th and 14th byte */
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
	TCP_AE = 0x100, /* was NS */
};

enum tunnel_kind {
	TUNNEL_NONE,
	TUNNEL_IPIP,
	TUNNEL_6IN4,
	TUNNEL_4IN6,
	TUNNEL_IP6IP6,
	TUNNEL_GRE,
	TUNNEL_ERSPAN,
	TUNNEL_VXLAN,
	TUNNEL_GENEVE,
	TUNNEL_GTPU,
	TUNNEL_TEREDO,
	TUNNEL_AYIYA,
	TUNNEL_COUNT,
};

const char *tunnel_name(enum tunnel_kind kind);

#define PACKET_VLANS   3
#define PACKET_TUNNELS 4
#define PACKET_SACKS   4

struct tunnel {
	uint32_t id; /* VNI, GRE key, TEID; valid when has_id */
	uint8_t kind;
	bool has_id;
};

struct packet {
	struct tuple key; /* valid for the kinds that have a flow */
	/* four as in the frame, in its order: packet_of_frame */
	uint64_t ts_ns;
	uint32_t wire_bytes; /* frame on the wire; the outermost one of a tunnel */
	uint16_t interface;
	uint16_t linktype;
	uint32_t hash;     /* low half of tuple_hash(key) */
	uint32_t ip_bytes; /* innermost IP header and what follows, without padding */
	const uint8_t *payload;    /* borrowed from the frame; NULL: none captured */
	uint32_t payload_captured; /* bytes at payload, <= payload_len */
	uint32_t payload_len;      /* behind TCP, UDP, 8 bytes of ICMP; else IP */
	uint32_t segments;         /* packets on the wire it stands for (GSO), else 1 */
	uint16_t carrier; /* tells copies apart: interface, or what an SLL2 header says
			   */
	uint16_t ip_id;   /* IPv4 only, else 0 */

	/* PACKET_ZEROED: what most packets, or many, have not */
	uint32_t seq, ack; /* TCP */
	uint16_t tcp_flags;
	uint16_t window; /* TCP, as in the header */
	uint8_t kind;    /* enum packet_kind; valid when parsed */
	uint8_t outcome; /* enum outcome */
	uint8_t malformed;
	uint8_t fragment; /* 1: the first, 2: a later one (flow: by the table) */

	/* TCP options; a value is valid when its flag is set */
	bool has_mss, has_wscale, has_timestamps, sack_permitted;
	uint8_t wscale;
	uint8_t sacks;
	uint16_t mss;
	uint32_t tsval, tsecr;

	/* ICMP: type and code of this message (of the error for PACKET_ICMP_ERROR) */
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id, icmp_seq;
	bool has_icmp_id;

	uint8_t dir; /* 0: endpoint 0 of key sent it */
	uint8_t frame_dir;
	uint8_t ttl;            /* innermost; hop limit */
	uint8_t tos;            /* innermost: DSCP << 2 | ECN */
	uint8_t vlans, tunnels; /* how many of the arrays below are valid */
	bool has_mac;           /* mac_dst, mac_src are valid */
	bool cut;               /* caplen < len: payload may be incomplete */
	bool copy; /* set by the flow table: counted before, on another interface */

	/* written only as far as the counts above say */
	uint16_t vlan[PACKET_VLANS]; /* 12-bit ids, outermost first */
	union {
		struct {
			uint8_t mac_dst[6], mac_src[6];
		};
		uint8_t macs[12]; /* both, in the order of an Ethernet header */
	};
	struct tunnel tunnel[PACKET_TUNNELS]; /* outermost first */
	struct {
		uint32_t from, to;
	} sack[PACKET_SACKS];
};

#define PACKET_ZEROED       offsetof(struct packet, seq)
#define PACKET_ZEROED_BYTES (offsetof(struct packet, vlan) - PACKET_ZEROED)

/* Kind and outcome as one number, so that one test is enough for both. */
static inline unsigned packet_bucket(const struct packet *p)
{
	return p->kind | (unsigned)p->outcome << 8;
}
_Static_assert(OUTCOME_PARSED == 0, "the bucket of a parsed one is its kind");

/* Whether it belongs to a flow of its own or of what it quotes. */
static inline bool packet_has_flow(const struct packet *p)
{
	return packet_bucket(p) - PACKET_TCP <= PACKET_OTHER_IP - PACKET_TCP;
}

/* Not parsed, or a fragment of which nothing else is known. */
static inline bool packet_is_odd(const struct packet *p)
{
	return packet_bucket(p) >= PACKET_FRAGMENT;
}
_Static_assert(PACKET_FRAGMENT == PACKET_OTHER_IP + 1, "packet_is_odd");

#endif
