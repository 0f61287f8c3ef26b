/*
 * chain — the general decoder: dissectors called one after the other, each for one
 * header.
 *
 * A dissector is a file that exports one const struct dissector with the numbers it is
 * called for; its name in meson.build's list is its registration. Its step reads its
 * header from the chain, and says what follows by number. Nothing calls itself: a loop
 * in chain.c goes from header to header.
 *
 *        frame            c.at          c.end             limit
 *          |---------------|--------------|- - - - - - - - -|
 *          base             captured       on the wire (wire_end), or claimed by a
 * length
 */
#ifndef KONN_DECODE_CHAIN_H
#define KONN_DECODE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cur.h"
#include "base/hash.h"
#include "core/frame.h"
#include "core/packet.h"
#include "decode/fragments.h"

#define CHAIN_NO_LIMIT UINT32_MAX

enum key_space {
	KEY_NONE,
	KEY_LINK,  /* LINKTYPE_* */
	KEY_ETHER, /* ethertype */
	KEY_IP,    /* IP protocol or extension header */
	KEY_UDP,   /* UDP port of a tunnel */
	KEY_INNER, /* enum inner: what has no number of its own */
};

enum inner {
	INNER_LLC,   /* 802.2 */
	INNER_IP,    /* IPv4 or IPv6 by the version nibble */
	INNER_PPP,   /* from the protocol field or FF 03 on */
	INNER_NLPID, /* RFC 2427: network layer protocol id */
	INNER_WIFI,  /* 802.11 header */
	INNER_COUNT,
};

#define ETHERTYPE_IPV4     0x0800
#define ETHERTYPE_ARP      0x0806
#define ETHERTYPE_ETHERNET 0x6558 /* transparent Ethernet bridging */
#define ETHERTYPE_RARP     0x8035
#define ETHERTYPE_VLAN     0x8100
#define ETHERTYPE_IPV6     0x86dd
#define ETHERTYPE_PPP      0x880b
#define ETHERTYPE_MPLS     0x8847

#define PROTO_NO_NEXT 59 /* RFC 8200 §4.7 */

enum step {
	STEP_NEXT, /* go on with chain.space and chain.key */
	STEP_DONE,
	STEP_BAD, /* chain.malformed says why */
};

struct chain {
	struct cur c;        /* captured bytes, inside of every length field */
	const uint8_t *base; /* start of the frame; offsets count from here */
	uint32_t wire_end;   /* where the frame, or a length field, ends the packet */
	uint32_t limit;      /* where length fields end it; CHAIN_NO_LIMIT: none yet */
	struct packet *p;
	struct decoder *d;
	const struct frame *f;
	uint16_t key;  /* of the header to come */
	uint8_t space; /* enum key_space */
	uint8_t malformed;
	uint8_t tags;       /* VLAN tags of this Ethernet header */
	uint8_t extensions; /* headers between this IP header and the transport */

	/* innermost IP header, valid when has_flow */
	struct addr src, dst;
	uint32_t ip_at;      /* its offset */
	uint32_t ip_end;     /* where it says that it ends, whatever bounds it */
	uint32_t payload_at; /* offset of what the transport carries */
	uint8_t family, proto;
	bool has_flow;      /* p holds a packet of some IP flow */
	uint8_t flow_vlans; /* p->vlans and p->tunnels of that flow */
	uint8_t flow_tunnels;
	bool wifi_pad; /* the body of 802.11 frames is aligned to 4 bytes */
	bool guessed;  /* in a tunnel known by its UDP port, and no IP in it yet */
	bool partial;  /* in a first fragment: lengths inside may reach beyond it */
	bool pending;  /* `fragment` is to be remembered with the flow found */
	struct fragment fragment;
};

struct dissector {
	enum step (*step)(struct chain *ch);
	struct {
		uint8_t space; /* enum key_space; KEY_NONE ends the list */
		uint16_t number;
	} keys[12];
};

#define CHAIN_LINKS      512 /* link types below this are looked up */
#define CHAIN_DISSECTORS 64

struct decoder {
	struct hash_key key;
	uint64_t udp_tunnel[65536 / 64]; /* one bit a port, for the fast path */
	/* number → dissectors[n - 1]; 0: none */
	uint8_t link[CHAIN_LINKS];
	uint8_t ether[65536];
	uint8_t ip[256];
	uint8_t udp[65536];
	uint8_t inner[INNER_COUNT];
	struct fragments *fragments; /* owned */
};

