#include "decode/chain.h"

#include <assert.h>

#include "core/proto.h"
#include "decode/load.h"

/* Each header takes bytes or belongs to a bounded list; this bounds the work for sure.
 */
#define CHAIN_STEPS 128

#define DISSECTOR(name_) extern const struct dissector dissector_##name_;
#include "decode/generated_dissectors.def"
#undef DISSECTOR

static const struct dissector *const dissectors[] = {
#define DISSECTOR(name_) &dissector_##name_,
#include "decode/generated_dissectors.def"
#undef DISSECTOR
};

#define DISSECTORS (sizeof(dissectors) / sizeof(dissectors[0]))
_Static_assert(DISSECTORS < CHAIN_DISSECTORS, "numbers are uint8_t");

static void register_key(
	struct decoder *d, unsigned space, uint16_t number, uint8_t dissector)
{
	switch ((enum key_space)space) {
	case KEY_NONE: break;
	case KEY_LINK: d->link[number] = dissector; break;
	case KEY_ETHER: d->ether[number] = dissector; break;
	case KEY_IP: d->ip[number] = dissector; break;
	case KEY_UDP:
		d->udp[number] = dissector;
		d->udp_tunnel[number / 64] |= 1ull << number % 64;
		break;
	case KEY_INNER: d->inner[number] = dissector; break;
	}
}

void chain_register(struct decoder *d)
{
	unsigned i, k;

	for (i = 0; i < DISSECTORS; i++)
		for (k = 0; dissectors[i]->keys[k].space != KEY_NONE; k++)
			register_key(d, dissectors[i]->keys[k].space,
				dissectors[i]->keys[k].number, (uint8_t)(i + 1));
}

unsigned chain_lookup(const struct decoder *d, unsigned space, unsigned key)
{
	switch ((enum key_space)space) {
	case KEY_NONE: break;
	case KEY_LINK: return key < CHAIN_LINKS ? d->link[key] : 0;
	case KEY_ETHER: return d->ether[key & 0xffff];
	case KEY_IP: return d->ip[key & 0xff];
	case KEY_UDP: return d->udp[key & 0xffff];
	case KEY_INNER: return key < INNER_COUNT ? d->inner[key] : 0;
	}
	return 0;
}

const uint8_t *chain_take(struct chain *ch, uint32_t len, enum malformed why)
{
	const uint8_t *p;

	if (chain_left(ch) < len) {
		ch->malformed = (uint8_t)why;
		return NULL;
	}
	p = cur_take(&ch->c, len);
	if (!p)
		ch->malformed = MALFORMED_cut;
	return p;
}

void chain_bound(struct chain *ch, uint32_t len)
{
	uint32_t at = chain_at(ch);
	uint32_t end = len > CHAIN_NO_LIMIT - 1 - at ? CHAIN_NO_LIMIT - 1 : at + len;

	if (end < ch->limit)
		ch->limit = end;
	if (end < ch->wire_end)
		ch->wire_end = end;
	cur_limit(&ch->c, len);
}

enum step chain_ethertype(struct chain *ch, unsigned type)
{
	if (type >= 0x600)
		return chain_next(ch, KEY_ETHER, type);
	if (type > 1500)
		return chain_no_flow(ch, PACKET_OTHER_LINK);
	if (type <= chain_left(ch))
		chain_bound(ch, type);
	return chain_next(ch, KEY_INNER, INNER_LLC);
}

enum step chain_no_flow(struct chain *ch, enum packet_kind kind)
{
	if (ch->has_flow) {
		ch->p->vlans = ch->flow_vlans;
		ch->p->tunnels = ch->flow_tunnels;
	} else {
		ch->p->kind = (uint8_t)kind;
	}
	return STEP_DONE;
}

enum step chain_tunnel(struct chain *ch, struct tunnel tunnel)
{
	if (ch->p->tunnels == PACKET_TUNNELS)
		return chain_bad(ch, MALFORMED_tunnel_depth);
	ch->p->tunnel[ch->p->tunnels++] = tunnel;
	ch->guessed = ch->space == KEY_UDP;
	return STEP_NEXT;
}

void chain_flow(struct chain *ch, enum packet_kind kind, uint16_t sport, uint16_t dport)
{
	struct packet *p = ch->p;

	p->kind = (uint8_t)kind;
	p->key.proto = ch->proto;
	p->key.family = ch->family;
	p->dir = (uint8_t)tuple_order(&p->key, &ch->src, sport, &ch->dst, dport);
	ch->has_flow = true;
	ch->guessed = false;
	ch->flow_vlans = p->vlans;
	ch->flow_tunnels = p->tunnels;
}

void chain_payload(struct chain *ch, uint32_t len)
{
	struct packet *p = ch->p;
	size_t there = cur_left(&ch->c);

	ch->payload_at = chain_at(ch);
	p->payload_len = len;
	p->payload_captured = there < len ? (uint32_t)there : len;
	p->payload = p->payload_captured ? ch->c.at : NULL;
}

