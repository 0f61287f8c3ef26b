/*
 * small — the 64 bytes (IPv6: 88) of a connection that has not proved itself yet.
 *
 * Half-open TCP, one-way UDP and other protocols, ICMP, and TCP of which only one side
 * was seen. What does not fit (a counter that would overflow, an answer, a reset) makes
 * the record a struct flow; so floods of spoofed packets cost little.
 */
#ifndef KONN_FLOW_SMALL_H
#define KONN_FLOW_SMALL_H

#include "flow/flow.h"
#include "flow/path.h"
#include "flow/wheel.h"

enum small_kind {
	SMALL_SYN,        /* SYN from orig, perhaps repeated */
	SMALL_SYN_SYNACK, /* and its SYN-ACK */
	SMALL_SYNACK,     /* SYN-ACK alone: orig is its receiver */
	SMALL_MIDSTREAM,  /* other segments of one side */
	SMALL_ONE_WAY,    /* UDP and other protocols, one side only */
	SMALL_ICMP,       /* both ways; with an identifier until it is answered */
};

enum small_note {
	SMALL_NOTE_ACK = 1 << 0,  /* midstream: a pure ACK was seen */
	SMALL_NOTE_DATA = 1 << 1, /* midstream: a segment with data was seen */
	SMALL_NOTE_DATA_FIRST =
		1 << 2, /* midstream: and it came before the first pure ACK */
	SMALL_NOTE_ZERO_WINDOW = 1 << 3, /* midstream: in the first segment */
	SMALL_NOTE_ICMP_ID = 1 << 0,     /* ICMP: it has an identifier */
	SMALL_NOTE_RESP = 1 << 0,        /* SYN…: endpoint 1 sent the last one */
	SMALL_NOTE_FOLLOWS = 1 << 3, /* SYN…: on the ports of another connection */
};

struct small {
	struct wheel_link link;
	uint64_t first_ns;
	uint64_t delta_ns : 40; /* last packet's time - first_ns: up to 18 minutes */
	uint64_t wscale : 8;    /* two nibbles by direction; 15: not given */
	uint64_t path : 16;     /* struct paths */
	uint16_t port[2];
	uint8_t proto;
	uint8_t kind : 3, orig : 1, note : 4; /* enum small_note; UDP: service */
	uint8_t packets[2];
	uint16_t ip_bytes[2];
	uint8_t overhead[2]; /* wire bytes - IP bytes */
	uint8_t ttl[2];
	uint32_t seq[2]; /* TCP: next expected of that side (midstream: of the other,
			    its ack; not TCP: small_mark of its last packet) */
	union {
		uint16_t mss[2];     /* SMALL_SYN… */
		uint16_t payload[2]; /* the others (of the other side: midstream, the IP
					id of this one's last packet; ICMP with an
					identifier, its first sequence number; QUIC,
					whether it began with an Initial) */
	};
	union {
		uint16_t window[2]; /* SMALL_SYN… */
		struct {
			/* SMALL_MIDSTREAM: of the last segment; flags 0: none had a
			   whole header */
			uint16_t window, flags;
		} mid;
		struct {
			uint8_t icmp_type,
				icmp_code; /* SMALL_ICMP: of the first message */
			uint16_t icmp_seq; /* of the last one */
		};
	};
	uint8_t addr[]; /* 4 or 16 bytes of endpoint 0, then of endpoint 1 */
};
_Static_assert(sizeof(struct small) == 56, "64 bytes with two IPv4 addresses");

#define SMALL_V4_BYTES 64
#define SMALL_V6_BYTES 88

/* The kind that a first packet makes; false: it needs a full flow at once. */
bool small_accepts(const struct packet *p, enum small_kind *out);

/* Fills a new record; `orig` is the direction of the side that opened. */
void small_init(struct small *s, const struct packet *p, enum small_kind kind,
	unsigned orig, uint16_t path);

/*
 * Counts one more packet of the same key. False: it does not fit or proves the
 * connection; the record is unchanged and must be made a full flow, which then gets the
 * packet.
 */
bool small_update(struct small *s, const struct packet *p);

bool small_is(const struct small *s, const struct packet *p, const struct paths *ps);
void small_key(
	struct tuple *out, const struct small *s, bool v6, const struct paths *ps);

static inline uint64_t small_last_ns(const struct small *s)
{
	return s->first_ns + s->delta_ns;
}

/* Tells two packets of one side apart, when the IP id is not 0. */
static inline uint32_t small_mark(const struct packet *p)
{
	return p->ip_bytes << 16 | p->ip_id;
}

/*
 * The last packet of its side once more: for SYN and SYN-ACK by their number (of a SYN
 * alone the IP id is known: another one means that it was sent again), else by the IP
 * id.
 */
bool small_is_repeat(const struct small *s, const struct packet *p);

/* A SYN that starts a new connection on the ports of this one. */
bool small_is_reuse(const struct small *s, const struct packet *p);

/* Everything the record knows as a (zeroed before) flow. */
void small_expand(
	struct flow *out, const struct small *s, bool v6, const struct paths *ps);

#endif