/* Fills the dispatch tables from the registry. */
void chain_register(struct decoder *d);

/* Decodes one frame by the chain; the same result as decode_batch. */
void chain_decode(struct decoder *d, const struct frame *f, struct packet *p);

#define TAG_BYTES 4 /* of a VLAN tag that the kernel took out: it was on the wire */

/* What does not depend on the bytes; no room is zeroed. */
static inline void packet_of_frame(struct packet *p, const struct frame *f)
{
	memcpy(&p->ts_ns, &f->ts_ns, 16);
	p->carrier = f->interface;
	p->segments = 1;
	p->frame_dir = f->dir;
	p->cut = f->caplen < f->len;
}
#define SAME_PLACE(in_packet_, in_frame_) \
	(offsetof(struct packet, in_packet_) - offsetof(struct packet, ts_ns) == \
		offsetof(struct frame, in_frame_) - offsetof(struct frame, ts_ns))
_Static_assert(SAME_PLACE(wire_bytes, len) && SAME_PLACE(interface, interface) &&
		       SAME_PLACE(linktype, linktype) && SAME_PLACE(hash, gso_bytes),
	"packet_of_frame");

/* Counts the packets that a super-packet stands for. `header` bytes come before the
 * payload. */
void packet_segments(struct packet *p, uint32_t gso_bytes, uint32_t header);

/* Offset of the cursor, bytes left on the wire. */
static inline uint32_t chain_at(const struct chain *ch)
{
	return (uint32_t)(ch->c.at - ch->base);
}

static inline uint32_t chain_left(const struct chain *ch)
{
	uint32_t at = chain_at(ch);

	return ch->wire_end > at ? ch->wire_end - at : 0;
}

/* Bytes left by what length fields say; what the wire leaves when there is none. */
static inline uint32_t chain_claimed(const struct chain *ch)
{
	uint32_t at = chain_at(ch);

	if (ch->limit == CHAIN_NO_LIMIT)
		return chain_left(ch);
	return ch->limit > at ? ch->limit - at : 0;
}

static inline enum step chain_bad(struct chain *ch, enum malformed why)
{
	ch->malformed = (uint8_t)why;
	return STEP_BAD;
}

static inline enum step chain_next(struct chain *ch, enum key_space space, unsigned key)
{
	ch->space = (uint8_t)space;
	ch->key = (uint16_t)key;
	return STEP_NEXT;
}

/* Number of the registered dissector, 0: none. */
unsigned chain_lookup(const struct decoder *d, unsigned space, unsigned key);

/*
 * Takes `len` captured bytes. NULL when they are not there: malformed is then `why` if
 * the wire did not have them either, else `cut`.
 */
const uint8_t *chain_take(struct chain *ch, uint32_t len, enum malformed why);

/* A length field says that `len` bytes follow. */
void chain_bound(struct chain *ch, uint32_t len);

/* An Ethernet type or 802.3 length; the latter bounds what follows. */
enum step chain_ethertype(struct chain *ch, unsigned type);

/* The packet ends without an IP flow of its own: an outer flow stays, else `kind`. */
enum step chain_no_flow(struct chain *ch, enum packet_kind kind);

/* Notes one more tunnel; STEP_BAD when there are too many. */
enum step chain_tunnel(struct chain *ch, struct tunnel tunnel);

/* Makes p a packet of src → dst with these ports and protocol. */
void chain_flow(
	struct chain *ch, enum packet_kind kind, uint16_t sport, uint16_t dport);

/* Sets payload and its lengths: `len` bytes (claimed) from the cursor on. */
void chain_payload(struct chain *ch, uint32_t len);

/*
 * After an IP header: family, src, dst, ip_at are set and the limit is that of the
 * packet. Goes on with what protocol `proto` carries.
 */
enum step chain_ip_payload(struct chain *ch, unsigned proto);

/*
 * After the header of a fragment (`offset` in bytes, `more` follow) of protocol
 * `proto`. Goes on with the first, attributes later ones.
 */
enum step chain_fragment(struct chain *ch, uint32_t id, uint32_t offset, bool more);

#endif