enum step chain_ip_payload(struct chain *ch, unsigned proto)
{
	ch->proto = (uint8_t)proto;
	ch->p->ip_bytes = ch->limit > ch->ip_at ? ch->limit - ch->ip_at : 0;
	chain_flow(ch, PACKET_OTHER_IP, 0, 0);
	chain_payload(ch, chain_claimed(ch));
	return chain_next(ch, KEY_IP, proto);
}

void packet_segments(struct packet *p, uint32_t gso_bytes, uint32_t header)
{
	uint32_t ip_header = p->ip_bytes - p->payload_len;
	uint32_t more;

	if (gso_bytes == 0 || p->payload_len <= gso_bytes)
		return;
	more = (p->payload_len - 1) / gso_bytes;
	p->segments = more + 1;
	p->wire_bytes += more * header;
	p->ip_bytes += more * ip_header;
}

static void take_out_of_band_tag(struct chain *ch)
{
	if (ch->f->vlan_tpid == 0)
		return;
	ch->p->vlan[ch->p->vlans++] = ch->f->vlan_tci & 0xfff;
	ch->tags = 1;
}

static enum step run(struct chain *ch)
{
	enum step step = STEP_NEXT;
	unsigned steps, number;

	for (steps = 0; step == STEP_NEXT; steps++) {
		number = chain_lookup(ch->d, ch->space, ch->key);
		if (number == 0)
			return chain_no_flow(ch, PACKET_OTHER_LINK);
		if (steps == CHAIN_STEPS)
			return chain_bad(ch, MALFORMED_link_header);
		step = dissectors[number - 1]->step(ch);
	}
	return step;
}

static void remember_fragment(struct chain *ch)
{
	const struct packet *p = ch->p;
	struct fragment_flow flow = {
		.key = p->key,
		.kind = p->kind,
		.dir = p->dir,
		.tunnels = p->tunnels,
		.icmp_id = p->icmp_id,
		.icmp_seq = p->icmp_seq,
		.icmp_type = p->icmp_type,
		.icmp_code = p->icmp_code,
		.has_icmp_id = p->has_icmp_id,
	};

	memcpy(flow.tunnel, p->tunnel, p->tunnels * sizeof(p->tunnel[0]));
	fragments_first(ch->d->fragments, &ch->fragment, &flow);
}

/*
 * What follows a tunnel's UDP port and does not even hold an IP header is no tunnel:
 * the datagram stays. But a tunnel that the snaplen cuts must not look like a flow of
 * its own.
 */
static bool is_no_tunnel(const struct chain *ch)
{
	return ch->guessed && ch->malformed != MALFORMED_cut &&
	       ch->malformed != MALFORMED_tunnel_depth;
}

static void finish(struct chain *ch, enum step step)
{
	struct packet *p = ch->p;

	if (step == STEP_BAD && is_no_tunnel(ch))
		step = chain_no_flow(ch, PACKET_UDP);
	if (step == STEP_BAD) {
		p->outcome = OUTCOME_MALFORMED;
		p->malformed = ch->malformed;
		return;
	}
	p->outcome = OUTCOME_PARSED;
	if (!ch->has_flow)
		return;
	if (ch->pending)
		remember_fragment(ch);
	if (p->fragment == 0 && (p->kind == PACKET_TCP || p->kind == PACKET_UDP))
		packet_segments(p, ch->f->gso_bytes, ch->payload_at);
	p->hash = (uint32_t)tuple_hash(&ch->d->key, &p->key);
}

/*
 * Zeroes everything before the arrays, a cache line at a time: gcc turns one long
 * memset into "rep stos", which takes longer than all the rest (measured: 41 against 20
 * ns a packet).
 */
static void packet_clear(struct packet *p)
{
	uint8_t *bytes = (uint8_t *)p;

	memset(bytes, 0, 64);
	memset(bytes + 64, 0, 64);
	memset(bytes + 128, 0, offsetof(struct packet, vlan) - 128);
}
_Static_assert(
	offsetof(struct packet, vlan) > 128 && offsetof(struct packet, vlan) <= 192,
	"packet_clear: two whole lines and a part");

void chain_decode(struct decoder *d, const struct frame *f, struct packet *p)
{
	struct chain ch = {
		.c = cur_of(f->bytes, f->caplen),
		.base = f->bytes,
		.wire_end = f->len > f->caplen ? f->len : f->caplen,
		.limit = CHAIN_NO_LIMIT,
		.p = p,
		.d = d,
		.f = f,
		.space = KEY_LINK,
		.key = f->linktype,
	};

	packet_clear(p);
	packet_of_frame(p, f);
	if (f->vlan_tpid)
		p->wire_bytes += TAG_BYTES;
	if (f->filtered) {
		p->outcome = OUTCOME_FILTERED;
		return;
	}
	if (chain_lookup(d, KEY_LINK, f->linktype) == 0) {
		p->outcome = OUTCOME_UNSUPPORTED;
		return;
	}
	take_out_of_band_tag(&ch);
	finish(&ch, run(&ch));
}
