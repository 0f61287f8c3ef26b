/*
 * fast — decode_batch, with a short way for what nearly all packets are: Ethernet, at
 * most one tag in the frame, IPv4 without options and fragments or IPv6 without
 * extension headers, TCP or UDP with whole headers and sound lengths. Anything else,
 * and anything odd, goes to the chain from the start; both give the same packet.
 */
#include "core/proto.h"
#include "decode/chain.h"
#include "decode/decode.h"
#include "decode/transport.h"

#define AHEAD 4 /* frames whose bytes are fetched before their turn */

#define LINK_ETHERNET 1
#define likely(x_)    __builtin_expect(!!(x_), 1)
#define unlikely(x_)  __builtin_expect(!!(x_), 0)
#define always_inline inline __attribute__((always_inline))

static inline uint64_t load_word(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Word by word: of an array gcc makes vectors on the stack. */
static inline void put_word(struct tuple *key, unsigned i, uint64_t word)
{
	memcpy((uint8_t *)key + 8 * (size_t)i, &word, sizeof(word));
}

/*
 * `a` or, when `mask` is all ones, `b`. Which endpoint is lower is as good as random,
 * so a branch would be mispredicted for every second packet (measured: +20 ns).
 */
static inline uint64_t choose(uint64_t a, uint64_t b, uint64_t mask)
{
	return a ^ ((a ^ b) & mask);
}

/* Ports and protocol as in the key's fifth word; endpoint 0's port is the lower one. */
static inline uint64_t numbers_of(const uint8_t *ports, uint64_t mask, unsigned proto)
{
	uint32_t swapped = load_be32(ports), straight = swapped << 16 | swapped >> 16;

	return choose(straight, swapped, mask) | (uint64_t)proto << 32;
}

static inline bool ports_fall(const uint8_t *ports)
{
	return load_be16(ports) > load_be16(ports + 2);
}

#define FAMILY_BIT 40

/* The second half of ::ffff:a.b.c.d; `v4` as in memory. */
static inline void put_mapped(struct addr *out, uint32_t v4)
{
	const uint32_t prefix = 0xffff0000;

	memcpy(out->b + 8, &prefix, 4);
	memcpy(out->b + 12, &v4, 4);
}

static inline uint64_t turned(uint64_t word)
{
	return word << 32 | word >> 32;
}

/* Sets key, hash and dir of a packet with the IPv4 header `h`. */
static always_inline void key4(struct packet *p, const struct hash_state *start,
	const uint8_t *h, const uint8_t *ports)
{
	uint64_t both = load_word(h + 12), straight = load_be64(h + 12), numbers;
	uint64_t mask = -(uint64_t)(straight > turned(straight));

	if (unlikely(straight == turned(straight)))
		mask = -(uint64_t)ports_fall(ports);
	both = choose(both, turned(both), mask);
	numbers = numbers_of(ports, mask, h[9]);
	p->dir = mask & 1;
	put_word(&p->key, 0, 0);
	put_word(&p->key, 2, 0);
	put_mapped(&p->key.addr[0], (uint32_t)both);
	put_mapped(&p->key.addr[1], (uint32_t)(both >> 32));
	put_word(&p->key, 4, numbers | (uint64_t)FAMILY_V4 << FAMILY_BIT);
	p->hash = (uint32_t)tuple_hash_v4(*start, both, numbers << 16);
}

static inline unsigned __int128 number6(const uint8_t *addr)
{
	return (unsigned __int128)load_be64(addr) << 64 | load_be64(addr + 8);
}

static always_inline void key6(struct packet *p, const struct hash_state *start,
	const uint8_t *h, const uint8_t *ports)
{
	uint64_t a = load_word(h + 8), b = load_word(h + 16);
	uint64_t x = load_word(h + 24), y = load_word(h + 32), mask, numbers;
	bool swap = number6(h + 8) > number6(h + 24);

	if (unlikely(a == x && b == y))
		swap = ports_fall(ports);
	mask = -(uint64_t)swap;
	numbers = numbers_of(ports, mask, h[6]);
	p->dir = swap;
	put_word(&p->key, 0, choose(a, x, mask));
	put_word(&p->key, 1, choose(b, y, mask));
	put_word(&p->key, 2, choose(x, a, mask));
	put_word(&p->key, 3, choose(y, b, mask));
	put_word(&p->key, 4, numbers | (uint64_t)FAMILY_V6 << FAMILY_BIT);
	p->hash = (uint32_t)tuple_hash_v6(*start, p->key.addr, numbers << 16);
}

/* `len` bytes are claimed behind the header; the cursor ends where they do. */
static inline void fast_payload(struct packet *p, const struct cur *c, uint32_t len)
{
	p->payload_len = len;
	p->payload_captured = (uint32_t)cur_left(c);
	p->payload = p->payload_captured ? c->at : NULL;
}

/*
 * What follows the first 8 bytes of the transport header, which are at `h`. `claimed`
 * bytes are left by the IP length, and the cursor ends there at the latest.
 */
static always_inline bool fast_tcp(
	struct packet *p, struct cur *c, const uint8_t *h, uint32_t claimed)
{
	uint32_t options;
	const uint8_t *at;

	if (unlikely(!cur_take(c, 12)))
		return false;
	options = (h[12] >> 4) * 4u - 20; /* too large when the header is too short */
	at = cur_take(c, options);
	if (unlikely(!at))
		return false;
	p->kind = PACKET_TCP;
	tcp_fixed(p, h);
	tcp_options_fast(p, at, options);
	fast_payload(p, c, claimed - 12 - options);
	return true;
}

static inline bool is_tunnel(const struct decoder *d, uint32_t port)
{
	return d->udp_tunnel[port / 64] >> port % 64 & 1;
}

static always_inline bool fast_udp(const struct decoder *d, struct packet *p,
	struct cur *c, const uint8_t *h, uint32_t claimed)
{
	uint32_t len = load_be16(h + 4);

	if (unlikely(len < 8 || len - 8 > claimed))
		return false;
	if (unlikely(is_tunnel(d, load_be16(h)) || is_tunnel(d, load_be16(h + 2))))
		return false;
	p->kind = PACKET_UDP;
	cur_limit(c, len - 8);
	fast_payload(p, c, len - 8);
	return true;
}

/* The header is the 8 bytes before the cursor and more; the IP length claims `claimed`
 * bytes from the cursor on. */
static always_inline bool fast_transport(const struct decoder *d, struct packet *p,
	struct cur *c, unsigned proto, uint32_t claimed)
{
	const uint8_t *h = c->at - 8;

	cur_limit(c, claimed);
	if (likely(proto == PROTO_TCP))
		return fast_tcp(p, c, h, claimed);
	return proto == PROTO_UDP && fast_udp(d, p, c, h, claimed);
}

#define IP4_MASK 0xff3f0000000000ffu /* version, length, more fragments and offset */

/* The cursor is behind the first 28 bytes from the IP header `h` on. */
static always_inline bool fast_ip4(const struct decoder *d,
	const struct hash_state *start, struct packet *p, struct cur *c)
{
	const uint8_t *h = c->at - 28;
	uint32_t word = load_be32(h + 2), total = word >> 16;

	if (unlikely((load_word(h) & IP4_MASK) != 0x45 || total < 28))
		return false;
	p->ip_bytes = total;
	p->tos = h[1];
	p->ip_id = (uint16_t)word;
	p->ttl = h[8];
	if (unlikely(!fast_transport(d, p, c, h[9], total - 28)))
		return false;
	key4(p, start, h, h + 20);
	return true;
}

static always_inline bool fast_ip6(const struct decoder *d,
	const struct hash_state *start, struct packet *p, struct cur *c)
{
	const uint8_t *h = c->at - 28;
	uint32_t len = load_be16(h + 4);

	if (unlikely(!cur_take(c, 20) || h[0] >> 4 != 6 || len < 8))
		return false;
	p->ip_bytes = len + 40;
	p->tos = (uint8_t)(load_be16(h) >> 4);
	p->ip_id = 0;
	p->ttl = h[7];
	if (unlikely(!fast_transport(d, p, c, h[6], len - 8)))
		return false;
	key6(p, start, h, h + 40);
	return true;
}

/* Behind Ethernet, IPv4 and UDP headers; nothing shorter is for the fast path. */
#define LEAST_BYTES 42

/*
 * The ethertype behind the addresses and at most one tag; 0: not for the fast path. The
 * cursor is then behind the 28 bytes that follow the type.
 */
static always_inline unsigned fast_ethernet(struct packet *p, struct cur *c)
{
	const uint8_t *h = cur_take(c, LEAST_BYTES);
	unsigned type;

	memcpy(p->macs, h, sizeof(p->macs));
	p->has_mac = true;
	/* compared as it is, without a swap */
	if (likely(load_le16(h + 12) == __builtin_bswap16(ETHERTYPE_IPV4)))
		return ETHERTYPE_IPV4;
	type = load_be16(h + 12);
	if (likely(type != ETHERTYPE_VLAN))
		return type;
	if (unlikely(!cur_take(c, 4)))
		return 0;
	p->vlan[p->vlans++] = load_be16(h + 14) & 0xfff;
	return load_be16(h + 16);
}

/* An Ethernet frame of at least LEAST_BYTES; what is beside its bytes is not looked at.
 */
static always_inline bool fast_frame(const struct decoder *d,
	const struct hash_state *start, struct packet *p, struct cur *c)
{
	unsigned type = fast_ethernet(p, c);

	if (likely(type == ETHERTYPE_IPV4))
		return fast_ip4(d, start, p, c);
	return type == ETHERTYPE_IPV6 && fast_ip6(d, start, p, c);
}

/* A tag that the kernel took out, or a super-packet, or both. */
static bool fast_special(const struct decoder *d, const struct hash_state *start,
	const struct frame *f, struct packet *p)
{
	struct cur c = {f->bytes, f->bytes + f->caplen, false};

	if (f->linktype != LINK_ETHERNET || f->filtered)
		return false;
	if (f->vlan_tpid) {
		p->wire_bytes += TAG_BYTES;
		p->vlan[p->vlans++] = f->vlan_tci & 0xfff;
	}
	if (!fast_frame(d, start, p, &c))
		return false;
	if (f->gso_bytes)
		packet_segments(p, f->gso_bytes, (uint32_t)(c.at - f->bytes));
	return true;
}

static always_inline bool fast_decode(const struct decoder *d,
	const struct hash_state *start, const struct frame *f, struct packet *p)
{
	bool plain = frame_is_plain(f, LINK_ETHERNET);
	const uint8_t *bytes = f->bytes;
	uint32_t caplen = f->caplen;
	struct cur c;

	if (unlikely(caplen < LEAST_BYTES))
		return false;
	c = (struct cur){bytes, bytes + caplen, false};
	memset((uint8_t *)p + PACKET_ZEROED, 0, PACKET_ZEROED_BYTES);
	packet_of_frame(p, f);
	if (unlikely(!plain))
		return fast_special(d, start, f, p);
	return fast_frame(d, start, p, &c);
}

void decode_batch(struct decoder *d, const struct frame *frames, unsigned count,
	struct packet *out)
{
	const struct hash_state start = hash_begin(&d->key);
	const struct frame *f = frames, *end = frames + count;
	const struct frame *ahead = count > AHEAD ? end - AHEAD : frames;

	for (; f < end; f++, out++) {
		if (f < ahead)
			__builtin_prefetch(f[AHEAD].bytes);
		if (unlikely(!fast_decode(d, &start, f, out)))
			chain_decode(d, f, out);
	}
}
